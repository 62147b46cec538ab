"""The table of records: nothing is lost in it, ids stand once, cursors divide it, compaction changes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.records.materialization import FORMAT, Materialization
from recsys_lineage.records.parts.record_part import UnreadableRecord
from recsys_lineage.records.records import RESERVED, Records
from recsys_lineage.records.run_record import RunRecord
from recsys_lineage.records.table import append_once, record_table
from recsys_lineage.records.table.record_row import SCHEMA
from recsys_lineage.records.table.record_table import ADDED, TABLE, RecordTable, rows_together
from recsys_lineage.records.table.texts import TABLE as TEXTS
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples
from tests.lineage.records.made_records import TODAY, materializations, record, run_record, run_records
from tests.lineage.records.record_writers import ENGINE

slow = settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
Step = tuple[str, int]
steps: st.SearchStrategy[Sequence[Step]] = st.lists(
    st.tuples(st.sampled_from(["append", "append", "again", "compact", "read"]), st.integers(1, 4)),
    max_size=9,
)


@slow
@given(
    st.lists(materializations, min_size=1, max_size=12, unique_by=lambda made: made.id), st.lists(run_records)
)
def test_records_of_every_kind_come_back_equal(made: list[Materialization], runs: list[RunRecord]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        records = Records(Lake(folder, ENGINE))
        ids = {each.id for each in [*made, *runs]}
        assert records.append([*made, *runs]) == len(ids)
        assert records.read()[0] == sorted(made, key=lambda each: (each.ended, each.id))
        assert {run.id: run for run in records.run_records()} == {run.id: run for run in runs}


@slow
@given(
    st.lists(st.tuples(st.integers(-20, 5_000), st.sampled_from(["a", "b"]), st.booleans()), max_size=12),
    st.integers(1, 4),
    st.integers(-30, 5_000),
)
def test_the_newest_are_found_however_long_ago(
    runs: Sequence[tuple[int, str, bool]], last: int, then: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        records = Records(Lake(folder, ENGINE, lambda: TODAY))
        made = [
            replace(
                record(name, id=f"{number:03}", status="success" if wrote else "failed"),
                started=TODAY - timedelta(days=ago),
                ended=TODAY - timedelta(days=ago) + timedelta(seconds=1),
            )
            for number, (ago, name, wrote) in enumerate(runs)
        ]
        records.append(made)
        wrote = sorted(
            (each for each in made if each.asset == "a" and each.status == "success"),
            key=lambda each: (each.started, each.id),
        )
        assert records.history("a", last) == wrote[-last:]
        at = TODAY - timedelta(days=then)
        assert (
            records.id_at("a", at)
            == max(((each.started, each.id) for each in wrote if each.ended <= at), default=(None, None))[1]
        )
        assert {each.id for each in records.runs("a", after=at)} == {
            each.id for each in made if each.asset == "a" and each.ended > at
        }
        assert records.ids_since("asset", at) == {each.id for each in made if each.started >= at}


@slow
@given(steps)
def test_reading_in_any_increments_is_reading_all_at_once(given_steps: Sequence[Step]) -> None:
    """Whatever happens between the reads: more records, the same again, late ones, compaction by hand or by itself."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as often:
        often.setattr(append_once, "COMPACT_EVERY", 3)
        records = Records(Lake(folder, ENGINE))
        added: list[Materialization] = []
        seen: list[Materialization] = []
        cursor: int | None = None
        for step, count in given_steps:
            if step == "append":
                new = [record("orders", -len(added) * count - each) for each in range(count)]
                assert records.append(new) == count
                added += sorted(new, key=lambda each: each.ended)
            elif step == "again":
                assert records.append(added[-count:]) == 0
            elif step == "compact":
                records.compact()
            else:
                found, cursor = records.read(cursor)
                seen += found
        rest, last = records.read(cursor)
        assert [each.id for each in [*seen, *rest]] == [each.id for each in added], (
            "in the order of the commits"
        )
        assert records.read()[0] == added
        assert records.read(last) == ([], last)


