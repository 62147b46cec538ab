"""Real runs of Dagster, told to a catalog: what went well, what failed, what was tried again, and what was killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.assets.checks import TableCheck, not_empty
from recsys_lineage.interruption import request_stop, withdraw_request
from recsys_lineage.openlineage.translation.definition_events import definition_messages
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.orchestration.dagster_internals import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.orchestration.metadata.described_assets import asset_descriptions
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.orchestration.recorded_runs import mark_cancelled, mark_lost, record_runs
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from tests.lineage.openlineage.laws import Event, broken_laws, told
from tests.lineage.openlineage.made_events import BEGAN
from tests.lineage.openlineage.official_schemas import SPECIFICATION, faults
from tests.lineage.project import REUSE, Project, table

SPEND = "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer"
POSITIVE = TableCheck(
    "positive", "amounts are positive", "SELECT * FROM output WHERE amount <= 0", blocking=True
)


def events_of(project: Project) -> list[Event]:
    """The stream of a project, which obeys all laws and the official schemas."""
    record_runs(project.instance, project.lake, None)
    found = told(Stream(project.lake, code_location="recsys").after(None))
    assert broken_laws(found) == []
    if SPECIFICATION.is_dir():
        assert [fault for event in found for fault in faults(event)] == []
    return found


def runs(events: list[Event]) -> list[str]:
    return [f"{event['job']['name']} {event['eventType']}" for event in events if "run" in event]


def last(events: list[Event], job: str) -> Event:
    return next(event for event in reversed(events) if event["job"]["name"] == job)


def names(datasets: list[Mapping[str, Any]]) -> list[str]:
    return [Path(each["name"]).name for each in datasets]


def test_two_assets_are_two_runs_below_that_of_dagster_with_edges_between_their_columns(
    project: Project,
) -> None:
    project.run(
        table("orders"), table("spend", SPEND), tags={"dagster/schedule_name": "night", "dagster/tick": "7"}
    )
    events = events_of(project)
    assert runs(events) == [
        "recsys START", "recsys.orders START", "recsys.orders COMPLETE", "recsys.spend START", "recsys.spend COMPLETE",
        "recsys COMPLETE",
    ]  # fmt: skip
    spend = last(events, "recsys.spend")
    (read,), (written,) = spend["inputs"], spend["outputs"]
    assert (read["namespace"], read["name"]) == ("file", f"{project.lake.uri}/orders")
    assert read["facets"]["version"]["datasetVersion"] == "0"
    assert [(f["name"], f["type"], f["ordinal_position"]) for f in written["facets"]["schema"]["fields"]] == [
        ("customer", "VARCHAR", 1), ("amount", "DECIMAL(38,1)", 2),
    ]  # fmt: skip
    amount = written["facets"]["columnLineage"]["fields"]["amount"]["inputFields"]
    assert {(each["field"], step["subtype"]) for each in amount for step in each["transformations"]} >= {
        ("amount", "AGGREGATION"), ("customer", "GROUP_BY"),
    }  # fmt: skip
    assert spend["run"]["facets"]["parent"]["root"]["job"] == {"namespace": "recsys", "name": "night"}
    assert written["facets"]["symlinks"]["identifiers"] == [
        {"namespace": "recsys", "name": "spend", "type": "TABLE"}
    ]
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert spend["job"]["facets"]["sql"]["query"] == SPEND


def test_a_failure_tells_type_message_and_stack_and_writes_nothing(project: Project) -> None:
    def broken(orders: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("no such day")

    project.run(table("orders"), frame_asset(broken), table("after", "SELECT * FROM broken"), raises=False)
    events = events_of(project)
    failed = last(events, "recsys.broken")
    error = failed["run"]["facets"]["errorMessage"]
    assert failed["eventType"] == "FAIL" and failed["outputs"] == []
    assert error["message"] == "ValueError: no such day" and "in broken" in error["stackTrace"]
    assert runs(events)[-1] == "recsys FAIL"
    tags = {tag["key"]: tag["value"] for tag in events[-1]["run"]["facets"]["tags"]["tags"]}
    assert tags["lineage/skipped"] == "after"
    assert names(failed["inputs"]) == ["orders"]


def test_a_check_that_stops_a_version_is_a_failure_with_its_test_and_no_output(project: Project) -> None:
    project.run(table("orders", checks=[POSITIVE, not_empty()]))
    project.run(table("orders", "SELECT 1 AS id, -1.0 AS amount", checks=[POSITIVE]), raises=False)
    events = events_of(project)
    good = next(event for event in events if event["outputs"])
    told_of_output = good["outputs"][0]["outputFacets"]["dataQualityAssertions"]["assertions"]
    outcomes = {each["assertion"]: each["success"] for each in told_of_output}
    assert outcomes == {"tagged_columns_are_cleared": True, "positive": True, "not_empty": True}
    stopped = last(events, "recsys.orders")
    tests = {test["name"]: test for test in stopped["run"]["facets"]["test"]["tests"]}
    assert stopped["eventType"] == "FAIL" and stopped["outputs"] == []
    assert tests["positive"]["status"] == "fail" and tests["positive"]["severity"] == "error"
    assert tests["positive"]["expected"] == "amounts are positive" and tests["positive"]["actual"].startswith(
        "1 rows"
    )


def test_a_second_try_is_a_run_of_its_own(project: Project) -> None:
    tries: list[int] = []

    def hangs_up() -> pl.DataFrame:
        tries.append(1)
        if len(tries) < 2:
            raise ConnectionError("the store hung up")
        return pl.DataFrame({"x": [1]})

    project.run(frame_asset(hangs_up))
    assert runs(events_of(project))[1:-1] == [
        "recsys.hangs_up START", "recsys.hangs_up FAIL", "recsys.hangs_up START", "recsys.hangs_up COMPLETE",
    ]  # fmt: skip


DAYS = dg.StaticPartitionsDefinition(["2026-03-01", "2026-03-02", "2026-03-03"])
SEVERAL = dg.MultiPartitionsDefinition({"day": DAYS, "shop": dg.StaticPartitionsDefinition(["a", "b"])})


def daily(request: Request) -> Output:
    """Some rows a day."""
    days = request.partitions or ["2026-03-01"]
    frame = pl.DataFrame({"day": days, "x": range(len(days))})
    return Output(frame, partition_by="day", partitions=days)


def daily_asset(days: dg.PartitionsDefinition[Any]) -> dg.AssetsDefinition:
    look = AssetLook(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    return frame_asset(daily, look=look)


def test_a_range_of_days_made_in_one_run_is_one_run_with_its_partitions(project: Project) -> None:
    asked = {ASSET_PARTITION_RANGE_START_TAG: "2026-03-01", ASSET_PARTITION_RANGE_END_TAG: "2026-03-02"}
    project.run(daily_asset(DAYS), tags={**asked, "dagster/backfill": "abc"})
    written = last(events_of(project), "recsys.daily")
    assert written["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-03-01T00:00:00+00:00"
    assert written["run"]["facets"]["nominalTime"]["nominalEndTime"] == "2026-03-03T00:00:00+00:00"
    assert written["run"]["facets"]["parent"]["root"]["job"]["name"] == "backfill"
    (output,) = written["outputs"]
    assert output["outputFacets"]["subset"]["outputCondition"]["partitions"] == [
        {"identifier": day, "dimensions": {"day": day}} for day in ("2026-03-01", "2026-03-02")
    ]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert Path(output["name"]).name == "daily", "partitions are no part of a name"


@pytest.mark.parametrize(
    "days", [SEVERAL, dg.DynamicPartitionsDefinition(name="days")], ids=["several", "dynamic"]
)
def test_partitions_of_any_kind_are_in_the_subset(
    project: Project, days: dg.PartitionsDefinition[Any]
) -> None:
    key: str = "2026-03-02"
    if isinstance(days, dg.MultiPartitionsDefinition):
        key = dg.MultiPartitionKey({"day": key, "shop": "b"})
    else:
        project.instance.add_dynamic_partitions("days", [key])
    project.run(daily_asset(days), partition=key)
    written = last(events_of(project), "recsys.daily")
    (part,) = written["outputs"][0]["outputFacets"]["subset"]["outputCondition"]["partitions"]
    assert part == {"identifier": str(key), "dimensions": {"day": str(key)}}
    assert written["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-03-02T00:00:00+00:00"


def test_a_cancelled_run_is_aborted(project: Project) -> None:
    def interrupted() -> pl.DataFrame:
        request_stop()
        raise KeyboardInterrupt

    try:
        project.run(frame_asset(interrupted), raises=False)
    finally:
        withdraw_request()
    (run,) = project.instance.get_run_records()
    mark_cancelled(project.instance, run.dagster_run.run_id)
    assert runs(events_of(project))[1:] == [
        "recsys.interrupted START",
        "recsys.interrupted ABORT",
        "recsys ABORT",
    ]


def test_a_killed_step_ends_with_its_runs_record(project: Project) -> None:
    definitions = dg.Definitions(
        assets=[table("orders"), table("spend", SPEND)], resources={"lake": project.resource}
    )
    run = project.instance.create_run_for_job(definitions.resolve_implicit_global_asset_job_def())
    begun = dg.DagsterEvent("STEP_START", run.job_name, step_key="orders")
    project.instance.report_dagster_event(begun, run.run_id)
    mark_lost(project.instance, run, "its process is gone")
    events = events_of(project)
    assert runs(events) == ["recsys START", "recsys.orders START", "recsys.orders ABORT", "recsys ABORT"]
    assert events[2]["run"]["facets"]["parent"]["run"]["runId"] == events[0]["run"]["runId"]


def test_what_was_kept_has_no_run(project: Project) -> None:
    project.run(table("orders"))
    project.run(table("orders"), tags=REUSE)
    assert runs(events_of(project))[3:] == ["recsys START", "recsys COMPLETE", "recsys COMPLETE"]


def test_the_files_of_one_scan_are_one_input_and_one_dataset_that_was_seen(
    project: Project, tmp_path: Path
) -> None:
    for day in (1, 2, 3):
        (tmp_path / f"day-{day}.csv").write_text(f"id,amount\n{day},10\n")
    files = table("sales", f"SELECT id, amount FROM read_csv('{tmp_path}/day-*.csv')")
    project.run(files, table("total", "SELECT sum(amount) AS total FROM sales"))
    events = events_of(project)
    sales = last([event for event in events if "run" in event], "recsys.sales")
    (read,) = sales["inputs"]
    assert (read["namespace"], read["name"]) == ("file", f"{tmp_path}/day-*.csv")
    assert read["inputFacets"]["subset"]["inputCondition"] == {
        "type": "location", "locations": [f"{tmp_path}/day-{day}.csv" for day in (1, 2, 3)],
    }  # fmt: skip
    (origin,) = sales["outputs"][0]["facets"]["columnLineage"]["fields"]["amount"]["inputFields"]
    assert (origin["name"], origin["field"]) == (read["name"], "amount")
    seen = [event["dataset"]["name"] for event in events if "dataset" in event]
    assert seen == [read["name"]]


def test_files_that_are_seen_again_unchanged_are_an_event_of_their_own(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "day-1.csv").write_text("id,amount\n1,10\n")
    files = table("sales", f"SELECT id, amount FROM read_csv('{tmp_path}/day-*.csv')")
    for _ in range(2):
        project.run(files)
    seen = [event for event in events_of(project) if "dataset" in event]
    assert len(seen) == 2 and seen[0]["dataset"] == seen[1]["dataset"]
    ids = [message.id for message in Stream(project.lake, code_location="recsys").after(None)]
    assert len(set(ids)) == len(ids), "whoever sends them tells one from another by its id"


def test_what_is_declared_and_not_read_is_a_dependency_and_no_input(project: Project) -> None:
    def lazy(orders: pl.LazyFrame, inputs_of: str) -> pl.DataFrame:
        return pl.DataFrame({"x": [1]})

    look = AssetLook(deps=["customers"])
    asset = frame_asset(lazy, parameters={"inputs_of": "none"}, reads=("customers",), look=look)
    project.run(table("orders"), table("customers"), asset)
    told_of = last(events_of(project), "recsys.lazy")
    upstream = [each["job"]["name"] for each in told_of["run"]["facets"]["jobDependencies"]["upstream"]]
    assert upstream == ["recsys.customers"] and "customers" not in names(told_of["inputs"])


def test_a_check_of_its_own_has_its_assertions_on_what_it_read(project: Project) -> None:
    @dg.asset_check(asset="orders", required_resource_keys={"lake"})
    def has_rows(context) -> dg.AssetCheckResult:  # Dagster does not resolve an annotation that is a text
        lake: LakeResource = context.resources.lake
        code = Code("python", "def has_rows(): ...", "checks.py:1")
        with recorded(context, lake, "orders", code, "1", ["orders"], kind="check") as recording:
            rows = recording.inputs.frame("orders").height
            recording.checks.append(CheckOutcome("has_rows", rows > 0, f"{rows} rows"))
        return dg.AssetCheckResult(passed=rows > 0)

    definitions = dg.Definitions(
        [table("orders")], asset_checks=[has_rows], resources={"lake": project.resource}
    )
    definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=project.instance)
    event = last(events_of(project), "recsys.orders.orders_has_rows")
    (read,) = event["inputs"]
    assert event["outputs"] == [] and event["job"]["facets"]["jobType"]["jobType"] == "CHECK"
    assert read["inputFacets"]["dataQualityAssertions"]["assertions"][0]["actual"] == "3 rows"


def test_definitions_are_jobs_without_edges_that_are_new_when_they_change(project: Project) -> None:
    def described(sql: str) -> list[str]:
        look = AssetLook(owners=["team:data"], tags={"layer": "clean"}, description="What customers spend.")
        definitions = dg.Definitions([table("spend", sql, look=look)], resources={"lake": project.resource})
        options = EventOptions("recsys", assets=asset_descriptions(definitions))
        messages = list(definition_messages(options, BEGAN, "c0ffee"))
        (event,) = told(messages)
        assert broken_laws([event]) == [] and (not SPECIFICATION.is_dir() or faults(event) == [])
        facets = event["job"]["facets"]
        assert facets["ownership"]["owners"] == [{"name": "team:data"}]
        assert facets["documentation"]["description"] == "What customers spend."
        return [message.id for message in messages]

    assert described(SPEND) == described(SPEND)
    assert described(SPEND) != described(SPEND + " LIMIT 5")
