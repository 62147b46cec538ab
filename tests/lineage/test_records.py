"""Records: one for each run of each asset, in the commit it made and in a table for reading in bulk."""

from __future__ import annotations

import dagster as dg
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import TableNotFound
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import RECORDS_TABLE as TABLE
from recsys_lineage.records.records import Records
from tests.lineage.project import ORDERS, Project, table

SPEND = "SELECT customer, sum(amount) AS paid FROM orders GROUP BY customer"
DAYS = dg.StaticPartitionsDefinition(["mon", "tue", "wed"])


def test_the_commit_of_a_version_carries_the_record_of_the_run_that_made_it(project: Project) -> None:
    result = project.run(table("orders"), table("spend", SPEND))

    record = project.records.get("spend")

    version = project.lake.version("spend")
    assert (record.asset, record.status, record.version) == ("spend", "success", 0)
    assert (record.rows, record.fingerprint, record.schema) == (2, version.fingerprint, version.schema)
    assert (record.code.kind, record.code.text, record.code.origin) == ("sql", SPEND, "spend.sql")
    assert record.run.run_id == result.run_id
    assert record.run.step == "spend"
    assert record.git_commit == "abc123"
    assert record.started <= record.ended
    (read,) = record.reads
    assert (read.name, read.version, read.schema) == ("orders", 0, project.lake.version("orders").schema)


def test_a_record_survives_json_unchanged(project: Project) -> None:
    project.run(table("orders"), table("spend", SPEND))
    record = project.records.get("spend")
    assert Materialization.from_json(record.to_json()) == record


def test_each_version_keeps_its_own_record(project: Project) -> None:
    project.run(table("orders"))
    project.run(table("orders", ORDERS.replace("10.0", "11.0")))
    first, second = project.records.get("orders", 0), project.records.get("orders", 1)
    assert first.id != second.id
    assert first.code_version != second.code_version
    assert project.records.get("orders") == project.records.latest("orders") == second


def test_an_asset_that_never_ran_has_no_record(project: Project) -> None:
    assert project.records.latest("orders") is None
    with pytest.raises(TableNotFound):
        project.records.get("orders")


def test_reading_since_a_cursor_gives_only_what_was_added_after_it(project: Project) -> None:
    assert project.records.read() == ([], None)
    project.run(table("orders"), table("spend", SPEND))
    records, cursor = project.records.read()
    assert [record.asset for record in records] == ["orders", "spend"]

    nothing, same = project.records.read(since=cursor)
    assert (nothing, same) == ([], cursor)

    project.run(table("orders"), table("spend", SPEND), only=["spend"])
    project.run(table("broken", "SELECT 'x'::INTEGER AS y"), raises=False)
    later, _ = project.records.read(since=cursor)
    assert [(record.asset, record.status) for record in later] == [("spend", "success"), ("broken", "failed")]


def test_the_table_of_records_is_one_that_anybody_can_query(project: Project) -> None:
    project.run(table("orders"), table("spend", SPEND))
    rows = project.frame(TABLE).sort("ended").select("asset", "version", "status", "rows").rows()
    assert rows == [("orders", 0, "success", 3), ("spend", 0, "success", 2)]


def test_a_failure_is_recorded_with_its_error_and_what_was_read_by_then(project: Project) -> None:
    project.run(table("orders"), table("bad", "SELECT customer::INTEGER AS x FROM orders"), raises=False)
    (record,) = project.records.runs("bad")
    assert (record.status, record.version, record.fingerprint) == ("failed", None, None)
    assert record.failure is not None and "cannot be computed for a value" in record.failure.message
    assert "alice" not in str(record.to_json()), "the message quotes a cell"
    assert [read.name for read in record.reads] == ["orders"]