@slow
@given(steps, st.integers(0, 9), st.integers(0, 9))
def test_commits_are_read_apart_however_files_were_joined(
    given_steps: Sequence[Step], first: int, last: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as often:
        often.setattr(append_once, "COMPACT_EVERY", 3)
        records, number = Records(Lake(folder, ENGINE)), 0
        table = RecordTable(records.lake)
        for step, count in given_steps:
            if step == "append":
                records.append([record(f"a{number + n}") for n in range(count)])
                number += count
            elif step == "compact":
                table.compact()
            whole, _ = table.frame()
            assert table.commits().sum()["len"].to_list() in ([whole.height], [None])
            some, _ = table.frame(commits=(first, last))
            assert some.equals(whole.filter(pl.col(ADDED).is_between(first, last)))
            behind = whole.filter(pl.col(ADDED) > first).group_by(ADDED).len().sort(ADDED)
            assert table.commits(first).equals(behind)


def test_a_record_that_was_added_late_comes_after_the_cursor(lake: Lake) -> None:
    records = Records(lake)
    records.append([record("orders", 10)])
    _, cursor = records.read()
    late = record("orders", 1)
    records.append([late])
    assert records.read(cursor)[0] == [late]
    assert [each.started for each in records.runs("orders")] == [late.started, TODAY + timedelta(minutes=10)]


def test_one_batch_holds_an_id_once(lake: Lake) -> None:
    made = record("orders")
    assert Records(lake).append([made, made]) == 1
    assert Records(lake).read()[0] == [made]


def test_kinds_are_read_apart(lake: Lake) -> None:
    records = Records(lake)
    asset, check, run = record("orders", 1), record("orders", 2, kind="check"), run_record(3)
    records.append([run, check, asset])
    assert records.read()[0] == [asset, check]
    assert records.read(kinds=["check"])[0] == [check]
    assert records.run_records() == [run]
    assert list(records.runs("orders")) == [asset, check]


def test_the_table_answers_in_columns(lake: Lake) -> None:
    """Who read which version of what, when: no JSON is needed to tell, and every text is found by its hash."""
    records = Records(lake)
    made = [record("orders", minute) for minute in range(3)]
    records.append([*made, run_record(5)])
    frame, cursor = records.table()
    assert set(frame.columns) == {*SCHEMA, "added"} - {"rest"}
    reads = frame.explode("reads").select("asset", pl.col("reads").struct.unnest()).drop_nulls("name")
    assert reads.select("asset", "name", "version", "purpose").rows() == [
        ("orders", "orders_source", minute, "input") for minute in range(3)
    ]
    texts = records.texts(frame["code_hash"].drop_nulls().unique().to_list())
    assert list(texts.values()) == [made[0].code.text], "one text, however many records"
    assert lake.version(TEXTS).rows == 2, "the code, and the schema of what was read"
    assert records.table(cursor)[0].is_empty()
    assert records.table(columns=["id"])[0]["id"].to_list()[:3] == [each.id for each in made]


def test_many_appends_leave_few_files_and_the_same_rows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_once, "COMPACT_EVERY", 4)
    records = Records(lake)
    made = [record(f"asset_{number % 3}", number) for number in range(14)]
    for each in made:
        records.append([each])
    version = lake.version(TABLE)
    assert version.files < 8 and version.rows == 14
    assert records.read()[0] == made
    records.compact()
    assert lake.version(TABLE).files == 1
    assert lake.version(TABLE).fingerprint == version.fingerprint
    assert records.read()[0] == made


def test_other_delta_readers_open_the_table_also_after_compaction(lake: Lake) -> None:
    records = Records(lake)
    made = [record("orders", minute) for minute in range(3)]
    for each in made:
        records.append([each])
    records.compact()
    for table in (TABLE, TEXTS):
        delta = DeltaTable(lake.table_uri(table))
        assert pl.scan_delta(delta).collect().height == lake.version(table).rows
    frame = pl.scan_delta(lake.table_uri(TABLE)).sort("started").collect()
    assert frame["id"].to_list() == [each.id for each in made]


@pytest.mark.parametrize("name", RESERVED)
def test_no_asset_takes_the_name_of_a_table_of_records(name: str) -> None:
    with pytest.raises(LineageError, match="rename the asset"):
        sql_asset(SqlText("SELECT 1 AS x", f"{name}.sql"), name=name)


