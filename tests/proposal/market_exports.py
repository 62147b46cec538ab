"""Exports of tills, market places and ledgers, in the layouts that these document; all values are made up."""

from __future__ import annotations

from collections.abc import Callable

from tests.proposal.order_lines import LINES, Line, csv_of, total

FIRSTS = {line.order: line.number for line in reversed(LINES)}


def is_first(line: Line) -> bool:
    """Whether a line is the first one of its order."""
    return FIRSTS[line.order] == line.number


def _on_first(line: Line, value: object) -> object:
    return value if is_first(line) else ""


def _lightspeed() -> bytes:
    """A row for the sale, one for each product, and one for the payment; the till's user is no customer."""
    rows = []
    for n in LINES:
        start = [n.at, n.order]
        end = ["Main", ("Jo", "Al")[n.order % 2], "CLOSED"]
        whole = ["", total(n.order)]
        if is_first(n):
            rows.append([*start, "Sale", f"CU-{n.customer}", *whole, "", *end, ""])
        rows.append(
            [*start, "Sale Line", f"CU-{n.customer}", n.pieces, n.sum, n.title, *end, f"S{n.product}"]
        )
        if is_first(n):
            rows.append([*start, "Payment", f"CU-{n.customer}", *whole, "", *end, ""])
    header = "Date;Receipt Number;Line Type;Customer Code;Quantity;Total;Details;Register;User;Status;Sku"
    lines = (";".join(str(cell).replace(";", ",").replace('"', "'") for cell in row) for row in rows)
    return "\n".join([header, *lines, ""]).encode()


def _bigcommerce() -> bytes:
    def products(order: int) -> str:
        return "|".join(
            f"Product ID: {m.product}, Product Qty: {m.pieces}, Product SKU: S-{m.product}, Product Name: {m.title}, "
            f"Product Weight: 0.0000, Product Variation Details: , Product Unit Price: {m.price}, "
            f"Product Total Price: {m.sum}"
            for m in LINES
            if m.order == order
        ).replace('"', '""')

    header = (
        "Order ID,Customer ID,Customer Name,Order Date,Order Status,Order Total (inc tax),Product Details"
    )
    heads = (
        f'{n.order},{n.customer},{n.name},{n.at:%d/%m/%Y},Completed,{total(n.order)},"{products(n.order)}"'
        for n in LINES
        if is_first(n)
    )
    return "\n".join([header, *heads, ""]).encode()


def _wix() -> bytes:
    return csv_of(
        "Order number,Date created,Time,Total order quantity,Contact email,Item,Variant,SKU,Qty,Quantity refunded,"
        "Price,Payment status,Total,Fulfillment status",
        lambda n: [
            10000 + n.order, f"{n.at:%b} {n.at.day}, {n.at:%Y}", f"{n.at:%I:%M %p}", 3, f"{n.customer}@x.org",
            n.title, "", f"S{n.product}", n.pieces, 0, n.price, "Paid", total(n.order), "Fulfilled",
        ],
    )  # fmt: skip


def _etsy() -> bytes:
    """Two of three products have no SKU; each has a listing."""
    return csv_of(
        "Sale Date,Item Name,Buyer,Quantity,Price,Coupon Code,Discount Amount,Item Total,Currency,Transaction ID,"
        "Listing ID,Date Paid,Ship Name,Ship Country,Order ID,SKU",
        lambda n: [
            f"{n.at:%m/%d/%y}", n.title, f"buyer{n.customer}", n.pieces, n.price, "", "0.00", n.sum, "USD",
            3500000000 + n.number, 1200000000 + n.product, f"{n.at:%m/%d/%Y}", n.name, "Spain", 2900000000 + n.order,
            "" if n.product % 3 else f"S{n.product}",
        ],
    )  # fmt: skip


def _fulfilment() -> bytes:
    return csv_of(
        "Amazon Order Id,Merchant Order Id,Shipment Item Id,Amazon Order Item Id,Purchase Date,Shipment Date,"
        "Buyer Email,Merchant SKU,Title,Shipped Quantity,Currency,Item Price",
        lambda n: [
            f"302-{n.order:07d}", "", f"D{n.number}", 9000 + n.number, f"{n.at.isoformat()}+00:00",
            f"{n.at.isoformat()}+00:00", f"x{n.customer}@x.de", f"S{n.product}", n.title, n.pieces, "EUR", n.sum,
        ],
    )  # fmt: skip


