"""The Run of a record, from Dagster's data."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import dagster as dg

from recsys_lineage.records.parts.run import Run

_TAGS = {
    "schedule": "dagster/schedule_name",
    "sensor": "dagster/sensor_name",
    "tick": "dagster/tick",
    "backfill": "dagster/backfill",
    "parent_run": "dagster/parent_run_id",
    "root_run": "dagster/root_run_id",
}
_SCHEDULED = ".dagster/scheduled_execution_time"


def run_of(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, code_location: str | None
) -> Run:
    """The run, step and retry of a step's context.

    Args:
        code_location: the name to use where Dagster has none, as in a run of this process.
    """
    run = context.run
    record = context.instance.get_run_record_by_id(run.run_id)
    step = context.op_execution_context
    return Run(
        run_id=run.run_id,
        job=run.job_name,
        step=str(step.op_handle),
        asset_key=context.asset_key.to_user_string()
        if isinstance(context, dg.AssetExecutionContext)
        else None,
        retry=step.retry_number,
        code_location=location_of(run, code_location),
        started=moment(record.start_time) if record else None,
        scheduled=scheduled_time(run),
        **triggered_by(run),
    )


def triggered_by(run: dg.DagsterRun) -> dict[str, Any]:
    """The schedule, sensor, tick, backfill or earlier run that triggered a run, as fields of a Run."""
    return {name: run.tags[tag] for name, tag in _TAGS.items() if tag in run.tags}


def location_of(run: dg.DagsterRun, default: str | None) -> str | None:
    """The code location of a run; `default` if it was not launched from one."""
    origin = run.remote_job_origin
    return origin.repository_origin.code_location_origin.location_name if origin else default


def scheduled_time(run: dg.DagsterRun) -> datetime | None:
    """The time requested by a schedule, UTC."""
    text = run.tags.get(_SCHEDULED)
    return datetime.fromisoformat(text).astimezone(timezone.utc) if text else None


def moment(seconds: float | None) -> datetime | None:
    """A time in Dagster's storage as UTC datetime."""
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