def test_records_of_versions_become_rows_together_and_others_at_once(lake: Lake) -> None:
    records = Records(lake)
    first, second, third = (
        record("orders", number, version=number, status="success") for number in (1, 2, 3)
    )
    failed = record("orders", 4, status="failed")
    with rows_together(lake):
        with rows_together(lake):
            assert records.append([first]) == records.append([second]) == 1
        assert not lake.has(TABLE), "they stand in the commits of their versions, and wait"
        records.append([failed])
        assert records.commits()["len"].to_list() == [2, 1], "what waited comes first, in one commit"
        records.append([third])
        assert len(records.read()[0]) == 4, "whoever reads finds what waited"
        records.append([first])
    assert sorted(each.id for each in records.read()[0]) == sorted(
        each.id for each in (first, second, third, failed)
    )
    assert records.commits()["len"].to_list() == [2, 1, 1], "an id stands once"


def test_what_waits_when_a_process_dies_is_found_in_the_commits(lake: Lake) -> None:
    made = sql_code(SqlText("SELECT 1 AS n"), name="orders")
    with rows_together(lake):
        outcome = materialize(made, lake)
        assert not lake.has(TABLE)
        record_table._waiting[lake.uri].clear()  # as a process does that is killed
    assert Records(lake).sync() == 1
    assert Records(lake).read()[0] == [outcome.record]


def test_what_sync_finds_does_not_wait(lake: Lake) -> None:
    """Its marks say that these commits were looked at, so nobody would find them again."""
    with rows_together(lake):
        outcome = materialize(sql_code(SqlText("SELECT 1 AS n"), name="orders"), lake)
        record_table._waiting[lake.uri].clear()
        Records(lake).sync()
        record_table._waiting[lake.uri].clear()  # as a process does that is killed
    assert Records(lake).read()[0] == [outcome.record]


def test_records_that_cannot_be_added_together_are_a_warning(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: RecordTable, records: object) -> int:
        raise LineageError("the disk is full")

    with monkeypatch.context() as patched, rows_together(lake):
        materialize(sql_code(SqlText("SELECT 1 AS n"), name="orders"), lake)
        patched.setattr(RecordTable, "_append", full)
        assert Records(lake).run_records() == []
    assert "1 records are not yet in the table of records: the disk is full" in caplog.text
    assert Records(lake).sync() == 1


def test_what_a_later_format_says_is_not_lost_by_todays_code() -> None:
    """Another process of the same lake may run newer code; today's notes its records and leaves them as they are."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder, ENGINE)
        materialize(sql_code(SqlText("SELECT 1 AS i"), name="orders"), lake)
        newer = {
            **lake.commit("orders")["record"],
            "id": "a newer one", "version": 1, "format": FORMAT + 1, "carbon": {"grams": 3.5},
            "reads": [{"kind": "table", "name": "t", "version": 0, "fingerprint": "f", "lease": "ours"}],
        }  # fmt: skip
        with lake.connect() as connection:
            lake.write("orders", "SELECT 2 AS i", connection=connection, record=newer)
        assert Records(lake).sync() == 1
        rows = RecordTable(lake)
        assert newer in [*rows.json(rows.frame()[0])]
        read = {record.id: record for record in Records(lake).read()[0]}["a newer one"]
        assert (read.format, read.version, read.reads[0].name) == (FORMAT + 1, 1, "t")


def test_a_record_that_todays_code_cannot_read_says_so_without_a_value() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder, ENGINE)
        materialize(sql_code(SqlText("SELECT 1 AS i"), name="orders"), lake)
        newer = {
            **lake.commit("orders")["record"],
            "id": "b",
            "format": FORMAT + 1,
            "status": "ann@example.com",
        }
        with lake.connect() as connection:
            lake.write("orders", "SELECT 2 AS i", connection=connection, record=newer)
        Records(lake).sync()
        for read in (lambda: Records(lake).get("orders"), lambda: Records(lake).read()):
            with pytest.raises(UnreadableRecord, match="later version of the code") as raised:
                read()
            assert raised.value.found == "another value in: status" and "ann@" not in str(raised.value)
            assert f"format {FORMAT + 1}" in (raised.value.where or "")


def test_a_lake_that_one_may_only_read_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its marks of what is synced cannot be stored: nothing is lost, and no command fails for it."""

    def refused(self: Storage, path: str, *_: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder, ENGINE)
        materialize(sql_code(SqlText("SELECT 1 AS i"), name="orders"), lake)
        for name in ("make_folder", "write_bytes", "create"):
            monkeypatch.setattr(Storage, name, refused)
        assert [Records(lake).sync() for _ in range(2)] == [0, 0]
        assert Records(lake).get("orders").version == 0
