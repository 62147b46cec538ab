"""Records of Dagster's runs, written after a run has ended by whichever process notices first."""

from __future__ import annotations

from datetime import datetime, timezone

import dagster as dg

from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.dagster_failure import is_interrupted
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.run_of import location_of, moment, scheduled_time, triggered_by
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.parts.secret_names import is_secret
from recsys_lineage.records.parts.url_secrets import without_secrets
from recsys_lineage.records.parts.withheld import withheld
from recsys_lineage.records.records import Records
from recsys_lineage.records.run_record import RunRecord, State

LOST_TAG = "lineage/lost"
"""Tag of runs whose process was killed, which Dagster shows as failed."""
STATES: dict[dg.DagsterRunStatus, State] = {
    dg.DagsterRunStatus.SUCCESS: "success",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "canceled",
}
"""Dagster's states of runs that have ended, and the states in their records."""
_STEPS = {
    dg.DagsterEventType.STEP_SUCCESS: "success",
    dg.DagsterEventType.STEP_FAILURE: "failed",
    dg.DagsterEventType.STEP_SKIPPED: "skipped",
}
_AT_ONCE = 500


def record_runs(instance: dg.DagsterInstance, lake: Lake, code_location: str | None) -> int:
    """Add a record for every ended run without one; returns their number.

    The daemon's sensor calls it, and so does a run in this process, at its start and its end; the order does not
    matter, because a record is added once.

    Args:
        instance: the instance with Dagster's runs.
        lake: the lake of the records.
        code_location: the name to use for runs without one.
    """
    records = Records(lake)
    ended = instance.get_run_records(dg.RunsFilter(statuses=list(STATES)), limit=None)
    if not ended:
        return 0
    # of Dagster's runs the old ones are deleted, of records none
    known = records.ids_since("run", min(map(_start, ended)))
    new = [run for run in ended if run.dagster_run.run_id not in known]
    for start in range(0, len(new), _AT_ONCE):
        records.append([_record(instance, run, lake, code_location) for run in new[start : start + _AT_ONCE]])
    return len(new)


def complete_records(instance: dg.DagsterInstance, lake: LakeResource) -> tuple[int, int]:
    """Add the records left by killed processes, and those of ended runs; returns both numbers.

    Raises:
        LineageError: the lake cannot be read or written.
    """
    opened = lake.lake()
    return Records(opened).sync(), record_runs(instance, opened, lake.code_location)


def mark_lost(instance: dg.DagsterInstance, run: dg.DagsterRun, message: str) -> None:
    """Fail a run whose process is gone, so that its record gets the state `lost`."""
    instance.add_run_tags(run.run_id, {LOST_TAG: "true"})
    instance.report_run_failed(run, message)


def mark_cancelled(instance: dg.DagsterInstance, run_id: str) -> None:
    """Mark an interrupted run as cancelled, unless it had succeeded."""
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status not in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS):
        instance.report_run_canceled(run)


def _start(found: dg.RunRecord) -> datetime:
    return moment(found.start_time) or found.create_timestamp.astimezone(timezone.utc)


def _record(
    instance: dg.DagsterInstance, found: dg.RunRecord, lake: Lake, code_location: str | None
) -> RunRecord:
    run = found.dagster_run
    planned, steps = _planned_and_steps(instance, run.run_id)
    skipped = [planned[step] for step, state in steps.items() if state == "skipped" and step in planned]
    ended = moment(found.end_time) or datetime.now(timezone.utc)
    started = _start(found)
    state = "lost" if LOST_TAG in run.tags else STATES[run.status]
    return RunRecord(
        id=run.run_id,
        state=state,
        started=started,
        ended=ended,
        run=Run(
            run_id=run.run_id,
            job=run.job_name,
            code_location=location_of(run, code_location),
            started=started,
            scheduled=scheduled_time(run),
            **triggered_by(run),
        ),
        tags={
            name: withheld(text) if is_secret(name, text) else without_secrets(text)
            for name, text in sorted(run.tags.items())
            if not name.startswith(".dagster/")
        },
        assets=tuple(dict.fromkeys(key.to_user_string() for keys in planned.values() for key in keys)),
        steps=steps,
        kept={key.path[-1]: Records(lake).id_at(key.path[-1], ended) for keys in skipped for key in keys},
        lake=lake.uri,
    )


def _planned_and_steps(
    instance: dg.DagsterInstance, run_id: str
) -> tuple[dict[str, list[dg.AssetKey]], dict[str, str]]:
    """The assets that each step of a run was to materialize, and the final state of each step."""
    planned: dict[str, list[dg.AssetKey]] = {}
    steps: dict[str, str] = {}
    begun: set[str] = set()
    looked_at = {*_STEPS, dg.DagsterEventType.STEP_START, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
    for entry in instance.all_logs(run_id, of_type=looked_at):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type in _STEPS:
            steps[event.step_key or ""] = "canceled" if is_interrupted(event) else _STEPS[event.event_type]
        elif event.event_type == dg.DagsterEventType.STEP_START:
            begun.add(event.step_key or "")
        elif event.asset_key is not None:
            planned.setdefault(event.step_key or "", []).append(event.asset_key)
    left = dict.fromkeys([*filter(None, planned), *sorted(begun)])
    steps |= {step: "killed" if step in begun else "skipped" for step in left if step not in steps}
    return planned, steps
