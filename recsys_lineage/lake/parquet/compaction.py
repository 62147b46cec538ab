"""Compaction: joins the many small files of an append-only table into few, without changing a row."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.commits.append_order import COMPACTED
from recsys_lineage.lake.commits.commit_log import COMMIT_KEY
from recsys_lineage.lake.commits.draft import HOOKS, is_conflict
from recsys_lineage.lake.commits.write_marker import WriteMarker, delete_files_of
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.table_files import (
    WrittenFiles,
    active_files,
    add_actions,
    bounded_columns,
    file_contents,
    read_files,
    write_files,
)
from recsys_lineage.lake.stores.storage_fault import explained
from recsys_lineage.lake.versions.table_version import TableVersion

LARGEST_FILE = 128 << 20
"""Size in bytes from which a file is no longer joined with others."""
_ATTEMPTS = 10


@dataclass(frozen=True)
class Compaction:
    """Files of one table that are or were joined into one: their number and their bytes."""

    table: str
    files: int
    bytes: int


@dataclass(frozen=True)
class _File:
    path: str
    rows: int
    bytes: int


def is_compactable(lake: Lake, table: str) -> bool:
    """Whether a table is append-only: no asset wrote its newest version, and it has no partitions."""
    carried = lake.commit(table)
    return carried["record"] is None and carried["table_version"]["partition_column"] is None


def plan_compaction(lake: Lake, table: str, largest: int = LARGEST_FILE) -> Compaction | None:
    """Plan of a `compact` now; None if the table is in few files already.

    Raises:
        TableNotFound: the table does not exist.
    """
    version = lake.version(table)
    joined = _to_join(_in_order(lake, version), largest)
    return Compaction(table, len(joined), sum(file.bytes for file in joined)) if joined else None


def compact(lake: Lake, table: str, largest: int = LARGEST_FILE) -> Compaction | None:
    """Join the newest files of a table into one, as a new version with the same rows and fingerprint.

    The next older file is added as long as it is at most twice as large as the newer ones together, so a row is
    rewritten only a few times while the table grows. Old versions keep their files until they are pruned; a cursor of
    `Lake.added_between` stays valid.

    Args:
        lake: the lake.
        table: an append-only table without partitions that no asset writes.
        largest: the size in bytes from which a file is left alone.

    Returns:
        The joined files; None if there was nothing to join, or another process joined them meanwhile.

    Raises:
        LineageError: the table is not of that kind, or the content of its files differs from the commit.
        InsufficientSpace: the disk is full or not writable.
    """
    if not is_compactable(lake, table):
        raise LineageError(
            f"Table {table!r} cannot be compacted.",
            expected="a table that is only appended to, without partitions, and that no asset writes",
            where=lake.table_uri(table),
            advice="an asset's table is written whole each time; there is nothing to join",
        )
    before = lake.version(table)
    joined = _to_join(_in_order(lake, before), largest)
    if not joined:
        return None
    root, write_id = lake.table_uri(table), uuid.uuid4().hex[:16]
    marker = WriteMarker(lake.storage, root, write_id)
    committed = False
    with explained(lake.storage, table, write_id):
        marker.place()
        try:
            written = _joined(lake, before, root, write_id, joined)
            for _ in range(_ATTEMPTS):
                committed = _try_commit(lake, table, marker, write_id, joined, written)
                if committed or not _are_there(lake, table, joined):
                    break
        finally:
            if not committed and lake.log(table).find(write_id) is None:
                delete_files_of(lake.storage, root, [write_id])
            marker.remove()
    return Compaction(table, len(joined), sum(file.bytes for file in joined)) if committed else None


def _to_join(files: Sequence[_File], largest: int) -> list[_File]:
    """The newest adjacent files that are worth joining, in order."""
    joined: list[_File] = []
    total = 0
    for file in reversed(files):
        if file.bytes > largest or total + file.bytes > 2 * largest:
            break
        if joined and file.bytes > 2 * total:
            break
        joined.append(file)
        total += file.bytes
    return joined[::-1] if len(joined) > 1 else []


def _in_order(lake: Lake, version: TableVersion) -> list[_File]:
    """The files of a version in the order of their rows."""
    delta = lake.open_delta(version.table, version.version)
    assert delta is not None
    rows = _rows(delta)
    files = {path: _File(path, rows[path], size) for path, size, _ in active_files(delta, None)}
    order: list[str] = []
    for number in range(version.version, -1, -1):
        carried = lake.commit(version.table, number)
        if COMPACTED in carried:
            order.extend(path for path, _ in reversed(carried[COMPACTED]))
            break
        write_id = carried["table_version"]["write_id"]
        order.extend(path for path in sorted(files, reverse=True) if write_id in path)
        if len(order) >= len(files):
            break
    found = [files[path] for path in reversed(order) if path in files]
    if len(found) != len(files):
        raise LineageError(
            f"The order of the rows of table {version.table!r} is not known.",
            expected=f"{len(files)} files that commits of the lake added",
            found=f"{len(found)} of them",
            where=lake.table_uri(version.table),
            advice="write lake tables through the lake only; remove what another program committed",
        )
    return found


def _rows(delta: DeltaTable) -> dict[str, int]:
    actions = add_actions(delta)
    return dict(zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True))


def _joined(
    lake: Lake, version: TableVersion, root: str, write_id: str, files: Sequence[_File]
) -> WrittenFiles:
    paths = [file.path for file in files]
    # One row after the other, as they were appended.
    with lake.connect(keeps_order=True) as connection:
        query = read_files([f"{root}/{path}" for path in paths], version.schema, version.schema, None)
        delta = lake.open_delta(version.table, version.version)
        assert delta is not None, "a version that was read has a log"
        written = write_files(
            connection, f"SELECT * FROM {query}", None, root, write_id, None, bounded_columns(delta)
        )
        if written.contents != file_contents(connection, root, paths, version.schema, None):
            raise LineageError(
                f"Joining files of table {version.table!r} changed what they hold; nothing was committed.",
                where=root,
                advice="check whether another program writes into the table's folder",
            )
    return written


def _are_there(lake: Lake, table: str, files: Sequence[_File]) -> bool:
    delta = lake.open_delta(table)
    return delta is not None and {file.path for file in files} <= {p for p, _, _ in active_files(delta, None)}


def _try_commit(
    lake: Lake,
    table: str,
    marker: WriteMarker,
    write_id: str,
    joined: Sequence[_File],
    written: WrittenFiles,
) -> bool:
    delta = lake.open_delta(table)
    assert delta is not None
    before = lake.version(table, delta.version())
    order = _in_order(lake, before)
    paths = [file.path for file in order]
    gone = {file.path for file in joined}
    if not gone <= {*paths}:
        return False
    (add,) = written.adds
    first = paths.index(joined[0].path)
    new = [_File(add.path, sum(file.rows for file in joined), add.size)]
    order = [*order[:first], *new, *order[first + len(joined) :]]
    after = replace(
        before, version=before.version + 1, write_id=write_id, committed=lake.clock(),
        files=len(order), bytes=sum(file.bytes for file in order),
    )  # fmt: skip
    carried: dict[str, Any] = {
        "table_version": after.to_json(),
        "record": None,
        COMPACTED: [[file.path, file.rows] for file in order],
    }
    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [
        *(RemoveAction(file.path, False, now, file.bytes, {}) for file in joined),
        replace(add, data_change=False),
    ]
    marker.require()
    try:
        delta.create_write_transaction(
            actions, "append", written.delta_schema, None,
            commit_properties=CommitProperties(
                custom_metadata={COMMIT_KEY: json.dumps(carried)}, max_commit_retries=0
            ),
            post_commithook_properties=HOOKS,
        )  # fmt: skip
    except Exception as error:
        # A commit can go through and still raise; the log alone knows.
        if not lake.log(table).has_write(after.version, write_id) and not is_conflict(error):
            raise
    return lake.log(table).has_write(after.version, write_id)
