"""What `recsys init` writes for a shop's files loads every row of them, however the shop spells things."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.known_names import EVENT
from recsys_assets.proposal.proposal import FolderInUse, NoEvents, propose
from recsys_assets.proposal.sampled_files import NothingToSample, common_pattern, sampled_files
from recsys_assets.shop.source import Source
from tests.examples import examples
from tests.sql.pipeline import CLEAN, open_source, run_raw, run_sql

_START = datetime(2024, 3, 14, 9, 30)
_TIMES = {
    "iso": lambda at: f"{at:%Y-%m-%d %H:%M:%S}",
    "T": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}",
    "german": lambda at: f"{at:%d.%m.%Y %H:%M}",
    "american": lambda at: f"{at:%m/%d/%Y %I:%M %p}",
    "seconds": lambda at: str(int((at - datetime(1970, 1, 1)).total_seconds())),
    "milliseconds": lambda at: str(int((at - datetime(1970, 1, 1)).total_seconds() * 1000)),
}


def spelled(name: str, style: str) -> str:
    """A known name as another shop would write it; the words of it are not known, so only its case changes."""
    return {"lower": name, "upper": name.upper(), "title": name.title(), "spaced": f"{name[:3]}_{name[3:]}"}[
        style
    ]


def loaded(folder: Path, data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events and the rejected rows of a source."""
    source = Source.load(folder)
    with duckdb.connect() as con:
        open_source(con, source, data)
        run_raw(con, source)
        run_sql(con, source, "clean", CLEAN)
        return con.sql("SELECT * FROM events").pl(), con.sql("SELECT * FROM rejected_rows").pl()


