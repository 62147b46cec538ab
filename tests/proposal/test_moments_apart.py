"""A moment that stands in several columns is read whole."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from recsys_assets.proposal.proposal import propose
from tests.proposal.shop_files import loaded, write

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
    "SAP, entry": (("ERDAT", "ERZET"), lambda at: (f"{at:%Y%m%d}", f"{at:%H%M%S}"), 0),
    "SAP, document": (("AUDAT", "ERZET"), lambda at: (f"{at:%Y%m%d}", f"{at:%H%M%S}"), 0),
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
        name = f"{'abcdefghijklmn'[place]}.csv"
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


def test_a_clock_beside_a_day_is_that_of_another_day_which_is_nearly_always_the_same(tmp_path: Path) -> None:
    """As SAP's orders have the day of the document beside the day and the clock of its entry."""
    (tmp_path / "data").mkdir()
    header = ["VBELN", "KUNNR", "MATNR", "KWMENG", "AUDAT", "ERDAT", "ERZET"]
    rows = [
        [f"o{n}", f"c{n % 7}", f"p{n}", "2", f"{at:%Y%m%d}", f"{at:%Y%m%d}", f"{at:%H%M%S}"]
        for n, at in enumerate(_AT)
    ]
    write(tmp_path / "data" / "vbap.csv", header, rows, ",", "utf-8")
    propose("A shop", [tmp_path / "data"]).write(tmp_path / "source")
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert dict(events["order_id", "event_time"].iter_rows()) == {f"o{n}": at for n, at in enumerate(_AT)}
