"""Ends of Dagster steps: each leaves one record, and neither it nor Dagster's events hold a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import polars as pl
import pytest

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.lineage_asset import AssetLook, lineage_asset
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.orchestration.recorded_runs import record_runs
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from tests.lineage.odd_errors import Base
from tests.lineage.project import Project, table

CELL = "neirbqz fesojvw"[::-1]  # written backwards, because texts of the code may be told


def made() -> pl.DataFrame:
    return pl.DataFrame({"n": [1]})


def told_of(project: Project) -> str:
    """Everything that Dagster stores of the runs, and the records."""
    runs = project.instance.get_runs()
    events = [entry.to_json() for run in runs for entry in project.instance.all_logs(run.run_id)]
    return "\n".join([*events, *(str(record.to_json()) for record in project.records.read()[0])])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SystemExit, "failed"),
        (Base, "failed"),
        (KeyboardInterrupt, "canceled"),
        (dg.DagsterExecutionInterruptedError, "canceled"),
    ],
)
def test_what_ends_a_step_says_nothing(project: Project, error: type[BaseException], status: str) -> None:
    def fail(*_given: object) -> None:
        raise error(CELL)

    asset = lineage_asset(replace(frame_code(made), compute=fail), AssetLook())  # pyright: ignore[reportArgumentType]
    with pytest.raises(BaseException) as raised:
        project.run(asset)
    assert CELL not in str(raised.value)
    (record,) = project.records.runs("made")
    assert record.status == status and CELL not in told_of(project)
    (run,) = project.instance.get_runs()
    assert run.status == (dg.DagsterRunStatus.FAILURE if status == "failed" else dg.DagsterRunStatus.CANCELED)
    assert record_runs(project.instance, project.lake, None) == 1
    (told,) = project.records.run_records()
    assert (told.state, told.steps) == (status, {"made": status})


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda: None, "success"),
        (lambda: int(CELL), "failed"),
        (lambda: exec("raise SystemExit(CELL)"), "failed"),
    ],
)
def test_a_recorded_check_says_nothing(project: Project, end: Callable[[], object], status: str) -> None:
    @dg.asset_check(asset="orders", required_resource_keys={"lake"})
    def odd(context) -> dg.AssetCheckResult:  # Dagster does not resolve an annotation that is a text
        lake: LakeResource = context.resources.lake
        code = Code("python", "def odd(): ...", "checks.py:1")
        with recorded(context, lake, "orders", code, "1", ["orders"], kind="check") as recording:
            rows = recording.inputs.frame("orders").height
            recording.checks.append(
                CheckOutcome("odd", False, f"{rows} rows of {CELL}", description=CELL, counts={CELL: 1})
            )
            end()
        return dg.AssetCheckResult(passed=False)

    definitions = dg.Definitions([table("orders")], asset_checks=[odd], resources={"lake": project.resource})
    job = definitions.resolve_implicit_global_asset_job_def()
    job.execute_in_process(instance=project.instance, raise_on_error=False)
    (record,) = [each for each in project.records.read()[0] if each.kind == "check"]
    assert record.status == status and record.checks[0].found == "3 rows of …"
    assert CELL not in told_of(project)
