"""Rows are followed through the assets of a lake: back to file lines, and on to every table."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage.assets.asset_code import AssetCode, Output, Query
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import open_scan
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import FilesChanged, LineageError
from recsys_lineage.files import list_files, parse_source_sql
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import TrainingData
from recsys_lineage.rows.back import trace_back
from recsys_lineage.rows.forward import trace_forward
from recsys_lineage.rows.lake_rows import RowNotFound
from recsys_lineage.sql.sql_text import SqlText

CSV = "shop,item,amount\nA,tea,1\nA,tea,2\nB,tea,5\nB,milk,7\nA,milk,\n"
RAW = """SELECT shop, item, amount::INTEGER AS amount, 'orders.csv' AS _file, row_number() OVER () + 1 AS _line
FROM read_csv('orders.csv')"""
ORDERS = "SELECT * FROM raw_orders WHERE amount IS NOT NULL"
SHOPS = "SELECT shop, sum(amount)::BIGINT AS total, $note AS note FROM orders GROUP BY shop"


def ranked(shops: pl.DataFrame) -> pl.DataFrame:
    """The shops by what they sold."""
    return shops.select("shop", pl.col("total").rank("ordinal").alias("place"))


def shuffled(ranked: pl.DataFrame) -> pl.DataFrame:
    """Something of which nothing is known."""
    return ranked.select(pl.col("shop").reverse().alias("name"))


def fitted(inputs: Inputs) -> Output:
    """A model, as far as a trace sees one."""
    version = inputs.version("orders")
    orders = inputs.frame("orders")
    trained = (
        TrainingData("orders", version.version, "amount > 1", orders.filter(pl.col("amount") > 1).height),
    )
    return Output(pl.DataFrame({"weights": [float(orders.height)]}), trained_on=trained)


def advised(shops: pl.DataFrame, fitted: pl.DataFrame) -> pl.DataFrame:
    """What the model says of each shop."""
    return shops.select("shop", pl.lit(fitted["weights"][0]).alias("score"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with one file of orders."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "orders.csv").write_text(CSV)
    return folder


@pytest.fixture
def lake(tmp_path: Path, files: Path) -> Lake:
    """A lake in which all of it was made once."""
    lake = Lake(str(tmp_path / "lake"))
    for asset in assets(files):
        outcome = materialize(asset, lake)
        assert outcome.error is None, outcome.error
    return lake


def assets(files: Path) -> list[AssetCode]:
    """The assets in the order in which they are made."""
    return [
        sql_code(SqlText(RAW, "raw_orders.sql"), name="raw_orders", files=files),
        sql_code(SqlText(ORDERS, "orders.sql"), name="orders"),
        sql_code(SqlText(SHOPS, "shops.sql"), name="shops", parameters={"note": "weekly"}),
        frame_code(ranked, keys=("shop",)),
        frame_code(shuffled),
        frame_code(fitted, reads=("orders",), keys=("shop",)),
        frame_code(advised, keys=("shop",)),
    ]


def test_a_row_leads_back_to_the_lines_of_its_file(lake: Lake, files: Path) -> None:
    trace = trace_back(lake, "ranked", {"shop": "A"}, files=files)
    assert [(each.table, each.version, each.count) for each in trace.tables] == [
        ("ranked", 0, 1), ("shops", 0, 1), ("orders", 0, 2), ("raw_orders", 0, 2),
    ]  # fmt: skip
    assert trace.tables[1].rows == ({"shop": "A", "total": 3, "note": "weekly"},)
    (lines,) = trace.files
    sha = hashlib.sha256((files / "orders.csv").read_bytes()).hexdigest()
    assert (lines.file, lines.lines, lines.sha256) == ("orders.csv", (2, 3), sha)
    assert trace.stopped == ()


def test_of_more_rows_than_the_limit_the_lines_that_they_name_are_told(lake: Lake) -> None:
    whole = trace_back(lake, "shops", {"shop": "A"})
    assert trace_back(lake, "shops", {"shop": "A"}, limit=2) == whole
    bounded = trace_back(lake, "shops", {"shop": "A"}, limit=1)
    assert [(each.table, each.count) for each in bounded.tables] == [("shops", 1), ("orders", 2)]
    assert bounded.files == whole.files
    (stop,) = bounded.stopped
    assert (stop.asset, stop.table) == ("orders", "raw_orders")
    assert "limit of 1" in stop.reason and "only the lines" in stop.reason


def test_of_more_rows_than_the_limit_that_name_no_line_nothing_is_told(lake: Lake) -> None:
    other = sql_code(SqlText("SELECT count(*) AS n FROM (SELECT shop FROM shops)", "n.sql"), name="n")
    assert materialize(other, lake).error is None
    bounded = trace_back(lake, "n", {"n": 2}, limit=1)
    assert [(each.table, each.count) for each in bounded.tables] == [("n", 1), ("shops", 2)]
    assert not bounded.files
    (stop,) = bounded.stopped
    assert stop.table == "orders" and "nothing behind them" in stop.reason


def test_a_row_is_traced_at_the_versions_that_were_read(lake: Lake, files: Path) -> None:
    (files / "orders.csv").write_text(CSV.replace("A,tea,1", "A,tea,100"))
    raw, orders, *_ = assets(files)
    materialize(raw, lake)
    materialize(orders, lake)
    assert lake.version("orders").version == 1
    trace = trace_back(lake, "shops", {"shop": "A"})
    assert [(each.table, each.version) for each in trace.tables] == [
        ("shops", 0),
        ("orders", 0),
        ("raw_orders", 0),
    ]
    assert {row["amount"] for row in trace.tables[1].rows} == {1, 2}
    with pytest.raises(FilesChanged, match=r"orders\.csv is not what it was"):
        trace_back(lake, "shops", {"shop": "A"}, files=files)


def test_a_function_without_keys_ends_the_trace_by_name(lake: Lake) -> None:
    trace = trace_back(lake, "shuffled", {"name": "A"})
    assert [each.table for each in trace.tables] == ["shuffled"]
    assert [(stop.asset, stop.table) for stop in trace.stopped] == [("shuffled", "ranked")]
    assert "names no keys" in trace.stopped[0].reason


def test_a_model_says_what_it_was_trained_on_and_how_much_is_of_the_row(lake: Lake) -> None:
    trace = trace_back(lake, "advised", {"shop": "B"})
    (model,) = trace.models
    assert (model.model, model.table, model.version, model.predicate) == ("fitted", "orders", 0, "amount > 1")
    assert (model.rows, model.of_row) == (3, 2)
    assert {each.table for each in trace.tables} == {"advised", "shops", "orders", "raw_orders"}


def test_lines_of_a_file_flow_into_every_table(lake: Lake) -> None:
    trace = trace_forward(lake, file="orders.csv", lines=range(4, 6))
    found = {each.table: each.rows for each in trace.tables}
    assert sorted(row["amount"] for row in found["orders"]) == [5, 7]
    assert [row["shop"] for row in found["shops"]] == ["B"]
    assert [row["shop"] for row in found["ranked"]] == ["B"]
    assert [row["shop"] for row in found["advised"]] == ["B"]
    reasons = {(each.asset, each.table): each.reason for each in trace.stopped}
    assert "names no keys" in reasons["shuffled", "ranked"]
    assert "it is a model" in reasons["fitted", "orders"]
    assert {(each.model, each.of_row) for each in trace.models} == {("fitted", 2)}


def test_lines_without_a_row_and_files_that_nobody_read_are_told_apart(lake: Lake) -> None:
    with pytest.raises(LineageError) as told:
        trace_forward(lake, file="orders.csv", lines=99)
    assert told.value.found == "orders.csv, line 99" and "_line" in str(told.value)
    with pytest.raises(LineageError, match=r"Did you mean 'orders\.csv'"):
        trace_forward(lake, file="order.csv")


def test_a_row_that_is_left_out_flows_no_further(lake: Lake) -> None:
    trace = trace_forward(lake, file="orders.csv", lines=6)
    assert [each.table for each in trace.tables] == ["raw_orders"]


ITEMS = """SELECT o.item, count(*) AS orders, any_value(n.note) AS note, arg_min(o._file, o._line) AS _file,
    min(o._line) AS _line
