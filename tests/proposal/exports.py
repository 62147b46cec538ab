"""Exports of systems that shops use, in the layouts that the systems document; all values are made up."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

import polars as pl

from tests.proposal.order_lines import LINES, TITLES, Line, csv_of, json_of, orders_of, total


def _comma(amount: str) -> str:
    return f"{float(amount) * 100:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


def _amazon(encoding: str) -> bytes:
    head = "amazon-order-id,purchase-date,buyer-email,sku,product-name,quantity-shipped,currency,item-price,country"
    return csv_of(
        head.replace(",", "\t"),
        lambda n: [
            f"302-{n.order:07d}", f"{n.at:%Y-%m-%dT%H:%M:%S}+00:00", f"{n.customer}@x.de", f"SKU-{n.product}",
            n.title.replace('"', "''"), n.pieces, "EUR", n.sum, "DE",
        ],
        "\t", encoding,
    )  # fmt: skip


def _ebay() -> bytes:
    table = csv_of(
        "Sales Record Number,Order Number,Buyer Username,Item Number,Item Title,Quantity,Total Price,Sale Date",
        lambda n: [
            5000 + n.number, f"12-{n.order:05d}", f"buyer_{n.customer}", 374500000000 + n.product, n.title, n.pieces,
            f"${n.sum}", f"{n.at:%b-%d-%y}",
        ],
    )  # fmt: skip
    return b"\xef\xbb\xbf\r\n" + table + b'\r\n"99 record(s) downloaded"\r\n'


def _square() -> bytes:
    return csv_of(
        "Date,Time,Time Zone,Category,Item,Qty,SKU,Gross Sales,Net Sales,Transaction ID,Event Type,Customer ID",
        lambda n: [
            f"{n.at:%m/%d/%y}", f"{n.at:%H:%M:%S}", "Pacific Time (US & Canada)", "Food", n.title, f"{n.pieces}.0",
            f"SKU-{n.product}", f"${n.sum}", f"${n.sum}", f"T{n.order}", "Payment", f"C{n.customer}",
        ],
    )  # fmt: skip


def _magento() -> bytes:
    return csv_of(
        "ID,Purchase Date,Bill-to Name,Total Paid,Status,Customer Email,Item SKU,Item Name,Item Qty Ordered,Item Price",
        lambda n: [
            f"{n.order:09d}", f"{n.at:%b} {n.at.day}, {n.at:%Y, %I:%M:%S %p}", n.name, f"${total(n.order)}", "Complete",
            f"{n.customer}@x.com", f"SKU-{n.product}", n.title, n.pieces, f"${n.price}",
        ],
    )  # fmt: skip


def _prestashop() -> dict[str, bytes]:
    orders = "id_order;reference;id_shop;id_customer;total_paid;date_add\n" + "".join(
        f"{n.order};XK{n.order:07d};1;{n.customer};{total(n.order)};{n.at}\n" for n in _heads()
    )
    names = "id_product;id_lang;name\n" + "".join(
        f"{p};1;{TITLES[p % 5].replace(';', ',')}\n" for p in range(11)
    )
    details = csv_of(
        "id_order_detail;id_order;id_shop;product_id;product_name;product_quantity;unit_price_tax_incl",
        lambda n: [n.number, n.order, 1, n.product, n.title, n.pieces, n.price],
        ";",
    )
    return {
        "ps_orders.csv": orders.encode(),
        "ps_order_detail.csv": details,
        "ps_product_lang.csv": names.encode(),
    }


def _heads() -> list[Line]:
    """The first line of each order."""
    seen: set[int] = set()
    return [n for n in LINES if not (n.order in seen or seen.add(n.order))]


def _magento_database() -> dict[str, bytes]:
    """Lines name the order by the number of its row, which people never see."""
    orders = "entity_id,store_id,customer_id,grand_total,increment_id,created_at\n" + "".join(
        f"{n.order},1,{n.customer},{total(n.order)},{100000000 + n.order},{n.at}\n" for n in _heads()
    )
    lines = csv_of(
        "item_id,order_id,store_id,product_id,name,qty_ordered,price,row_total",
        lambda n: [
            n.number,
            n.order,
            1,
            n.product,
            n.title,
            f"{n.pieces}.0000",
            f"{n.price}00",
            f"{n.sum}00",
        ],
    )
    return {"sales_order.csv": orders.encode(), "sales_order_item.csv": lines}


def _shopware_database() -> dict[str, bytes]:
    orders = "id;ordernumber;userID;invoice_amount;ordertime\n" + "".join(
        f"{n.order};{20000 + n.order};{n.customer};{total(n.order)};{n.at}\n" for n in _heads()
    )
    lines = csv_of(
        "id;orderID;ordernumber;articleID;articleordernumber;price;quantity;name",
        lambda n: [
            n.number, n.order, 20000 + n.order, n.product, f"SW{n.product}", n.price, n.pieces, n.title
        ],
        ";",
    )  # fmt: skip
    return {"s_order.csv": orders.encode(), "s_order_details.csv": lines}


def _shopware() -> bytes:
    return csv_of(
        "id;orderNumber;orderDateTime;orderCustomer.customerNumber;amountTotal;lineItems.productNumber;"
        "lineItems.label;lineItems.quantity;lineItems.unitPrice;lineItems.totalPrice",
        lambda n: [
            f"{n.order:032x}", 1000 + n.order, f"{n.at:%Y-%m-%dT%H:%M:%S}.000+00:00", f"K{n.customer}",
            total(n.order), f"SW{n.product}", n.title, n.pieces, n.price, n.sum,
        ],
        ";",
    )  # fmt: skip


def _snowplow() -> bytes:
    """The app is the same in all rows, and no product."""
    return csv_of(
        "app_id,platform,collector_tstamp,event,event_id,user_id,ti_orderid,ti_sku,ti_name,ti_price,ti_quantity",
        lambda n: [
            "shop", "web", n.at, "transaction_item", f"e{n.number}", f"u{n.customer}", f"o{n.order}",
            f"p{n.product}", n.title, n.price, n.pieces,
        ],
    )  # fmt: skip


def _woocommerce() -> bytes:
    return json_of(
        orders_of(
            lambda n: {
                "id": n.order, "status": "completed", "date_created": n.at.isoformat(), "total": total(n.order),
                "customer_id": n.customer, "billing": {"first_name": n.name, "country": "DE"},
            },
            lambda n: {
                "id": n.number, "name": n.title, "product_id": n.product, "quantity": n.pieces, "total": n.sum,
                "price": n.cents / 100,
            },
            "line_items",
        )
    )  # fmt: skip


def segment() -> bytes:
    def event(name: str, line: Line, properties: dict) -> dict:
        return {
            "event": name, "type": "track", "userId": f"u{line.customer}", "timestamp": f"{line.at.isoformat()}.000Z",
            "properties": properties,
        }  # fmt: skip

    def thing(line: Line) -> dict:
        return {"product_id": f"p{line.product}", "name": line.title, "price": line.cents / 100}

    views = [event("Product Viewed", n, thing(n)) for n in LINES]
    orders = orders_of(
        lambda n: event("Order Completed", n, {"order_id": f"o{n.order}", "total": float(total(n.order))}),
        lambda n: thing(n) | {"quantity": n.pieces},
        "products",
    )
    for order in orders:
        order["properties"]["products"] = order.pop("products")
    return json_of([*views, *orders])


def analytics() -> bytes:
    rows = orders_of(
        lambda n: {
            "event_timestamp": int((n.at - datetime(1970, 1, 1)).total_seconds() * 1e6), "event_name": "purchase",
            "user_pseudo_id": f"1.{n.customer}", "ecommerce": {"transaction_id": f"T{n.order}"},
        },
        lambda n: {"item_id": f"p{n.product}", "item_name": n.title, "price": n.cents / 100, "quantity": n.pieces},
        "items",
    )  # fmt: skip
    start = rows[0] | {"event_name": "session_start", "items": [], "ecommerce": {"transaction_id": None}}
    out = io.BytesIO()
    pl.DataFrame([start, *rows], infer_schema_length=None).write_parquet(out)
    return out.getvalue()


def _local(header: str, encoding: str, when: str, name: Callable[[str], str], **more: str) -> bytes:
    return csv_of(
        header,
        lambda n: [
            n.order, f"{n.at:{when}}", f"{n.customer:03d}.456", more.get("who", n.name), f"P{n.product}",
            more.get("title", n.title), n.pieces, name(n.price), name(n.sum),
        ],
        more.get("delimiter", ";"), encoding,
    )  # fmt: skip


EXPORTS: dict[str, Callable[[], dict[str, bytes]]] = {
    "Amazon": lambda: {"shipments.txt": _amazon("cp1252")},
    "Amazon, UTF-16": lambda: {"shipments.txt": _amazon("utf-16")},
    "eBay": lambda: {"orders.csv": _ebay()},
    "Square": lambda: {"items-2024.csv": _square()},
    "Magento": lambda: {"export.csv": _magento()},
    "PrestaShop": _prestashop,
    "Magento, database": _magento_database,
    "Shopware 5, database": _shopware_database,
    "Shopware 6": lambda: {"export.csv": _shopware()},
    "Snowplow": lambda: {"events.csv": _snowplow()},
    "WooCommerce": lambda: {"orders.jsonl": _woocommerce()},
    "Segment": lambda: {"tracks.jsonl": segment()},
    "Google Analytics": lambda: {"events_20240103.parquet": analytics()},
    "German": lambda: {
        "Umsätze 2024.csv": _local(
            "Auftragsnr.;Datum;Kd.-Nr.;Kundenname;Art.-Nr.;Artikelbezeichnung;Menge;Einzelpreis €;Gesamtpreis €",
            "cp1252", "%d.%m.%Y, %H:%M", _comma,
        )
    },
    "Brazilian": lambda: {
        "vendas.csv": _local(
            "Nº do Pedido;Data do Pedido;CPF do Cliente;Cliente;Código do Produto;Produto;Quantidade;"
            "Valor Unitário (R$);Valor Total (R$)",
            "cp1252", "%d/%m/%Y %H:%M", lambda amount: f"R$ {_comma(amount)}",
        )
    },
    "Japanese": lambda: {
        "受注.csv": _local(
            "注文番号,注文日時,会員ID,氏名,商品コード,商品名,数量,単価,小計", "cp932", "%Y年%m月%d日 %H:%M",
            lambda amount: f"{round(float(amount) * 100)}円", delimiter=",", who="山田 太郎", title="緑茶 ティーバッグ",
        )
    },
    "SAP": lambda: {
        "VBRP.csv": csv_of(
            "VBELN;POSNR;FKDAT;KUNAG;MATNR;ARKTX;FKIMG;NETWR;WAERK",
            lambda n: [
                f"{n.order:010d}", f"{n.number:06d}", f"{n.at:%d.%m.%Y}", f"{n.customer:010d}", f"{n.product:018d}",
                n.title, f"{n.pieces},000", _comma(n.sum), "EUR",
            ],
            ";", "cp1252",
        )
    },
    "German shop": lambda: {
        "bestellungen.csv": _local(
            "Bestellnummer,Bestelldatum,Kunden-ID,Name,Artikelnummer,Artikelname,Menge,Artikelpreis,Zeilensumme",
            "utf-8", "%Y-%m-%d %H:%M", _comma, delimiter=",",
        )
    },
    "Polish": lambda: {
        "zamowienia.csv": _local(
            "Numer zamówienia;Data zamówienia;ID klienta;Imię;Kod produktu;Nazwa produktu;Ilość;Cena;Wartość",
            "cp1250", "%Y-%m-%d %H:%M", _comma, title="Kubek żółty", who="Zofia Łoś",
        )
    },
    "Swedish": lambda: {
        "order.csv": _local(
            "Ordernummer;Orderdatum;Kundnummer;Namn;Artikelnummer;Benämning;Antal;Pris;Belopp",
            "cp1252", "%Y-%m-%d %H:%M", lambda amount: f"{_comma(amount)} kr", title="Blå mugg", who="Åsa Öberg",
        )
    },
    "Russian": lambda: {
        "заказы.csv": _local(
            "Номер заказа;Дата заказа;Код клиента;Имя;Артикул;Наименование;Количество;Цена;Сумма",
            "cp1251", "%d.%m.%Y %H:%M", lambda amount: f"{_comma(amount)} руб.",  # noqa: RUF001 - Cyrillic
            title="Синяя кружка", who="Иван",
        )
    },
}  # fmt: skip
NO_CLOCK = ("eBay", "SAP")
"""Those without the time of day."""
IN_CENTS = ("German", "Brazilian", "Japanese", "SAP", "German shop", "Polish", "Swedish", "Russian")
"""Those whose amounts stand for cents."""
