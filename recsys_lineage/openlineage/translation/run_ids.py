"""Run ids: UUIDs of version 7 that are the same each time a record is read.

Their time is the record's start; the other bits are a hash that identifies the run.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from uuid import UUID

from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run

_NO_TIME = datetime.fromtimestamp(0, timezone.utc)
"""Time in the ids of things shared by many runs, such as a backfill, whose start no record has."""


def asset_run_id(record: Materialization) -> str:
    """The run id for a record of an asset or of a check."""
    run = record.run
    if run.run_id is None:
        return uuid7(record.started, "record", record.id)
    parts = (record.kind, run.run_id, run.step or "", record.asset, str(run.retry))
    return uuid7(record.started, *parts)


def orchestrator_run_id(run_id: str, run: Run) -> str:
    """The run id for a whole run of the orchestrator.

    Args:
        run_id: the orchestrator's id.
        run: the facts about the run; its start must always be the same.
    """
    return uuid7(run.started or _NO_TIME, "run", run_id)


def step_run_id(run_id: str, run: Run, step: str) -> str:
    """The run id for a step of the orchestrator's run that left no record."""
    return uuid7(run.started or _NO_TIME, "step", run_id, step)


def root_run_id(run_id: str, run: Run) -> str:
    """Id of a run's root: a backfill, a tick, or the run itself under its job."""
    if run.backfill is not None:
        return uuid7(_NO_TIME, "backfill", run.backfill)
    if run.tick is not None:
        return uuid7(run.scheduled or _NO_TIME, "tick", run.tick)
    return uuid7(run.started or _NO_TIME, "job", run_id)


def uuid7(moment: datetime, *parts: str) -> str:
    """A UUID of version 7 from a moment, in milliseconds, and a SHA-256 of texts."""
    milliseconds = int(moment.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    hashed = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()
    node = int.from_bytes(hashed[:10], "big")
    node = node & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(UUID(int=milliseconds << 80 | node))