def _shopee() -> bytes:
    return csv_of(
        "No. Pesanan,Status Pesanan,Alasan Pembatalan,Waktu Pesanan Dibuat,SKU Induk,Nama Produk,Harga Awal,"
        "Harga Setelah Diskon,Jumlah,Total Harga Produk,Username (Pembeli)",
        lambda n: [
            f"2401{n.order:08d}", "Selesai", "", f"{n.at:%Y-%m-%d %H:%M}", f"P{n.product}", n.title,
            *(f"Rp {cents * 1000:,}".replace(",", ".") for cents in (n.cents, n.cents)), n.pieces,
            f"Rp {n.cents * n.pieces * 1000:,}".replace(",", "."), f"buyer{n.customer}",
        ],
    )  # fmt: skip


def _odoo() -> bytes:
    return csv_of(
        "id,order_id/id,order_id/name,order_partner_id/id,product_id/id,product_id/name,product_uom_qty,price_unit,"
        "price_subtotal,create_date,state",
        lambda n: [
            f"__export__.l{n.number}", f"__export__.o{n.order}", f"S{n.order}", f"__export__.p{n.customer}",
            f"__export__.product_{n.product}", n.title, f"{n.pieces}.0", n.price, n.sum, n.at, "sale",
        ],
    )  # fmt: skip


def _erpnext() -> bytes:
    """The order, its customer and its day stand on the first of its lines alone."""
    return csv_of(
        "ID,Customer,Date,Posting Time,Is Return (Credit Note),Status,Grand Total,Item (Items),Item Name (Items),"
        "Quantity (Items),Rate (Items),Amount (Items)",
        lambda n: [
            *(_on_first(n, each) for each in (f"SINV-{n.order:05d}", f"C-{n.customer}", f"{n.at:%Y-%m-%d}", "09:00:00",
            "0", "Paid", total(n.order))), f"ITEM-{n.product}", n.title, f"{n.pieces}.0", n.price, n.sum,
        ],
    )  # fmt: skip


def _jtl() -> bytes:
    return csv_of(
        "Auftragsnummer;Auftragsdatum;Kundennummer;Artikelnummer;Artikelname;Anzahl;VK-Preis brutto;MwSt;Storniert",
        lambda n: [
            f"AU-{n.order}", f"{n.at:%d.%m.%Y %H:%M:%S}", 10000 + n.customer, f"ART{n.product}", n.title,
            f"{n.pieces},00", n.price.replace(".", ","), "19,00", "N",
        ],
        ";", "cp1252",
    )  # fmt: skip


def _dynamics() -> bytes:
    return csv_of(
        "salesorderdetailid,salesorderid,productid,productname,quantity,priceperunit,extendedamount,createdon,customerid",
        lambda n: [
            f"{n.number:032x}", f"{n.order:032x}", f"{n.product:032x}", n.title, f"{n.pieces}.0000000000",
            f"{n.price}00", f"{n.sum}00", f"{n.at:%Y-%m-%dT%H:%M:%SZ}", f"{n.customer:032x}",
        ],
    )  # fmt: skip


def _payments() -> bytes:
    return csv_of(
        "id,invoice_id,customer_id,product_id,description,quantity,amount_cents,currency,created",
        lambda n: [
            f"il_{n.number}", f"in_{n.order}", f"cus_{n.customer}", f"prod_{n.product}", n.title, n.pieces,
            n.pieces * n.cents, "usd", f"{n.at:%Y-%m-%d %H:%M}",
        ],
    )  # fmt: skip


MARKETS: dict[str, Callable[[], dict[str, bytes]]] = {
    "Lightspeed": lambda: {"sales.csv": _lightspeed()},
    "BigCommerce": lambda: {"orders.csv": _bigcommerce()},
    "Wix": lambda: {"orders.csv": _wix()},
    "Etsy": lambda: {"EtsySoldOrderItems2024.csv": _etsy()},
    "Amazon, fulfilment": lambda: {"shipments.csv": _fulfilment()},
    "Shopee, Indonesian": lambda: {"Order.all.20240101_20240131.csv": _shopee()},
    "Odoo": lambda: {"sale.order.line.csv": _odoo()},
    "ERPNext": lambda: {"Sales Invoice.csv": _erpnext()},
    "JTL": lambda: {"auftraege.csv": _jtl()},
    "Dynamics": lambda: {"salesorderdetail.csv": _dynamics()},
    "payments in cents": lambda: {"invoice_line_items.csv": _payments()},
}
