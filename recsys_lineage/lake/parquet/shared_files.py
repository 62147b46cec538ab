"""Shared files: unchanged content is reused from the previous version, not stored twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
from deltalake import DeltaTable

from recsys_lineage.lake.parquet.table_files import WrittenFiles, active_files, file_contents, piece_contents
from recsys_lineage.lake.versions.table_version import TableVersion


@dataclass(frozen=True)
class SharedFiles:
    """Content of the previous version that is kept because it was written again unchanged.

    `retained` maps the paths of files that stay to their bytes. `added` is the write without the superfluous files, and
    `unneeded` are the paths of those.
    """

    added: WrittenFiles
    retained: Mapping[str, int] = field(default_factory=dict)
    unneeded: Sequence[str] = ()

    @property
    def pieces(self) -> Mapping[str, str]:
        """The content of each file of the version, for a table of stored files."""
        return self.added.pieces


def shared_files(
    connection: duckdb.DuckDBPyConnection,
    root: str,
    delta: DeltaTable | None,
    before: TableVersion | None,
    written: WrittenFiles,
    partition_by: str | None,
) -> SharedFiles:
    """The files of the previous version whose content was written again.

    They are read and fingerprinted first: a missing or damaged file is replaced by the one just written, so that
    materializing a table again repairs it.

    Args:
        connection: reads the lake's files.
        root: the table's folder.
        delta: the present table, None if it was never written.
        before: its version.
        written: the files of a write that replaces the table or some of its partitions.
        partition_by: the column whose values are the partitions.
    """
    if delta is None or before is None:
        return SharedFiles(written)
    if (before.schema, before.partition_column) != (written.schema, partition_by):
        return SharedFiles(written)
    active = active_files(delta, partition_by)
    pairs = (
        _same_pieces(before, written)
        if written.pieces
        else _same_partitions(before, written, active, partition_by)
    )
    sizes = {path: size for path, size, _ in active}
    retained: dict[str, int] = {}
    unneeded: list[str] = []
    pieces = dict(written.pieces)
    for content, old, new in pairs:
        if not old <= sizes.keys() or _content(connection, root, old, before) != content:
            continue
        retained |= {path: sizes[path] for path in old}
        unneeded += new
        if pieces:
            pieces |= dict.fromkeys(old, content)
            pieces = {path: held for path, held in pieces.items() if path not in new}
    adds = [add for add in written.adds if add.path not in unneeded]
    sizes_added: dict[str, int] = {}
    for add in adds:
        key = add.partition_values.get(partition_by) if partition_by else ""
        sizes_added[str(key)] = sizes_added.get(str(key), 0) + add.size
    added = replace(written, adds=adds, sizes=sizes_added, pieces=pieces)
    return SharedFiles(added, retained, unneeded)


_Pair = tuple[str, set[str], list[str]]
"""A content, the previous version's files with it, and the newly written files with it."""


def _same_pieces(before: TableVersion, written: WrittenFiles) -> list[_Pair]:
    held = {content: path for path, content in before.pieces.items()}
    return [(content, {held[content]}, [path]) for path, content in written.pieces.items() if content in held]


def _same_partitions(
    before: TableVersion,
    written: WrittenFiles,
    active: Sequence[tuple[str, int, str]],
    partition_by: str | None,
) -> list[_Pair]:
    pairs: list[_Pair] = []
    for key, content in written.contents.items():
        if partition_by is None:
            same = before.content == content
        else:
            same = key in before.partitions and before.partitions[key].fingerprint == content
        old = {path for path, _, partition in active if partition == key}
        new = [
            add.path
            for add in written.adds
            if partition_by is None or add.partition_values.get(partition_by) == key
        ]
        if same and old and new:
            pairs.append((content, old, new))
    return pairs


def _content(
    connection: duckdb.DuckDBPyConnection, root: str, paths: set[str], version: TableVersion
) -> str | None:
    """Current content of some files of one partition; None if they cannot be read."""
    try:
        if version.pieces:
            return next(iter(piece_contents(connection, root, sorted(paths), version.schema).values()))
        found = file_contents(connection, root, sorted(paths), version.schema, version.partition_column)
    except (duckdb.Error, OSError):  # missing or damaged: the write at hand mends the table
        return None
    return next(iter(found.values())) if len(found) == 1 else None
