"""The core without an orchestrator: an asset is materialized by a function call, and its record says what happened."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import BlockingCheckFailed, attempt, materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import open_scan
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError
from recsys_lineage.files import list_files
from recsys_lineage.files.source_query import FileScan
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import FORMAT, Materialization
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText

ORDERS = "SELECT i AS id, i % 3 AS shop, i * 1.5 AS amount FROM range(12) AS t(i)"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def sql(name: str, text: str, **options: object) -> AssetCode:
    return sql_code(SqlText(text, f"{name}.sql"), name=name, **options)  # pyright: ignore[reportArgumentType]


def last(lake: Lake, asset: str) -> Materialization:
    return list(Records(lake).runs(asset))[-1]


def test_the_record_says_what_ran_what_it_read_and_what_it_wrote(lake: Lake) -> None:
    materialize(sql("orders", ORDERS), lake)
    text = "SELECT shop, count(*) AS n, $day AS day FROM orders WHERE amount > 2 GROUP BY shop"

    outcome = materialize(sql("shops", text, parameters={"day": date(2026, 1, 2)}), lake)

    record = outcome.record
    assert record == Records(lake).get("shops") and record.format == FORMAT
    assert record.statement is not None and record.statement.text == text
    assert record.statement.parameters == record.parameters == {"day": date(2026, 1, 2)}
    (read,) = record.reads
    assert (read.name, read.purpose, read.columns, read.rows) == ("orders", "input", ("shop", "amount"), 12)
    whole = lake.version("orders")
    assert read.bytes is not None and 0 < read.bytes < whole.bytes, "of two of three columns"
    assert record.written is not None and record.written.bytes == lake.version("shops").bytes
    assert set(record.written.columns) == {"shop", "n", "day"}
    assert record.written.columns["day"].nulls == 0
    assert record.lake == lake.uri and record.run == Run()
    assert record.code.dialect == "duckdb"


def test_a_partition_written_again_with_the_same_content_says_so(lake: Lake) -> None:
    days = "SELECT i, 'd' || (i % 2) AS day FROM range(4) AS t(i)"

    def write(inputs: Inputs, request: Request) -> Output:
        wanted = request.partitions or ["d0", "d1"]
        query = Query(f"SELECT * FROM ({days}) WHERE list_contains($days, day)", {"days": wanted})
        return Output(query, partition_by="day", partitions=wanted)

    asset = frame_code(write, name="daily")
    materialize(asset, lake)
    outcome = materialize(asset, lake, Request(partitions=["d1"]))

    written = outcome.record.written
    assert written is not None and set(written.partitions) == {"d1"}
    assert written.partitions["d1"].version == 0, "its content is that of version 0"
    held = lake.version("daily").partitions
    assert (held["d0"].written, held["d1"].written, held["d1"].version) == (0, 1, 0)
    assert sum(part.bytes or 0 for part in held.values()) == lake.version("daily").bytes


def test_a_failure_is_raised_and_recorded_with_its_type_place_and_no_value(lake: Lake) -> None:
    def refuse(orders: pl.DataFrame) -> pl.DataFrame:
        raise ValueError(f"the amount {orders['amount'][1]} cannot be right")

    materialize(sql("orders", ORDERS), lake)
    with pytest.raises(ValueError, match=r"1\.5"):
        materialize(frame_code(refuse), lake)
    failure = last(lake, "refuse").failure
    assert failure is not None
    assert (failure.type, failure.message) == ("ValueError", "the amount … cannot be right")
    assert failure.stack[-1].endswith("in refuse") and __file__ in failure.stack[-1]


def test_an_interrupt_is_recorded_and_passes(lake: Lake) -> None:
    def interrupted() -> pl.DataFrame:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        materialize(frame_code(interrupted), lake)
    assert last(lake, "interrupted").status == "canceled"


def test_an_observation_that_fails_is_recorded(lake: Lake) -> None:
    def look() -> str:
        raise ConnectionError("the store does not answer")

    outcome = attempt(frame_code(outside, observe=look), lake, Request())
    assert isinstance(outcome.error, ConnectionError)
    assert last(lake, "outside").failure == outcome.record.failure


def outside() -> pl.DataFrame:
    return pl.DataFrame({"x": [1]})


def test_what_is_kept_leaves_a_line_that_names_the_record_it_keeps(lake: Lake) -> None:
    asset = sql("orders", ORDERS)
    made = materialize(asset, lake).record
    kept = materialize(asset, lake, Request(reuse=True)).record
    assert (kept.status, kept.kept, kept.version) == ("kept", made.id, 0)
    assert Records(lake).latest("orders") == made and len(lake.versions("orders")) == 1


@pytest.mark.parametrize("error", [LineageError("the disk is full"), OSError("reset"), MemoryError()])
def test_a_record_that_cannot_be_added_is_a_warning_that_sync_mends(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(self: Records, records: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Records, "append", full)
        outcome = materialize(sql("orders", ORDERS), lake)
    assert outcome.version is not None and outcome.version.version == 0
    assert "not yet in the table of records" in outcome.warnings[0]
    assert list(Records(lake).runs("orders")) == []
    Records(lake).sync()
    assert list(Records(lake).runs("orders")) == [outcome.record]


def test_a_run_that_cannot_read_its_own_table_leaves_a_record_too(lake: Lake) -> None:
    materialize(sql("orders", ORDERS), lake)
    commit = Path(lake.table_uri("orders"), "_delta_log", f"{0:020d}.json")
    commit.write_text(commit.read_text()[:40])
    outcome = attempt(sql("orders", ORDERS), lake, Request())
    assert isinstance(outcome.error, LineageError)
    assert last(lake, "orders").failure == outcome.record.failure


def test_a_failed_check_says_where_the_rows_stand_and_what_columns_it_looked_at(lake: Lake) -> None:
    traced = "SELECT i % 2 AS id, 'day.csv' AS _file, i + 2 AS _line FROM range(3) AS t(i)"
    small = TableCheck("small", "ids are below one", f"SELECT id FROM {OUTPUT} WHERE id > 0", blocking=False)

    with pytest.raises(BlockingCheckFailed, match="no two rows share id"):
        materialize(sql("orders", traced, checks=[unique("id"), small]), lake)

    _cleared, twice, too_big = last(lake, "orders").checks
    assert (twice.columns, twice.counts, twice.where) == (("id",), {"rows": 1}, ("day.csv:2", "day.csv:4"))
    assert (twice.severity, twice.description) == ("error", "no two rows share id")
    assert (too_big.severity, too_big.where) == ("warn", ("day.csv:3",))


def test_files_opened_through_the_inputs_stand_in_the_record_with_their_meaning(
    lake: Lake, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "day-1.csv").write_text("a,b\n1,x\n2,y\n")
    scan = FileScan("read_csv", "day-*.csv", (("delim", ","),))

    def load(inputs: Inputs) -> Output:
        open_scan(inputs, data, scan, list_files(data, scan.pattern), "days")
        return Output(Query("SELECT a, _file, _line FROM days"))

    record = materialize(frame_code(load), lake).record
    (read,) = record.reads
    assert (read.kind, read.name, read.root, read.rows) == ("file", "day-1.csv", str(data), 2)
    assert [column.name for column in read.schema] == ["a", "b"] and len(read.fingerprint) == 64
    assert record.statement is not None
    meaning = record.statement.relations["days"]
    assert (meaning.scan, meaning.root, meaning.files) == (
        "read_csv('day-*.csv', delim = ',')",
        str(data),
        1,
    )


def test_inputs_have_no_other_door() -> None:
    public = {name for name in dir(Inputs) if not name.startswith("_")}
    assert public.isdisjoint({"lake", "connection"})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM orders WHERE id IN (SELECT 1 FROM glob('*'))",
    ],
)
def test_a_query_cannot_read_files_by_itself(lake: Lake, query: str) -> None:
    def curious(inputs: Inputs, orders: pl.DataFrame) -> pl.DataFrame:
        return inputs.query(query)

    materialize(sql("orders", ORDERS), lake)
    with pytest.raises(LineageError, match=r"by itself|cannot be read by a SQL asset"):
        materialize(frame_code(curious), lake)
