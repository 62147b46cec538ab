"""Idempotent append: rows with a key are added to a lake table once, even with concurrent writers."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection

import polars as pl

from recsys_lineage.errors import LineageError, VersionMoved, WriteConflict
from recsys_lineage.lake.commits.draft import NO_VERSION
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.compaction import compact
from recsys_lineage.lake.versions.table_version import TableVersion

COMPACT_EVERY = 32
"""Commits to a table after which its small files are joined; the most small files that a reader opens."""
_ATTEMPTS = 60
_log = logging.getLogger(__name__)


def append_once(
    lake: Lake,
    table: str,
    key: str,
    frame: pl.DataFrame,
    present: Callable[[TableVersion, pl.DataFrame], Collection[str]],
    *,
    committed: Callable[[int, TableVersion, pl.DataFrame], None] | None = None,
    added: str | None = None,
    bounds: Collection[str] = (),
) -> int:
    """Append the rows whose keys the table lacks, in one commit; returns their number.

    The commit succeeds only at the version in which the keys were looked up. If another writer was faster, they are
    looked up again.

    Args:
        lake: the lake.
        table: an append-only table.
        key: the column whose values are unique.
        frame: the rows.
        present: gets a version of the table and some rows, and returns the keys that the version already has.
        committed: gets the version before the commit, the committed one, and the rows in it.
        added: the column for the number of the commit.
        bounds: columns of times by which readers skip files; see `Lake.draft`.

    Raises:
        WriteConflict: other writers kept winning.
        InsufficientSpace: the disk is full or not writable.
    """
    frame = frame.unique(key, keep="first", maintain_order=True)
    for attempt in range(_ATTEMPTS):
        latest = lake.latest(table)
        new = frame
        if latest is not None and frame.height:
            new = frame.filter(~pl.col(key).is_in(list(present(latest, frame))))
        if new.is_empty():
            return 0
        before = NO_VERSION if latest is None else latest.version
        if added is not None:
            new = new.with_columns(pl.lit(before + 1, pl.Int64).alias(added))
        try:
            version = lake.write_arrow(table, new, append=True, follows=before, bounds=bounds)
        except VersionMoved:
            time.sleep(random.uniform(0.005, min(0.02 * 2**attempt, 1.0)))
            continue
        if committed is not None:
            committed(before, version, new)
        if version.version % COMPACT_EVERY == COMPACT_EVERY - 1:
            join_small_files(lake, table)
        return new.height
    raise WriteConflict(
        f"Table {table!r} could not be appended to.",
        expected=f"one of {_ATTEMPTS} attempts to succeed",
        found="another writer committing each time",
        where=lake.table_uri(table),
        advice="append in fewer processes at once, and more rows at a time",
    )


def join_small_files(lake: Lake, table: str) -> None:
    """Compact a table; a failure is a warning in the log, because the rows are stored anyway."""
    try:
        compact(lake, table)
    except LineageError as error:
        _log.warning("The files of table %s stay small: %s", table, error)
