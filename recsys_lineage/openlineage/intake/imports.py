"""Imports: the lake table of other systems' events, each stored once and unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import polars as pl

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.openlineage.translation.event_parts import dataset_key
from recsys_lineage.openlineage.translation.moments import moment
from recsys_lineage.records.table.append_once import append_once

TABLE = "openlineage_imports"
_TIME = pl.Datetime("us", "UTC")
SCHEMA: Mapping[str, Any] = {
    "id": pl.String,
    "event_time": _TIME,
    "received": _TIME,
    "type": pl.String,
    "run_id": pl.String,
    "namespace": pl.String,
    "name": pl.String,
    "faults": pl.List(pl.String),
    "body": pl.String,
}
"""`id`: hash of the event's content; `event_time`: the event's time, 1970 if it has none; `type`: type of a run's
event, else `DATASET` or `JOB`; `namespace`, `name`: of its job, or of the dataset; `faults`: its violations of the
official schemas; `body`: its text, unchanged."""
_ADDED = "added"
_NO_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Import:
    """One event of another system.

    Attributes:
        body: its text, as received.
        event: the parsed text.
        faults: its violations of the official schemas, as text.
    """

    body: str
    event: Mapping[str, Any]
    faults: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Hash of its content, the same for any layout of the text."""
        text = json.dumps(self.event, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def one_line(self) -> str:
        """Its text on one line: a line end in JSON is only white space, because texts cannot contain one."""
        return self.body.replace("\r", " ").replace("\n", " ")

    @property
    def type(self) -> str:
        """The type of a run's event; otherwise `DATASET` or `JOB`."""
        if "run" in self.event:
            kind = self.event.get("eventType")
            return kind if isinstance(kind, str) else "OTHER"
        return "DATASET" if "dataset" in self.event else "JOB"


class Imports:
    """The imported events of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def add(self, events: Iterable[Import]) -> int:
        """Store the events that are not in the table yet, in one commit; returns their number.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        received = datetime.now(timezone.utc)
        rows = [_row(each, received) for each in events]
        if not rows:
            return 0
        frame = pl.DataFrame(rows, schema=SCHEMA)
        return append_once(self._lake, TABLE, "id", frame, self._present, added=_ADDED, bounds=["event_time"])

    def count(self) -> int:
        """Number of imported events."""
        return self._lake.version(TABLE).rows if self._lake.has(TABLE) else 0

    def read(self, at_once: int = 1_000) -> Iterator[Import]:
        """All events in the order of arrival, in bounded memory.

        Args:
            at_once: the number of events held in memory.
        """
        if not self._lake.has(TABLE):
            return
        version = self._lake.version(TABLE)
        scan = self._lake.scan(version).select("body", "faults")
        for start in range(0, version.rows, at_once):
            for body, faults in scan.slice(start, at_once).collect().iter_rows():
                yield Import(body, json.loads(body), tuple(faults or ()))

    def _present(self, version: TableVersion, frame: pl.DataFrame) -> list[str]:
        """The ids of the events that are stored already; a repeated event has the same time."""
        earliest, latest = frame["event_time"].min(), frame["event_time"].max()
        assert isinstance(earliest, datetime) and isinstance(latest, datetime), "every row has a time"
        scan = self._lake.scan_between(version, "event_time", earliest, latest)
        if scan is None:
            return []
        return scan.select("id").filter(pl.col("id").is_in(frame["id"].to_list())).collect()["id"].to_list()


def _row(each: Import, received: datetime) -> dict[str, Any]:
    event = each.event
    run = event.get("run")
    run_id = run.get("runId") if isinstance(run, Mapping) else None
    key = dataset_key(event.get("job")) or dataset_key(event.get("dataset"))
    return {
        "id": each.id,
        "event_time": moment(event.get("eventTime")) or _NO_TIME,
        "received": received,
        "type": each.type,
        "run_id": run_id if isinstance(run_id, str) else None,
        "namespace": key[0] if key else None,
        "name": key[1] if key else None,
        "faults": list(each.faults),
        "body": each.body,
    }
