"""Old runs of Dagster: their selection, and their deletion with everything that Dagster stores about them.

The lake's records are the permanent history; Dagster's runs and events only serve its pages. A run is kept while it is
in progress, and while it has the newest materialization of an asset, so that every asset still shows one.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_lineage.orchestration.dagster_internals import (
    forget_checks,
    open_without_migrations,
    run_databases,
    shared_databases,
)

_AT_ONCE = 500
_WORTH_SHRINKING = 0.2
"""Share of free pages from which a SQLite file is rewritten."""


@dataclass(frozen=True)
class OldRuns:
    """Runs that were or would be deleted; the bytes freed; databases that were locked and could not be shrunk."""

    runs: Sequence[str] = ()
    freed: int = 0
    busy: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object: the number of deleted runs, and the bytes freed."""
        return {"runs": len(self.runs), "bytes": self.freed, "busy": list(self.busy)}


def old_runs(instance: dg.DagsterInstance, before: datetime) -> OldRuns:
    """The runs that ended, were created before a moment and have no asset's newest materialization."""
    newest = {
        event.run_id
        for key in instance.get_asset_keys()
        if (event := instance.get_latest_materialization_event(key)) is not None
    }
    found: list[str] = []
    filters = dg.RunsFilter(created_before=before)
    cursor: str | None = None
    while records := instance.get_run_records(filters, limit=_AT_ONCE, cursor=cursor):
        runs = [record.dagster_run for record in records]
        cursor = runs[-1].run_id
        found += [run.run_id for run in runs if run.is_finished and run.run_id not in newest]
    return OldRuns(found)


def delete_runs(instance: dg.DagsterInstance, runs: Sequence[str]) -> OldRuns:
    """Delete runs with their events, check results and logs, and shrink their SQLite files.

    Postgres relies on autovacuum. Dagster's daemon deletes ticks of schedules and sensors, as configured in
    `dagster.yaml`.
    """
    shared = shared_databases(instance)
    files = [path for run_id in runs for path in run_databases(instance, run_id)]
    size = _bytes([*shared, *files])
    open_without_migrations(instance, runs)
    for run_id in runs:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        if (folder := Path(instance.storage_directory(), run_id)).is_dir():
            shutil.rmtree(folder)
    forget_checks(instance, runs)
    for path in files:
        path.unlink(missing_ok=True)
    busy = [path.name for path in shared if path.exists() and not _shrunk(path)] if runs else []
    return OldRuns(runs, max(size - _bytes([*shared, *files]), 0), busy)


def _shrunk(path: Path) -> bool:
    """Return the free pages of a SQLite file to the disk; False if another process has it locked."""
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        (free,), (pages,) = (
            connection.execute(f"PRAGMA {fact}").fetchone() for fact in ("freelist_count", "page_count")
        )
        if free > _WORTH_SHRINKING * pages:
            connection.execute("VACUUM")
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return False
        raise
    finally:
        connection.close()
    return not busy


def _bytes(files: Sequence[Path]) -> int:
    parts = [path.with_name(path.name + suffix) for path in files for suffix in ("", "-wal")]
    return sum(path.stat().st_size for path in parts if path.exists())
