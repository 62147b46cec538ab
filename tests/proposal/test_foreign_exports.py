"""Exports of systems that shops use: every line is loaded, with its customer, product, moment, pieces and money.

The layouts are those that the systems document; all values are made up.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from recsys_assets.proposal.proposal import Proposal
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

_TITLES = ("Blue Mug", 'Tea "Earl Grey", 100 g', "Café crème", "Socks; grey", "T-Shirt | M")
_PEOPLE = ("Ann Lee", "José Niño", "Zoë Müller", "Bob O'Neil")


@dataclass(frozen=True)
class Line:
    """One line of an order."""

    number: int
    order: int
    at: datetime
    customer: int
    product: int
    pieces: int
    cents: int

    @property
    def title(self) -> str:
        return f"{_TITLES[self.product % 5]} {self.product}"

    @property
    def name(self) -> str:
        return _PEOPLE[self.customer % 4]

    @property
    def price(self) -> str:
        return f"{self.cents / 100:.2f}"

    @property
    def sum(self) -> str:
        return f"{self.pieces * self.cents / 100:.2f}"


def _lines() -> Iterator[Line]:
    number, at = 0, datetime(2024, 1, 3, 8, 13)
    for order in range(1, 61):
        at += timedelta(hours=9, minutes=17)
        for place in range(order % 3 + 1):
            product = (order * 7 + place * 5) % 11
            number += 1
            yield Line(
                number, order, at, order * 5 % 13, product, (order + place) % 3 + 1, 250 + product * 137
            )


LINES = list(_lines())


def total(order: int) -> str:
    """The sum of an order."""
    return f"{sum(each.pieces * each.cents for each in LINES if each.order == order) / 100:.2f}"


def _csv(
    header: str, rows: Callable[[Line], Sequence[object]], delimiter: str = ",", encoding: str = "utf-8"
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header.split(delimiter))
    writer.writerows(rows(line) for line in LINES)
    return text.getvalue().encode(encoding)


def _comma(amount: str) -> str:
    return f"{float(amount) * 100:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


def _json(records: Sequence[object]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in records).encode()


def _orders(head: Callable[[Line], dict], line: Callable[[Line], dict], items: str) -> list[dict]:
    firsts = {each.order: each for each in reversed(LINES)}
    return [
        head(firsts[order]) | {items: [line(each) for each in LINES if each.order == order]}
        for order in sorted(firsts)
    ]


def _amazon(encoding: str) -> bytes:
    head = "amazon-order-id,purchase-date,buyer-email,sku,product-name,quantity-shipped,currency,item-price,country"
    return _csv(
        head.replace(",", "\t"),
        lambda n: [
            f"302-{n.order:07d}", f"{n.at:%Y-%m-%dT%H:%M:%S}+00:00", f"{n.customer}@x.de", f"SKU-{n.product}",
            n.title.replace('"', "''"), n.pieces, "EUR", n.sum, "DE",
        ],
        "\t", encoding,
    )  # fmt: skip


def _ebay() -> bytes:
    table = _csv(
        "Sales Record Number,Order Number,Buyer Username,Item Number,Item Title,Quantity,Total Price,Sale Date",
        lambda n: [
            5000 + n.number, f"12-{n.order:05d}", f"buyer_{n.customer}", 374500000000 + n.product, n.title, n.pieces,
            f"${n.sum}", f"{n.at:%b-%d-%y}",
        ],
    )  # fmt: skip
    return b"\xef\xbb\xbf\r\n" + table + b'\r\n"99 record(s) downloaded"\r\n'


def _square() -> bytes:
    return _csv(
        "Date,Time,Time Zone,Category,Item,Qty,SKU,Gross Sales,Net Sales,Transaction ID,Event Type,Customer ID",
        lambda n: [
            f"{n.at:%m/%d/%y}", f"{n.at:%H:%M:%S}", "Pacific Time (US & Canada)", "Food", n.title, f"{n.pieces}.0",
            f"SKU-{n.product}", f"${n.sum}", f"${n.sum}", f"T{n.order}", "Payment", f"C{n.customer}",
        ],
    )  # fmt: skip


def _magento() -> bytes:
    return _csv(
        "ID,Purchase Date,Bill-to Name,Total Paid,Status,Customer Email,Item SKU,Item Name,Item Qty Ordered,Item Price",
        lambda n: [
            f"{n.order:09d}", f"{n.at:%b} {n.at.day}, {n.at:%Y, %I:%M:%S %p}", n.name, f"${total(n.order)}", "Complete",
            f"{n.customer}@x.com", f"SKU-{n.product}", n.title, n.pieces, f"${n.price}",
        ],
    )  # fmt: skip


def _prestashop() -> dict[str, bytes]:
    seen: set[int] = set()
    heads = [n for n in LINES if not (n.order in seen or seen.add(n.order))]
    orders = "id_order;reference;id_shop;id_customer;total_paid;date_add\n" + "".join(
        f"{n.order};XK{n.order:07d};1;{n.customer};{total(n.order)};{n.at}\n" for n in heads
    )
    names = "id_product;id_lang;name\n" + "".join(
        f"{p};1;{_TITLES[p % 5].replace(';', ',')}\n" for p in range(11)
    )
    details = _csv(
        "id_order_detail;id_order;id_shop;product_id;product_name;product_quantity;unit_price_tax_incl",
        lambda n: [n.number, n.order, 1, n.product, n.title, n.pieces, n.price],
        ";",
    )
    return {
        "ps_orders.csv": orders.encode(),
        "ps_order_detail.csv": details,
        "ps_product_lang.csv": names.encode(),
    }


def _woocommerce() -> bytes:
    return _json(
        _orders(
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


def _segment() -> bytes:
    def event(name: str, line: Line, properties: dict) -> dict:
        return {
            "event": name, "type": "track", "userId": f"u{line.customer}", "timestamp": f"{line.at.isoformat()}.000Z",
            "properties": properties,
        }  # fmt: skip

    def thing(line: Line) -> dict:
        return {"product_id": f"p{line.product}", "name": line.title, "price": line.cents / 100}

    views = [event("Product Viewed", n, thing(n)) for n in LINES]
    orders = _orders(
        lambda n: event("Order Completed", n, {"order_id": f"o{n.order}", "total": float(total(n.order))}),
        lambda n: thing(n) | {"quantity": n.pieces},
        "products",
    )
    for order in orders:
        order["properties"]["products"] = order.pop("products")
    return _json([*views, *orders])


def _analytics() -> bytes:
    rows = _orders(
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
    return _csv(
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
    "WooCommerce": lambda: {"orders.jsonl": _woocommerce()},
    "Segment": lambda: {"tracks.jsonl": _segment()},
    "Google Analytics": lambda: {"events_20240103.parquet": _analytics()},
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
        "VBRP.csv": _csv(
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
_NO_CLOCK = ("eBay", "SAP")
_IN_CENTS = ("German", "Brazilian", "Japanese", "SAP", "German shop", "Polish", "Swedish", "Russian")


@pytest.mark.parametrize("system", EXPORTS)
def test_every_line_of_an_export_is_loaded_with_its_money(tmp_path: Path, system: str) -> None:
    proposal = proposed(tmp_path, EXPORTS[system]())
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    events = events.filter(pl.col("behaviour") == "purchase")
    assert events.height == len(LINES), proposal.files["raw_events.sql"]
    assert events["user_id"].n_unique() == len({line.customer for line in LINES})
    assert events["item_id"].n_unique() == len({line.product for line in LINES})
    assert events["quantity"].sum() == sum(line.pieces for line in LINES)
    times = 100 if system in _IN_CENTS else 1
    assert events["amount"].sum() == pytest.approx(
        times * sum(line.pieces * line.cents for line in LINES) / 100
    )
    found = {at.replace(tzinfo=None) for at in events["event_time"]}
    if system in _NO_CLOCK:
        found, expected = {at.date() for at in found}, {line.at.date() for line in LINES}
    else:
        expected = {line.at for line in LINES}
    assert found == expected
    (items,) = [part for part in proposal.tables["raw_items"] if "title" in part.columns][:1]
    assert items.columns["title"].name != items.columns["item_id"].name


def _notes(proposal: Proposal) -> str:
    return "\n".join(proposal.notes)


def test_views_of_one_product_stand_beside_orders_of_several(tmp_path: Path) -> None:
    proposed(tmp_path, {"tracks.jsonl": _segment()})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert dict(events["behaviour"].value_counts().iter_rows()) == {
        "view": len(LINES),
        "purchase": len(LINES),
    }
    assert not (rejected["table_name"] == "raw_events").any()


def test_a_record_whose_list_is_empty_is_told_in_every_format(tmp_path: Path) -> None:
    row = pl.read_parquet(io.BytesIO(_analytics())).drop("event_timestamp").to_dicts()
    texts = _json([{**each, "ts": "2024-01-03"} for each in row])
    for name, content in {"a.parquet": _analytics(), "a.jsonl": texts}.items():
        proposal = proposed(tmp_path / name, {name: content})
        assert f"column item_id is empty in 1 of {len(LINES) + 1:,} rows" in _notes(proposal)


_SHOP = "order_id,customer_id,sku,created_at,qty,price,total\n"


@pytest.mark.parametrize(
    ("price", "sum_", "note"),
    [
        ("price", "sum", ""),
        ("sum", "sum", "column price grows with the pieces: it is taken for the amount of the line"),
        ("price", "total", "column total is the same on all lines of an order"),
        ("sum", "total", "column price grows with the pieces: it is taken for the amount of the line"),
    ],
)
def test_sums_of_a_line_and_of_an_order_are_told_by_their_numbers(
    tmp_path: Path, price: str, sum_: str, note: str
) -> None:
    def of(what: str, line: Line) -> str:
        return total(line.order) if what == "total" else getattr(line, what)

    text = _SHOP + "".join(
        f"o{n.order},c{n.customer},p{n.product},{n.at},{n.pieces},{of(price, n)},{of(sum_, n)}\n"
        for n in LINES
    )
    proposal = proposed(tmp_path, {"o.csv": text})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events["amount"].sum() == pytest.approx(sum(line.pieces * line.cents for line in LINES) / 100)
    assert note in _notes(proposal) and ("it is taken for" in _notes(proposal)) == bool(note)


def test_what_may_cost_rows_or_customers_is_said(tmp_path: Path) -> None:
    text = "order_id,customer,item,date\n" + "".join(
        f"o{n.order},{n.name},{n.title.replace(',', '')},{n.at:%Y-%m-%d}\n".replace('"', "") * n.pieces
        for n in LINES
    )
    told = _notes(proposed(tmp_path, {"o.csv": text}))
    assert "rows are equal to an earlier one and count once" in told and "AS line_id" in told
    assert "column customer is taken for the customer and holds names" in told
    assert "column item is taken for the product and holds words" in told
    other = "sku,order_ref,order_no,date\n" + "".join(
        f"p{n.product},r{n.order},{n.order},{n.at}\n" for n in LINES
    )
    told = _notes(proposed(tmp_path / "other", {"o.csv": other}, ["user_id=order_no"]))
    assert "order_no is taken for the customer and called like an order" in told


def test_orders_that_ended_are_left_out_with_all_their_lines(tmp_path: Path) -> None:
    """Such a column is filled on the first line of an order only, as others of the order are."""
    firsts = {n.order: n.number for n in reversed(LINES)}
    ends = {n.number for n in LINES if n.order % 5 == 0 and firsts[n.order] == n.number}
    text = "Name,Email,Created at,Cancelled at,Lineitem sku,Lineitem quantity\n" + "".join(
        f"#{n.order},c{n.customer}@x.org,{n.at},{n.at if n.number in ends else ''},p{n.product},1\n"
        for n in LINES
    )
    told = _notes(proposed(tmp_path, {"o.csv": text}))
    assert f"column Cancelled at is filled in {len(ends)} of {len(LINES)} rows: these are taken for" in told
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sum(n.order % 5 != 0 for n in LINES)


@pytest.mark.parametrize("none", ["", "NULL", "\\N", "nan"])
@pytest.mark.parametrize("name", ["parent_item_id", "Parent Line ID", "bundled_by"])
def test_lines_that_are_parts_of_another_line_are_told_with_the_way_to_leave_them_out(
    name: str, none: str, tmp_path: Path
) -> None:
    text = f"item_id,order_id,customer_id,sku,created_at,qty,price,{name}\n"
    for place, n in enumerate(LINES):
        sold = f"o{n.order},c{n.customer},p{n.product},{n.at},{n.pieces}"
        text += f"{2 * place},{sold},{n.cents / 100},{none}\n{2 * place + 1},{sold},0.00,{2 * place}\n"
    proposal = proposed(tmp_path, {"o.csv": text})
    told = f"column {name} names another line in {len(LINES):,} of {2 * len(LINES):,} rows"
    assert told in _notes(proposal)
    sql = tmp_path / "source" / "raw_events.sql"
    sql.write_text(f'{sql.read_text()}\nWHERE "{name}" IS NULL\n')
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert len(events) == len(LINES)


def test_customers_written_as_words_for_none_are_told_like_empty_ones_in_files_read_together(
    tmp_path: Path,
) -> None:
    head = "order_id,customer_id,sku,created_at,qty,price\n"
    rows = [
        f"o{n.order},{f'c{n.customer}' if n.order % 5 else 'NULL'},p{n.product},{n.at},{n.pieces},{n.cents / 100}\n"
        for n in LINES
    ]
    plain = [row for row in rows if "NULL" not in row]
    files = {"orders-1.csv": head + "".join(rows), "orders-2.csv": head + "".join(plain).replace("o", "x")}
    proposal = proposed(tmp_path, files)
    (events,) = proposal.tables["raw_events"]
    assert events.files.scan == "read_csv('orders-*.csv', nullstr = 'NULL')", (
        "one scan, whichever file has the word"
    )
    empty, every = len(rows) - len(plain), len(rows) + len(plain)
    assert f"column customer_id is empty in {empty:,} of {every:,} rows, which are rejected" in _notes(
        proposal
    )
