"""SeenPart: the part of a table version that an asset was seen to read for one purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.parts.read import Purpose, Read


@dataclass
class SeenPart:
    """Partitions and columns of a table; None means all of them.

    `is_planned` is false while it was given as a LazyFrame of which no plan has run yet.
    """

    partitions: set[str] | None = field(default_factory=set)
    columns: set[str] | None = field(default_factory=set)
    is_planned: bool = True

    def add(self, partitions: Iterable[str] | None, columns: Iterable[str] | None) -> None:
        """Add partitions and columns; None for all."""
        if partitions is None or self.partitions is None:
            self.partitions = None
        else:
            self.partitions.update(partitions)
        if columns is None or self.columns is None:
            self.columns = None
        else:
            self.columns.update(columns)

    def add_planned(self, columns: Iterable[str] | None) -> None:
        """Add the columns that the plan of a LazyFrame reads."""
        self.is_planned = True
        self.add((), columns)

    def read(self, version: TableVersion, purpose: Purpose) -> Read:
        """The Read of this part of a version."""
        known = self.columns if self.is_planned else None
        columns = None if known is None else tuple(c for c in version.columns if c in known)
        is_all = self.partitions is None or version.partition_column is None
        partitions = None if is_all else tuple(sorted(self.partitions or ()))
        held = version.partitions
        rows = version.rows if partitions is None else sum(held[p].rows for p in partitions if p in held)
        return Read(
            kind="table",
            name=version.table,
            fingerprint=version.fingerprint,
            purpose=purpose,
            version=version.version,
            schema=version.schema,
            columns=columns,
            partitions=partitions,
            rows=rows,
            bytes=_bytes_read(version, partitions, columns),
            hashed_by=version.hashed_by,
        )


def _bytes_read(
    version: TableVersion, partitions: tuple[str, ...] | None, columns: tuple[str, ...] | None
) -> int:
    """Stored bytes of some columns in some partitions of a version; an upper bound for old versions without column
    sizes."""
    if version.partition_column is None:
        counted = version.columns_written
        if columns is None or not counted:
            return version.bytes
        return min(version.bytes, sum(counted[name].bytes for name in columns if name in counted))
    keys = version.partitions if partitions is None else partitions
    held = [version.partitions[key] for key in keys if key in version.partitions]
    wanted = [place for place, name in enumerate(version.columns) if columns is None or name in columns]
    found = 0
    for part in held:
        if columns is None or part.columns is None:
            if part.bytes is None:
                return version.bytes
            found += part.bytes
        else:
            found += sum(part.columns[place] for place in wanted)
    return found
