"""Work for other processes: they append records and sync at the same time, or are killed while they do."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from recsys_lineage.lake.commits.draft import Draft
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records
from recsys_lineage.records.table import append_once
from recsys_lineage.records.table.record_table import TABLE

ENGINE = Engine(memory_limit="500MB", threads=1)


def append_each(uri: str, records: Sequence[Mapping[str, Any]]) -> int:
    """Append records one at a time; small files are joined often. Returns how many were not there yet."""
    append_once.COMPACT_EVERY = 5
    kept = Records(Lake(uri, ENGINE))
    return sum(kept.append([Materialization.from_json(each)]) for each in records)


def sync_again(uri: str, times: int) -> int:
    """Sync several times; returns how many records were added."""
    append_once.COMPACT_EVERY = 5
    return sum(Records(Lake(uri, ENGINE)).sync() for _ in range(times))


def die_while_reading(uri: str) -> None:
    """Be killed right before the first commit to the table of records."""
    whole = Draft.commit

    def commit(draft: Draft, *given: Any, **named: Any) -> Any:
        if f"/{TABLE}/" in draft.relation:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(draft, *given, **named)

    setattr(Draft, "commit", commit)  # noqa: B010
    Records(Lake(uri, ENGINE)).read()
