"""The next version of a table, computed from the newly written files and the previous version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from recsys_lineage.errors import OutputRefused, SchemaMismatch
from recsys_lineage.lake.fingerprint import EMPTY, add_contents, table_fingerprint
from recsys_lineage.lake.parquet.table_files import WrittenFiles
from recsys_lineage.lake.versions.table_version import Column, PartitionVersion, TableVersion

_AND, _MIXED = " + ", " in version "


def next_version(
    table: str,
    write_id: str,
    written: WrittenFiles,
    *,
    partition_by: str | None,
    partitions: Sequence[str] | None,
    append: bool,
    before: TableVersion | None,
    committed: datetime,
    retained_bytes: Sequence[int] = (),
    pieces: Mapping[str, str] | None = None,
) -> TableVersion:
    """The TableVersion for a commit of `written`; `retained_bytes` are the sizes of older files that stay in addition
    to the added ones, `pieces` the contents of its files where these can be shared.

    Raises:
        SchemaMismatch: part of a table is written with columns or partitions that differ from the rest.
        OutputRefused: rows are outside the partitions to be written.
    """
    number = 0 if before is None else before.version + 1
    partial = append or partitions is not None
    same_shape = before is not None and (before.schema, before.partition_column) == (
        written.schema,
        partition_by,
    )
    if before is not None and partial and not same_shape:
        raise _misfit(before, _shape(written.schema, partition_by))
    keys = set(written.contents) if partition_by else set()
    if partitions is not None and (outside := sorted(keys - set(partitions))):
        raise OutputRefused(
            f"The query returned rows of partitions that were not requested: {', '.join(outside[:5])}.",
            expected=", ".join(list(partitions)[:5]),
            where=table,
        )
    parts: dict[str, PartitionVersion] = {}
    if partition_by:
        old = before.partitions if before is not None and same_shape else {}
        replaced = keys | set(partitions or ())
        new = {key: _partition(key, written, number, old.get(key), append) for key in replaced}
        parts = dict(sorted({**(old if partial else {}), **new}.items()))
        content = add_contents(part.fingerprint for part in parts.values())
    else:
        content = written.contents.get("", EMPTY)
        if append and before is not None:
            content = add_contents([before.content, content])
    appended = before if append else None
    return TableVersion(
        table=table,
        version=number,
        rows=int(content.split(":")[0]),
        bytes=written.bytes + sum(retained_bytes) + (appended.bytes if appended else 0),
        files=len(written.adds) + len(retained_bytes) + (appended.files if appended else 0),
        schema=written.schema,
        content=content,
        fingerprint=table_fingerprint(written.schema, content),
        committed=committed,
        write_id=write_id,
        partition_column=partition_by,
        partitions=parts,
        hashed_by=_hashed_by(written.hashed_by, before, number, is_partial=partial),
        columns_written=written.columns,
        pieces=pieces or {},
    )


def _misfit(before: TableVersion, found: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"These rows do not fit table {before.table!r}.",
        expected=_shape(before.schema, before.partition_column),
        found=found,
        where=before.table,
        advice="materialize all partitions of this table, so that all carry the new columns",
    )


def _partition(
    key: str, written: WrittenFiles, number: int, old: PartitionVersion | None, append: bool
) -> PartitionVersion:
    """The next version of one partition, which version `number` of the table replaces or appends to."""
    content = written.contents.get(key, EMPTY)
    size: int | None = written.sizes.get(key, 0)
    columns = written.column_sizes.get(key, (0,) * len(written.schema))
    if append and old is not None:
        content = add_contents([old.fingerprint, content])
        size = None if old.bytes is None else old.bytes + written.sizes.get(key, 0)
        columns = old.columns and tuple(map(sum, zip(old.columns, columns, strict=True)))
    same = old if old is not None and old.fingerprint == content else None
    if same is not None and not append and key not in written.sizes:
        size, columns = same.bytes, same.columns  # the previous files are shared
    return PartitionVersion(
        rows=int(content.split(":")[0]),
        fingerprint=content,
        version=number if same is None else same.version,
        bytes=size,
        written=number,
        columns=columns,
    )


def _hashed_by(by: str, before: TableVersion | None, number: int, *, is_partial: bool) -> str:
    """Name of what hashed a version; if it keeps parts hashed by others, all of them and its number, so that it equals
    no other."""
    if not is_partial or before is None or before.hashed_by in (None, by):
        return by
    engines = [*before.hashed_by.partition(_MIXED)[0].split(_AND), by]
    return f"{_AND.join(dict.fromkeys(engines))}{_MIXED}{number}"


def _shape(schema: Sequence[Column], partition_column: str | None) -> str:
    columns = ", ".join(f"{column.name} {column.type}" for column in schema)
    return f"{columns}, partitioned by {partition_column}" if partition_column else columns
