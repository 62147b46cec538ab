"""Read: a table version, or a file, that code actually read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recsys_lineage.records.parts.record_part import Columns, RecordPart

Purpose = Literal["input", "check", "previous"]
"""Purpose of a read: for the output, for a check of it, or of the asset's own previous version."""


@dataclass(frozen=True, slots=True)  # a source may have many files
class Read(RecordPart):
    """A table version, or a file, that code actually read.

    Attributes:
        kind: table or file.
        name: the table's name, or the file's path below `root`.
        fingerprint: of the table version; a file's sha256.
        purpose: why it was read.
        version: the table version; None for a file.
        schema: columns and types, of the whole version or of the file.
        columns: names of those that were read; None when all were, or when nothing tells them apart.
        partitions: those that were read; None when all were.
        rows: in what was read; None where it is not known.
        bytes: of what was read, as it is stored: of those columns in those partitions.
        hashed_by: the algorithm and engine of the fingerprint; None for a file, and where it is not known.
        root: for a file, the folder or URL that its path starts from.
    """

    kind: Literal["table", "file"]
    name: str
    fingerprint: str
    purpose: Purpose = "input"
    version: int | None = None
    schema: Columns = ()
    columns: tuple[str, ...] | None = None
    partitions: tuple[str, ...] | None = None
    rows: int | None = None
    bytes: int | None = None
    hashed_by: str | None = None
    root: str | None = None
