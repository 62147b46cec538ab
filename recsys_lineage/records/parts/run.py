"""Run: the orchestrator's facts about the run in which something was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recsys_lineage.records.parts.record_part import RecordPart


@dataclass(frozen=True)
class Run(RecordPart):
    """The orchestrator's run; empty if code ran by itself, as in a notebook.

    Attributes:
        run_id: the orchestrator's id of the run.
        job: the job's name.
        step: the step inside the run.
        asset_key: the orchestrator's key of the asset, its parts joined by slashes.
        retry: how many times the step was tried before.
        code_location: the job's code location.
        started: when the run started, UTC.
        scheduled: the time requested by the schedule, UTC.
        schedule, sensor, tick, backfill: the trigger of the run.
        parent_run, root_run: the runs that this one repeats.
    """

    run_id: str | None = None
    job: str | None = None
    step: str | None = None
    retry: int = 0
    code_location: str | None = None
    started: datetime | None = None
    scheduled: datetime | None = None
    schedule: str | None = None
    sensor: str | None = None
    tick: str | None = None
    backfill: str | None = None
    parent_run: str | None = None
    asset_key: str | None = None
    root_run: str | None = None