FROM read_csv('orders*.csv') AS o LEFT JOIN read_csv('notes.csv') AS n ON n.item = o.item
GROUP BY o.item"""


def items_of(folder: Path) -> AssetCode:
    """The items that orders name: one row for many lines, which names the first of them."""

    def items(inputs: Inputs) -> Output:
        query = parse_source_sql(ITEMS)
        names = {scan: f"files_{place}" for place, scan in enumerate(query.scans)}
        for scan, name in names.items():
            open_scan(inputs, folder, scan, list_files(folder, scan.pattern), name)
        return Output(Query(query.rewritten(names)))

    return frame_code(items)


def test_all_lines_of_a_row_are_found_through_the_sources_own_sql(tmp_path: Path, files: Path) -> None:
    (files / "orders_2.csv").write_text("shop,item,amount\nC,tea,9\nC,salt,1\n")
    (files / "notes.csv").write_text("item,note\nsalt,white\ntea,black\n")
    lake = Lake(str(tmp_path / "lake"))
    outcome = materialize(items_of(files), lake)
    assert outcome.error is None, outcome.error
    trace = trace_back(lake, "items", {"item": "tea"})
    assert trace.stopped == ()
    assert {each.file: each.lines for each in trace.files} == {
        "orders.csv": (2, 3, 4), "orders_2.csv": (2,), "notes.csv": (3,),
    }  # fmt: skip
    for each in trace.files:
        assert each.sha256 == hashlib.sha256((files / each.file).read_bytes()).hexdigest()
    (files / "orders_2.csv").write_text("shop,item,amount\nC,tea,8\n")
    changed = trace_back(lake, "items", {"item": "tea"})
    # of two lines that are both the first of their file the asset took one
    assert {each.file: each.lines for each in changed.files} == {trace.row["_file"]: (trace.row["_line"],)}
    (stop,) = changed.stopped
    assert (stop.asset, stop.table) == ("items", "its files")
    assert "orders_2.csv is not what it was" in stop.reason
    (files / "orders_2.csv").unlink()
    assert "orders_2.csv is not what it was" in trace_back(lake, "items", {"item": "tea"}).stopped[0].reason


def named(orders: pl.DataFrame, inputs: Inputs) -> Output:
    """Shops with names that only Python knows."""
    inputs.register("names", pl.DataFrame({"shop": ["A", "B"], "name": ["Ann's", "Ben's"]}))
    inputs.view("orders")
    return Output(Query("SELECT DISTINCT shop, name FROM orders JOIN names USING (shop)"))


def test_a_frame_that_no_record_holds_ends_the_trace_by_name(lake: Lake) -> None:
    outcome = materialize(frame_code(named), lake)
    assert outcome.error is None, outcome.error
    for trace in (
        trace_back(lake, "named", {"shop": "A"}),
        trace_forward(lake, table="orders", row={"shop": "A"}),
    ):
        reasons = {(stop.asset, stop.table): stop.reason for stop in trace.stopped}
        assert "names 'names', a frame that Python made" in reasons["named", "orders"]


def test_a_row_that_is_there_and_made_of_nothing_is_told_with_the_reason(lake: Lake) -> None:
    """Of a value of chance nobody knows the rows; of a count of none there are none."""
    reasons = {}
    for text in (
        "SELECT shop, random() AS chance FROM orders",
        "SELECT count(*) AS n FROM orders WHERE amount < 0",
    ):
        name = f"made_{len(text)}"
        assert materialize(sql_code(SqlText(text, f"{name}.sql"), name=name), lake).error is None
        with lake.connect() as connection:
            (row, *_) = (
                connection.sql(f"FROM {lake.relation(lake.version(name))}").to_arrow_table().to_pylist()
            )
        trace = trace_back(lake, name, row)
        assert [each.table for each in trace.tables] == [name]
        ((asset, table, reasons[name]),) = [(stop.asset, stop.table, stop.reason) for stop in trace.stopped]
        assert (asset, table) == (name, "orders")
    of_chance, of_none = reasons.values()
    assert "does not give the row" in of_chance
    assert "would be the same without any row" in of_none


def test_a_forward_trace_starts_from_all_rows_with_the_values(lake: Lake) -> None:
    trace = trace_forward(lake, table="orders", row={"shop": "A"})
    assert [each.count for each in trace.tables if each.table == "orders"] == [2]
    assert [each.rows for each in trace.tables if each.table == "shops"] == [
        ({"shop": "A", "total": 3, "note": "weekly"},)
    ]


def test_equal_rows_count_each_and_versions_are_not_mixed(tmp_path: Path) -> None:
    """Both assets ask the same of `sold`, of which they read different versions; what one found is not the other's."""
    lake, amounts = Lake(str(tmp_path)), [1, 1, 5]

    def sold() -> pl.DataFrame:
        return pl.DataFrame({"shop": ["A", "A", "B"], "amount": amounts})

    materialize(frame_code(sold), lake)
    for text in (
        "SELECT shop, amount % 2 AS odd FROM sold",
        "SELECT shop, sum(amount) AS total FROM sold GROUP BY shop",
    ):
        materialize(sql_code(SqlText(text, f"early_{len(text)}.sql")), lake)
    amounts += [7]
    amounts.remove(1)
    materialize(frame_code(sold), lake)
    text = "SELECT shop, sum(amount) AS total FROM sold GROUP BY shop"
    materialize(sql_code(SqlText(text, "late.sql")), lake)
    found = trace_forward(lake, table="sold", row={"shop": "A", "amount": 1})
    rows = {each.table: [dict(row) for row in each.rows] for each in found.tables}
    assert rows["early_40"] == [{"shop": "A", "odd": 1}] * 2
    assert rows[f"early_{len(text)}"] == [{"shop": "A", "total": 2}]
    assert rows["late"] == [{"shop": "A", "total": 6}]


def test_forward_and_backward_agree(lake: Lake) -> None:
    for shop in ("A", "B"):
        back = next(
            each for each in trace_back(lake, "shops", {"shop": shop}).tables if each.table == "raw_orders"
        )
        for row in back.rows:
            onward = trace_forward(lake, table="raw_orders", row=row)
            assert {"shop": shop, "total": {"A": 3, "B": 12}[shop], "note": "weekly"} in next(
                each.rows for each in onward.tables if each.table == "shops"
            )


def test_a_row_must_be_there_and_be_one(lake: Lake) -> None:
    with pytest.raises(RowNotFound, match="No row of 'shops'"):
        trace_back(lake, "shops", {"shop": "C"})
    with pytest.raises(RowNotFound, match="Several rows of 'orders'"):
        trace_back(lake, "orders", {"shop": "A"})
    with pytest.raises(LineageError, match="Did you mean 'shop'"):
        trace_back(lake, "shops", {"shopp": "C"})
    with pytest.raises(LineageError, match=r"Did you mean 'orders\.csv'"):
        trace_forward(lake, file="order.csv")
    with pytest.raises(LineageError, match="neither"):
        trace_forward(lake)