def write(path: Path, header: list[str], rows: list[list[str]], delimiter: str, encoding: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


# each example makes and loads a shop, so what fails is not made smaller
@settings(max_examples=examples(15), deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    user=st.sampled_from(EVENT["user_id"]),
    item=st.sampled_from(EVENT["item_id"]),
    time=st.sampled_from([name for name in EVENT["event_time"] if name not in ("date", "datum")]),
    order=st.sampled_from(EVENT["order_id"]),
    style=st.sampled_from(["lower", "upper", "title", "spaced"]),
    form=st.sampled_from(sorted(_TIMES)),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    comma=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_proposal_loads_every_row_with_its_customer_product_time_and_price(
    tmp_path_factory: pytest.TempPathFactory,
    user: str, item: str, time: str, order: str, style: str, form: str, delimiter: str, encoding: str, comma: bool,
    seed: int,
) -> None:  # fmt: skip
    draw = random.Random(seed)
    root = tmp_path_factory.mktemp("shop")
    (root / "data").mkdir()
    expected = set()
    header = [spelled(name, style) for name in (order, user, item, "qty", "price", time)]
    for month in ("2024-03", "2024-04"):
        rows = []
        for line in range(60):
            at = _START + timedelta(days=draw.randrange(15), minutes=draw.randrange(600))
            cents = draw.randrange(100, 500_000)
            price = f"{cents // 100},{cents % 100:02d}" if comma else f"{cents / 100:.2f}"
            cells = [
                f"o{month}{line}",
                f"Kä{draw.randrange(20)}",
                f"sku-{draw.randrange(30)}",
                str(draw.randrange(1, 9)),
            ]
            rows.append([*cells, price, _TIMES[form](at)])
            expected.add((cells[1], cells[2], at.replace(second=0), cents))
        write(root / "data" / f"orders_{month}.csv", header, rows, delimiter, encoding)
    proposal = propose("A shop", [root / "data"])
    proposal.write(root / "source")
    events, rejected = loaded(root / "source", root / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert events.height == 120
    found = {
        (user_id, item_id, at.replace(tzinfo=None), round(price * 100))
        for user_id, item_id, at, price in events[
            "user_id", "item_id", "event_time", "unit_price"
        ].iter_rows()
    }
    assert found == expected


_HEAD = "order_id;customer_id;sku;qty;price;order date\n"


@pytest.mark.parametrize(
    ("files", "prices"),
    [
        (  # each file has an encoding of its own, the last one UTF-16 without its mark
            {
                "o-2024-03-01.csv": (_HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n").encode("cp1252"),
                "o-2024-03-02.csv": (_HEAD + "2;Zoë;é;1;3.5;2024-03-01 10:00\n").encode(),
                "o-2024-03-03.csv": (_HEAD + "3;Zoë;é;1;3.5;2024-03-01 10:00\n").encode("utf-16"),
                "o-2024-03-04.csv": (_HEAD + "4;Zoë;é;1;3.5;2024-03-01 10:00\n").encode("utf-16-le"),
            },
            [3.5] * 4,
        ),
        (  # times in several ways, prices with a currency
            {
                "o 1.csv": _HEAD
                + "1;Zoë;é;1;1.299,00 €;01.03.2024 10:00\n2;Zoë;é;1;3,50 €;1.3.2024 10:00:00\n",
                "o 2.csv": _HEAD + "3;Zoë;é;1;EUR 3,50;2024-03-01T10:00\n4;Zoë;é;1;3;1709287200\n",
                "o 3.csv": _HEAD + "5;Zoë;é;1;12;1709287200000\n",
            },
            [1299.0, 3.5, 3.5, 3.0, 12.0],
        ),
        (
            {"o.csv": _HEAD + "1;Zoë;é;1;$1,299.00;2024-03-01 10:00\n2;Zoë;é;1;$7.25;2024-03-01 10:00\n"},
            [1299.0, 7.25],
        ),
        (  # a title before the header, in as many cells
            {"o.csv": "Orders;of;;;;\n;;;;;\n" + _HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n"},
            [3.5],
        ),
        (  # columns in another order and another case, one more, and another name
            {
                "o1.csv": _HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n",
                "o2.csv": "ORDER DATE;SKU;QTY;PRICE;CUSTOMER_ID;ORDER_ID\n2024-03-01 10:00;é;1;4.5;Zoë;2\n",
                "o3.csv": "client;sku;price;order date;coupon\nZoë;é;5.5;2024-03-01 10:00;x\n",
            },
            [3.5, 4.5, 5.5],
        ),
        (
            {
                "o [2024-03-01].csv": _HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n",
                "o [2024-03-02].csv": _HEAD + "2;Zoë;é;1;4.5;2024-03-01 10:00\n",
            },
            [3.5, 4.5],
        ),
        ({"o*[1]?.csv": _HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n"}, [3.5]),
    ],
)
def test_files_of_many_kinds_are_loaded_whole(
    tmp_path: Path, files: dict[str, bytes | str], prices: list[float]
) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    propose("Kinds", [tmp_path / "data"]).write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected.to_dicts()
    assert sorted(events["unit_price"]) == sorted(prices)
    assert {*events["user_id"]} == {"Zoë"} and {*events["item_id"]} == {"é"}
    assert {*events["event_time"]} == {datetime(2024, 3, 1, 10)}


@pytest.mark.parametrize(
    "files",
    [
        {
            "orders.csv": "order_id,customer_id,created_at\n1,u1,2024-03-01 10:00\n2,u2,2024-03-02 10:00\n",
            "order_items.csv": "order_id,sku,qty,price\n1,i1,1,3.5\n1,i2,2,4.5\n2,i1,1,3.5\n3,i1,1,3.5\n",
        },
        {
            "sales-2024-03-01.csv": "card_no,sku,qty,unit_price,sold at date\n"
            "a,i1,1,3.5,2024-03-01 10:00\na,i2,2,4.5,2024-03-01 10:00\n"
            "b,i1,1,3.5,2024-03-02 10:00\nc,i1,1,3.5,2024-03-01 10:00\n",
            "cards.csv": "card_no,customer\na,u1\nb,u2\n",
            "products.csv": "sku,title\ni1,mug\ni2,cup\n",
        },
    ],
)
def test_lines_and_heads_make_events_together_and_no_line_is_lost(
    tmp_path: Path, files: dict[str, str]
) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).write_text(content)
    proposal = propose("Two files", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert sorted(events["user_id", "item_id", "unit_price"].iter_rows()) == [
        ("u1", "i1", 3.5), ("u1", "i2", 4.5), ("u2", "i1", 3.5)
    ]  # fmt: skip
    assert set(events["event_time"].dt.day()) == {1, 2}
    assert rejected["reason"].to_list() == ["missing user id"]
    assert ("raw_items.sql" in proposal.files) == ("products.csv" in files)


def test_a_unit_behind_a_name_is_no_part_of_it_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    header = ["Date", "Customer", "SKU", "Qty (pcs)", "Unit Price [EUR]", "Discount"]
    write(tmp_path / "a.csv", header, [["2024-01-02", "u", "i", "2", "1.5", "a lot"]], ",", "utf-8")
    proposal = propose("Units", [tmp_path])
    (events,) = proposal.tables["raw_events"]
    assert {events.columns["quantity"].name, events.columns["unit_price"].name} == {*header[3:5]}
    assert "Discount is called like discount, but nothing here reads such values as a lot" in " ".join(
        proposal.notes
    )


def test_products_and_customers_alone_make_no_events(tmp_path: Path) -> None:
    write(tmp_path / "p.csv", ["id", "sku", "date"], [["1", "i", "2024-01-01"]], ",", "utf-8")
    write(tmp_path / "c.csv", ["id", "customer", "date"], [["1", "u", "2024-01-01"]], ",", "utf-8")
    with pytest.raises(NoEvents):
        propose("Apart", [tmp_path])


def test_a_column_named_like_a_time_is_not_left_out_though_nothing_reads_it(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["date", "customer", "sku"], [["day 12 of 2024", "u", "i"]], ",", "utf-8")
    proposal = propose("Odd times", [tmp_path])
    assert "undated" not in proposal.files["source.toml"] and '"date"' in proposal.files["raw_events.sql"]


def test_the_file_of_the_next_day_is_expected_where_there_is_one_day_alone(tmp_path: Path) -> None:
    write(
        tmp_path / "a 2024-03-01.csv", ["date", "customer", "sku"], [["2024-03-01", "u", "i"]], ",", "utf-8"
    )
    assert "read_csv('a *.csv')" in propose("A day", [tmp_path]).files["raw_events.sql"]


def test_events_items_and_users_of_a_clickstream_become_three_tables(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    events = [
        [
            str(1433221332117 + 60_000 * n),
            f"{n % 7}",
            word,
            f"{n % 11}",
            f"{n}" if word == "transaction" else "",
        ]
        for n, word in enumerate(["view", "view", "addtocart", "transaction", "view"] * 30)
    ]
    write(
        data / "events.csv",
        ["timestamp", "visitorid", "event", "itemid", "transactionid"],
        events,
        ",",
        "utf-8",
    )
    write(
        data / "products.csv",
        ["itemid", "Product Name", "categoryid"],
        [[f"{n}", f"Thing {n}", "c"] for n in range(11)],
        ",",
        "utf-8",
    )
    pl.DataFrame({"visitorid": [f"{n}" for n in range(7)], "country": ["NL"] * 7}).write_parquet(
        data / "people.parquet"
    )
    (data / "notes.docx").write_bytes(b"PK\3\4")
    proposal = propose("Clicks", [data])
    assert list(proposal.tables) == ["raw_events", "raw_users", "raw_items"]
    assert "notes.docx" in proposal.unread
    proposal.write(tmp_path / "source")
    found, rejected = loaded(tmp_path / "source", data)
    assert rejected.is_empty()
    assert dict(found["behaviour"].value_counts().iter_rows()) == {"view": 90, "cart": 30, "purchase": 30}
    assert found["event_time"].min() == datetime(2015, 6, 2, 5, 2, 12, 117000)


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    rows = [[f"{n % 12 + 1:02d}/{n % 11 + 1:02d}/2024", f"u{n % 5}", f"i{n % 9}", "x"] for n in range(100)]
    write(tmp_path / "a.csv", ["date", "customer", "sku", "weather"], rows, ",", "utf-8")
    notes = " ".join(propose("Doubtful", [tmp_path]).notes)
    assert "%d/%m/%Y and as %m/%d/%Y" in notes
    assert "not used: weather" in notes
    assert "holds days" in notes


_AT = [datetime(2024, 3, 1 + n % 9, 7 * n % 24, 11 * n % 60, 13 * n % 60) for n in range(40)]
_APART = {  # columns that hold a moment together: their names, how they write it, and what is lost
    "day, clock": (("date", "time"), lambda at: (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}"), 0),
    "InvoiceDate, InvoiceTime": (
        ("InvoiceDate", "InvoiceTime"),
        lambda at: (f"{at:%d.%m.%Y}", f"{at:%H:%M}"),
        1,
    ),
    "Datum, Uhrzeit": (("Datum", "Uhrzeit"), lambda at: (f"{at:%d.%m.%y}", f"{at:%H:%M:%S}"), 0),
    "American, half days": (("order_date", "order_time"), lambda at: (f"{at:%m/%d/%Y}", f"{at:%I:%M %p}"), 1),
    "ISO, half days": (("order date", "order time"), lambda at: (f"{at:%Y-%m-%d}", f"{at:%I:%M:%S %p}"), 0),
    "a spreadsheet's": (
        ("date", "time"),
        lambda at: (f"{at:%Y-%m-%d} 00:00:00", f"1899-12-30 {at:%H:%M:%S}"),
        0,
    ),
    "digits": (("trans_date", "trans_time"), lambda at: (f"{at:%Y%m%d}", str(int(f"{at:%H%M}"))), 1),
    "six digits": (("DATE", "TIME"), lambda at: (f"{at:%Y-%m-%d}", str(int(f"{at:%H%M%S}"))), 0),
    "hours": (("date", "hour", "minute"), lambda at: (f"{at:%Y-%m-%d}", str(at.hour), str(at.minute)), 1),
    "year, month, day": (
        ("year", "month", "day", "hour", "minute", "second"),
        lambda at: (str(at.year), str(at.month), str(at.day), str(at.hour), str(at.minute), str(at.second)),
        0,
    ),
    "order_year …": (
        ("order_year", "order_month", "order_day", "order_time"),
        lambda at: (f"{at.year}.0", f"{at.month}.0", f"{at.day}.0", f"{at:%H:%M:%S}"),
        0,
    ),
}


def test_a_moment_in_several_columns_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    expected = {}
    for place, (names, written, lost) in enumerate(_APART.values()):
        rows = [[f"c{place}/{n}", f"p{n}", "2", *written(at)] for n, at in enumerate(_AT)]
        name = f"{'abcdefghijkl'[place]}.csv"
        write(tmp_path / "data" / name, ["customer_id", "sku", "qty", *names], rows, ";", "utf-8")
        expected |= {f"c{place}/{n}": at.replace(second=0) if lost else at for n, at in enumerate(_AT)}
    proposal = propose("A shop", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    assert not any("not used" in note for note in proposal.notes), proposal.notes
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert dict(events.select("user_id", "event_time").iter_rows()) == expected


def test_typed_days_and_clocks_of_parquet_and_of_heads_of_orders_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    heads = pl.DataFrame({"order_id": range(40), "customer": "c", "date": [at.date() for at in _AT],
                          "time": [at.time() for at in _AT]})  # fmt: skip
    heads.write_parquet(tmp_path / "data" / "orders.parquet")
    pl.DataFrame({"order_id": range(40), "sku": "p"}).write_parquet(tmp_path / "data" / "lines.parquet")
    propose("A shop", [tmp_path / "data"]).write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and sorted(events["event_time"]) == sorted(_AT)


def test_a_row_without_a_clock_keeps_its_day_and_one_without_a_day_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [["c1", "p", "01.03.2024", "10:30"], ["c2", "p", "02.03.2024", ""], ["c3", "p", "", "10:30"],
            ["c4", "p", "03.03.2024", "25:99"], *[["c", f"p{n}", "04.03.2024", "10:30"] for n in range(9)]]  # fmt: skip
    write(tmp_path / "data" / "o.csv", ["customer", "sku", "date", "time"], rows, ",", "utf-8")
    propose("A shop", [tmp_path / "data"]).write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert dict(events.filter(pl.col("user_id") != "c").select("user_id", "event_time").iter_rows()) == {
        "c1": datetime(2024, 3, 1, 10, 30),
        "c2": datetime(2024, 3, 2),
    }
    assert sorted(rejected["_line"]) == [4, 5]


def test_a_clock_of_something_else_is_not_the_order_s(tmp_path: Path) -> None:
    rows = [["c1", "p", "2024-03-01", "10:30", "11:30"]]
    header = ["customer", "sku", "order_date", "delivery_time", "pickup_time"]
    write(tmp_path / "o.csv", header, rows, ",", "utf-8")
    proposal = propose("A shop", [tmp_path])
    assert "delivery_time" not in proposal.files["raw_events.sql"]
    assert any("not used: delivery_time, pickup_time" in note for note in proposal.notes)


_KNOWN = "order_id,customer_id,sku,qty,price,created_at"


def _lines(more: str = "", *, start: int = 0, price: str = "3.50") -> str:
    """Eight rows of `_KNOWN`."""
    return "".join(
        f"o{n},c{n % 3},p{n},2,{price},2024-03-0{n % 9 + 1} 10:00:00{more}\n" for n in range(start, start + 8)
    )


@pytest.mark.parametrize(
    ("files", "notes"),
    [
        (  # a column more from a day on, which raw_events does not take
            {"o-1.csv": f"{_KNOWN}\n{_lines()}", "o-2.csv": f"{_KNOWN},coupon\n{_lines(',X', start=8)}"},
            ["only some of its files have the columns coupon"],
        ),
        (  # a separator behind each row
            {"o.csv": f"{_KNOWN}\n{_lines(',')}"},
            ["a separator ends its rows and not its header"],
        ),
        (  # quotes behind backslashes
            {"o.csv": f"{_KNOWN},title\n" + _lines(r',"15\" frame, red"')},
            [],
        ),
        (  # names that differ in case alone, of a column that could be used
            {"o.csv": f"{_KNOWN},Price\n{_lines(',9')}"},
            ["its columns Price, price are called alike"],
        ),
        (  # decimal commas in some files
            {
                "o-1.csv": f"{_KNOWN}\n{_lines()}".replace(",", ";"),
                "o-2.csv": f"{_KNOWN}\n{_lines(start=8, price='1.234|50')}".replace(",", ";").replace("|", ","),
            },
            ["some of its numbers have a decimal comma and some a point"],
        ),
        (  # what came to nothing, and several currencies
            {
                "o.csv": f"{_KNOWN},status,currency,test\n"
                + _lines(",paid,EUR,false")
                + _lines(",cancelled,JPY,true", start=8)
            },
            [
                "column status says paid, cancelled: rows of all these count",
                "column test says false, true",
                "column currency says EUR, JPY: amounts are taken as they stand",
            ],
        ),
        ({"o.csv": f"{_KNOWN},utc_offset\n{_lines(',+02:00')}"}, ["its times name their own offset"]),
        (
            {"o.csv": f"{_KNOWN}\n{_lines()}".replace("customer_id", "user_pseudo_id").replace("qty", "Quantité")},
            [],
        ),
    ],
)  # fmt: skip
def test_what_shops_systems_export_is_loaded_whole_and_what_to_look_at_is_said(
    tmp_path: Path, files: dict[str, str], notes: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    for name, text in files.items():
        (tmp_path / "data" / name).write_text(text)
    proposal = propose("A shop", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    told = sorted(proposal.notes)
    assert all(any(note in each for each in told) for note in notes), told
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert events.height == sum(text.count("\n") - 1 for text in files.values())
    hour = 12 - 2 - 2 if "utc_offset" in proposal.files["raw_events.sql"] else 10
    assert {at.hour for at in events["event_time"]} == {hour}
    prices = {3.5, 1234.5} if "o-2.csv" in files and "1.234,50" in files["o-2.csv"] else {3.5}
    if "Price" not in files.get("o.csv", ""):
        assert {*events["unit_price"]} == prices and {*events["quantity"]} == {2.0}


def test_parquet_numbers_of_every_width_are_looked_at(tmp_path: Path) -> None:
    types = [
        pl.Int8,
        pl.Int16,
        pl.Int32,
        pl.UInt8,
        pl.UInt16,
        pl.UInt32,
        pl.UInt64,
        pl.Float32,
        pl.Decimal(38, 10),
    ]
    columns = {str(place): pl.Series([1, 2]).cast(type_) for place, type_ in enumerate(types)}
    pl.DataFrame({"user_id": ["a", "b"], "item_id": ["c", "d"], **columns}).write_parquet(
        tmp_path / "a.parquet"
    )
    ((files,), left) = sampled_files(tmp_path, ["a.parquet"])
    assert not left and [column.kind for column in files.columns[2:]] == ["number"] * len(types)


def test_a_file_of_which_no_row_fits_its_header_says_so_and_records_in_rows_are_taken_apart(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id\n1,2,3\n4,5,6\n")
    with pytest.raises(
        NothingToSample, match="none of its rows has as many fields as its header, 2; the first has 3"
    ):
        propose("A shop", [tmp_path])
    (tmp_path / "a.csv").unlink()
    items = [[{"sku": "p", "qty": 1}]]
    pl.DataFrame({"customer": ["a"], "items": items}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(NoEvents, match=r'unnest\("items"\) AS line FROM read_parquet'):
        propose("A shop", [tmp_path])


def test_a_file_in_two_encodings_is_named_with_its_lines(tmp_path: Path) -> None:
    rows = [f"{n};Zoë;é;1;3.5;2024-03-01 10:00\n" for n in range(6)]
    content = (_HEAD + "".join(rows[:3])).encode() + "".join(rows[3:]).encode("cp1252")
    (tmp_path / "o.csv").write_bytes(content)
    proposal = propose("A shop", [tmp_path])
    assert any("lines 2 to 4 are UTF-8, lines 5 to 7 are in another encoding" in n for n in proposal.notes)
    assert "encoding" not in proposal.files["raw_events.sql"]


def test_a_folder_without_events_or_files_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NothingToSample, match="no file"):
        propose("Empty", [tmp_path])
    write(tmp_path / "weather.csv", ["day", "rain"], [["2024-01-01", "3"]], ",", "utf-8")
    with pytest.raises(NoEvents, match="rain"):
        propose("Weather", [tmp_path])


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    proposal = propose("Twice", [tmp_path / "a.csv"])
    proposal.write(tmp_path / "source")
    before = {path.name: path.read_text() for path in (tmp_path / "source").iterdir()}
    with pytest.raises(FolderInUse):
        proposal.write(tmp_path / "source")
    assert {path.name: path.read_text() for path in (tmp_path / "source").iterdir()} == before


def test_a_source_that_a_disk_has_no_room_for_leaves_nothing_and_can_be_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    proposal, folder = propose("Full", [tmp_path / "a.csv"]), tmp_path / "source"
    write_text = Path.write_text

    def full(path: Path, text: str, **options: Any) -> int:
        if path.name == "source.toml":
            path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, text, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match=f"No space left on device: '{folder}'"):
            proposal.write(folder)
    assert not list(folder.iterdir())
    assert {path.name for path in proposal.write(folder)} == set(proposal.files)


@pytest.mark.parametrize(
    ("paths", "pattern", "later"),
    [
        (["a_2024-01-30.csv", "a_2024-01-31.csv"], "a_*.csv", "a_2025-07-01.csv"),
        (["2010-12-01.csv", "2010-12-02.csv"], "*.csv", "2031-01-01.csv"),
        (["x/2024/e1.parquet", "x/2025/e2.parquet"], "x/**/e*.parquet", "x/2026/e9.parquet"),
        (["orders1.csv.gz", "orders2.csv"], "orders*.csv", "orders33.csv"),
        (["orders-1.csv"], "orders-*.csv", "orders-2.csv"),
        (["a.csv", "a.csv.gz"], "a.csv", "a.csv"),
        (["orders-1.csv.gz"], "orders-*.csv", "orders-2.csv"),
        (["day=2024-01-01/part-0.csv", "day=2024-01-02/part-0.csv"], "**/part-*.csv", "day=2024-01-03/part-1.csv"),
        (["x/2024/01/a.csv"], "x/**/a.csv", "x/2024/02/a.csv"),
    ],
)  # fmt: skip
def test_a_pattern_fits_the_files_to_come(paths: list[str], pattern: str, later: str, tmp_path: Path) -> None:
    from recsys_lineage.files import list_files

    assert common_pattern(paths) == pattern
    for path in (*paths, later):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert {file.path for file in list_files(tmp_path, pattern)} == {*paths, later}


@settings(max_examples=examples(60), deadline=None)
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    start=st.sampled_from([b"", b"PAR1", b"\x1f\x8b", b"\xff\xfe", b"a,b\n1,2\n", b'user,item\n"']),
    name=st.sampled_from(["a.csv", "a.csv.gz", "a.parquet", "a.txt"]),
)
def test_any_file_is_looked_at_or_named_with_the_reason(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes, name: str
) -> None:
    root = tmp_path_factory.mktemp("odd")
    (root / name).write_bytes(start + content)
    write(root / "good.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    groups, left = sampled_files(root, [name, "good.csv"])
    looked_at = {path for files in groups for path in files.paths}
    assert looked_at | left.keys() == {name, "good.csv"} and not looked_at & left.keys()
    assert all(left.values()) and "good.csv" in looked_at


def test_a_very_long_field_and_a_damaged_gzip_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("user,item\nu," + "x" * 200_000 + "\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"user,item\nu,i\n" * 50)[:40])
    write(tmp_path / "good.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    proposal = propose("Odd", [tmp_path])
    assert set(proposal.unread) <= {"long.csv", "cut.csv.gz"} and "cut.csv.gz" in proposal.unread


def test_parquet_files_whose_types_differ_are_looked_at_and_told(tmp_path: Path) -> None:
    pl.DataFrame({"user": [1], "item": [1]}).write_parquet(tmp_path / "a1.parquet")
    pl.DataFrame({"user": ["x"], "item": [1.5]}).write_parquet(tmp_path / "a2.parquet")
    (files,), left = sampled_files(tmp_path, ["a1.parquet", "a2.parquet"])
    assert not left and files.pattern == "a*.parquet" and "types" in " ".join(files.notes)