def test_a_row_that_a_dead_process_did_not_write_is_added_by_sync(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run(table("orders"))
    with monkeypatch.context() as death:
        death.setattr(Records, "append", lambda *_: None)
        project.run(table("orders"), table("spend", SPEND))
    assert len(project.records.read()[0]) == 1

    assert project.records.sync() == 2
    assert project.records.sync() == 0

    records, _ = project.records.read()
    assert sorted((record.asset, record.version) for record in records) == [
        ("orders", 0),
        ("orders", 1),
        ("spend", 0),
    ]
    assert project.records.get("spend") in records


def test_records_survive_the_pruning_of_the_runs_in_dagster(stored_project: Project) -> None:
    project = stored_project
    result = project.run(table("orders"), table("spend", SPEND))
    before = project.records.get("spend")

    project.instance.delete_run(result.run_id)

    assert not project.instance.all_logs(result.run_id)
    assert not project.instance.fetch_materializations(dg.AssetKey("spend"), limit=10).records
    assert project.records.get("spend") == before
    assert [record.asset for record in project.records.read()[0]] == ["orders", "spend"]


CONTENT = {"mon": [1, 2], "tue": [3], "wed": [4, 5, 6]}


def daily(request: Request) -> Output:
    """Some rows a day."""
    days = request.partitions or list(CONTENT)
    rows = [(day, x) for day in days for x in CONTENT[day]]
    frame = pl.DataFrame(rows, schema={"day": pl.String, "x": pl.Int64}, orient="row")
    return Output(frame, partition_by="day", partitions=days)


def daily_asset() -> dg.AssetsDefinition:
    return frame_asset(
        daily, look=AssetLook(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    )


TOTAL = "SELECT sum(x) AS total FROM daily"


def test_each_partition_of_a_single_run_has_a_data_version_of_its_own(stored_project: Project) -> None:
    stored_project.run(daily_asset())
    events = stored_project.instance.fetch_materializations(dg.AssetKey("daily"), limit=10).records
    versions = {
        record.partition_key: (record.asset_materialization.tags or {})["dagster/data_version"]
        for record in events
        if record.asset_materialization
    }
    partitions = stored_project.lake.version("daily").partitions
    assert versions == {day: partitions[day].fingerprint for day in CONTENT}
    assert len(set(versions.values())) == 3
    assert stored_project.instance.get_materialized_partitions(dg.AssetKey("daily")) == set(CONTENT)


def test_only_the_partition_that_was_written_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run(daily_asset())
    before = project.lake.version("daily").partitions
    monkeypatch.setitem(CONTENT, "tue", [30])
    project.run(daily_asset(), partition="tue")
    after = project.lake.version("daily").partitions
    assert {day for day in CONTENT if before[day] != after[day]} == {"tue"}
    assert (before["tue"].version, after["tue"].version) == (0, 1)
    assert project.records.get("daily").partitions == ("tue",)


def test_upstream_versions_of_a_partitioned_parent_name_each_partition(stored_project: Project) -> None:
    """Dagster's pointer names the parent's latest event, of whichever partition; three were read."""
    project = stored_project
    for day in ("wed", "mon", "tue"):
        project.run(daily_asset(), partition=day)
    project.run(daily_asset(), table("total", TOTAL), only=["total"])

    exact = project.records.upstream_versions(project.records.get("total"))["daily"]
    assert isinstance(exact, dict)
    assert {day: (held.rows, held.version) for day, held in exact.items()} == {
        "mon": (2, 1),
        "tue": (1, 2),
        "wed": (3, 0),
    }
    assert exact == project.lake.version("daily").partitions

    latest = project.instance.fetch_materializations(dg.AssetKey("daily"), limit=1).records[0]
    assert latest.partition_key == "tue"
    tags = project.event("total").tags or {}
    assert tags["dagster/input_event_pointer/daily"] == str(latest.storage_id)


HOURS = dg.StaticPartitionsDefinition([f"{hour:03}" for hour in range(100)])
CHANGED: dict[str, int] = {}


def hourly(request: Request) -> Output:
    hours = request.partitions or list(HOURS.get_partition_keys())
    rows = [(hour, CHANGED.get(hour, int(hour))) for hour in hours]
    frame = pl.DataFrame(rows, schema={"hour": pl.String, "x": pl.Int64}, orient="row")
    return Output(frame, partition_by="hour", partitions=hours)


def test_dagsters_input_version_overlooks_a_changed_partition_and_the_record_does_not(
    stored_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 100 partitions on, `dagster/input_data_version` is that of the partition written last."""
    project = stored_project
    look = AssetLook(partitions_def=HOURS, backfill_policy=dg.BackfillPolicy.single_run())
    parent, total = frame_asset(hourly, look=look), table("total", "SELECT sum(x) AS total FROM hourly")
    tag = "dagster/input_data_version/hourly"
    project.run(parent)
    project.run(parent, partition="000")
    project.run(parent, total, only=["total"])
    first, first_tags = project.records.get("total"), project.event("total").tags or {}

    monkeypatch.setitem(CHANGED, "050", 5_000)
    project.run(parent, partition="050")
    project.run(parent, partition="000")
    project.run(parent, total, only=["total"])
    second, second_tags = project.records.get("total"), project.event("total").tags or {}

    assert first.fingerprint != second.fingerprint, "another sum was made, of other input"
    assert first_tags[tag] == second_tags[tag], "which Dagster takes for the same"
    before, after = (project.records.upstream_versions(record)["hourly"] for record in (first, second))
    assert isinstance(before, dict) and isinstance(after, dict)
    assert {hour for hour in before if before[hour].version != after[hour].version} == {"050"}
    assert first.reads[0].fingerprint != second.reads[0].fingerprint


def test_the_exact_versions_stay_exact_when_the_parent_moves_on(project: Project) -> None:
    project.run(daily_asset(), table("total", TOTAL))
    record = project.records.get("total")
    before = project.records.upstream_versions(record)
    project.run(daily_asset(), partition="mon")
    assert project.records.upstream_versions(record) == before


def some_days(inputs: Inputs) -> pl.DataFrame:
    """Reads two of the days."""
    return inputs.frame("daily", partitions=["mon", "wed"]).select(pl.col("x").sum().alias("total"))


def test_a_run_that_read_some_partitions_has_just_these_on_record(project: Project) -> None:
    project.run(daily_asset(), frame_asset(some_days, reads=["daily"]))
    record = project.records.get("some_days")
    (read,) = record.reads
    assert read.partitions == ("mon", "wed")
    upstream = project.records.upstream_versions(record)["daily"]
    assert isinstance(upstream, dict) and set(upstream) == {"mon", "wed"}
    assert project.frame("some_days").rows() == [(18,)]
