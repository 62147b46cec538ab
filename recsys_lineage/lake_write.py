"""What the next version of a table will be, given the files just written and the version before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from recsys_lineage.errors import LineageError, SchemaMismatch
from recsys_lineage.fingerprint import EMPTY, add_contents, table_fingerprint
from recsys_lineage.table_files import WrittenFiles
from recsys_lineage.table_version import PartitionVersion, TableVersion


def next_version(
    table: str,
    write_id: str,
    written: WrittenFiles,
    *,
    partition_by: str | None,
    partitions: Sequence[str] | None,
    append: bool,
    before: TableVersion | None,
    kept_bytes: Sequence[int] = (),
) -> TableVersion:
    """The TableVersion that committing `written` makes; `kept_bytes` are the sizes of older files that stay.

    Raises:
        SchemaMismatch: when part of a table is written with other columns than the rest has.
        LineageError: when rows fall outside the partitions that were to be written.
    """
    number = 0 if before is None else before.version + 1
    partial = append or partitions is not None
    if before is not None and partial and before.schema != written.schema:
        raise SchemaMismatch(
            f"These rows do not fit table {table!r}.",
            expected=", ".join(f"{column.name} {column.type}" for column in before.schema),
            found=", ".join(f"{column.name} {column.type}" for column in written.schema),
            where=table,
            advice="materialize all partitions of this table, so that all carry the new columns",
        )
    keys = set(written.contents) if partition_by else set()
    if partitions is not None and (outside := sorted(keys - set(partitions))):
        raise LineageError(
            f"The query returned rows of partitions that were not asked for: {', '.join(outside[:5])}.",
            expected=", ".join(list(partitions)[:5]),
            where=table,
        )
    if partition_by:
        kept = dict(before.partitions) if before is not None and partitions is not None else {}
        for key in sorted(keys | set(partitions or ())):
            content = written.contents.get(key, EMPTY)
            old = kept.get(key)
            unchanged = old is not None and old.fingerprint == content
            kept[key] = (
                old if unchanged and old is not None
                else PartitionVersion(int(content.split(":")[0]), content, number)
            )  # fmt: skip
        parts, content = dict(sorted(kept.items())), add_contents(p.fingerprint for p in kept.values())
    else:
        parts = {}
        content = written.contents.get("", EMPTY)
        if append and before is not None:
            content = add_contents([before.content, content])
    return TableVersion(
        table=table,
        version=number,
        rows=int(content.split(":")[0]),
        bytes=written.bytes + sum(kept_bytes),
        files=len(written.adds) + len(kept_bytes),
        schema=written.schema,
        content=content,
        fingerprint=table_fingerprint(written.schema, content),
        committed=datetime.now(timezone.utc),
        write_id=write_id,
        partition_column=partition_by,
        partitions=parts,
    )
