"""TableVersion: one committed version of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TABLE_FILE = r"part-[0-9a-f]{16}-\d+\.parquet"
"""Pattern of the names of tables' files: each has the id of its write, and is never written again."""


@dataclass(frozen=True)
class Column:
    """One column: its name and its DuckDB type, nested types written out (`STRUCT(a INTEGER)[]`)."""

    name: str
    type: str


@dataclass(frozen=True)
class ColumnStatistics:
    """Counts of the Parquet writer for one column: stored bytes, NULLs, and other values; never a value itself.

    `distinct` is None where the writer does not count it (`distinct_counts.py`).
    """

    bytes: int
    nulls: int | None = None
    distinct: int | None = None

    def to_json(self) -> list[int | None]:
        """A JSON array of the fields."""
        return [self.bytes, self.nulls, *([] if self.distinct is None else [self.distinct])]


@dataclass(frozen=True)
class PartitionVersion:
    """Content of one partition.

    `version` is the table version that last changed its content, `written` the one that last wrote it, which is later
    if the content was equal. `columns` are the stored bytes of each column, in the table's order. `bytes` and `columns`
    are None in versions written before they were recorded.
    """

    rows: int
    fingerprint: str
    version: int
    bytes: int | None = None
    written: int | None = None
    columns: tuple[int, ...] | None = None

    def to_json(self) -> list[Any]:
        """A JSON array from which `from_json` restores the PartitionVersion."""
        columns = [] if self.columns is None else [list(self.columns)]
        return [self.rows, self.fingerprint, self.version, self.bytes, self.written, *columns]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> PartitionVersion:
        """The PartitionVersion in the form of `to_json`."""
        return cls(*data[:5], *(tuple(columns) for columns in data[5:]))


@dataclass(frozen=True)
class TableVersion:
    """One committed version of one table.

    `fingerprint` hashes schema and content; it depends neither on the order of the rows nor on the layout of the files.
    `content` is the part without the schema, "rows:hash sum". `partitions` is empty for a table that is not
    partitioned. `hashed_by` names the algorithm and the engine of the fingerprints; those of different ones cannot be
    compared. `columns_written` has the Parquet writer's counts for the files of this write. `pieces` maps each Parquet
    file of a table of stored files to that file's content, so that the next version can share it; it is empty for other
    tables.
    """

    table: str
    version: int
    rows: int
    bytes: int
    files: int
    schema: tuple[Column, ...]
    content: str
    fingerprint: str
    committed: datetime
    write_id: str
    partition_column: str | None = None
    partitions: Mapping[str, PartitionVersion] = field(default_factory=dict)
    hashed_by: str | None = None
    columns_written: Mapping[str, ColumnStatistics] = field(default_factory=dict)
    pieces: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Column names, in order."""
        return [column.name for column in self.schema]

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `from_json` restores the TableVersion."""
        return {
            "table": self.table,
            "version": self.version,
            "rows": self.rows,
            "bytes": self.bytes,
            "files": self.files,
            "schema": [[column.name, column.type] for column in self.schema],
            "content": self.content,
            "fingerprint": self.fingerprint,
            "committed": self.committed.isoformat(),
            "write_id": self.write_id,
            "partition_column": self.partition_column,
            "partitions": {key: part.to_json() for key, part in self.partitions.items()},
            "hashed_by": self.hashed_by,
            "columns_written": {name: c.to_json() for name, c in self.columns_written.items()},
            **({"pieces": dict(self.pieces)} if self.pieces else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableVersion:
        """The TableVersion in the form of `to_json`."""
        return cls(
            table=data["table"],
            version=data["version"],
            rows=data["rows"],
            bytes=data["bytes"],
            files=data["files"],
            schema=tuple(Column(name, type_) for name, type_ in data["schema"]),
            content=data["content"],
            fingerprint=data["fingerprint"],
            committed=datetime.fromisoformat(data["committed"]),
            write_id=data["write_id"],
            partition_column=data["partition_column"],
            partitions={key: PartitionVersion.from_json(value) for key, value in data["partitions"].items()},
            hashed_by=data.get("hashed_by"),
            columns_written={
                name: ColumnStatistics(*value) for name, value in data.get("columns_written", {}).items()
            },
            pieces=data.get("pieces", {}),
        )
