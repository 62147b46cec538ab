"""Read: a table version, or a file, that code actually read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from recsys_lineage.records.parts.record_part import Columns, RecordPart

Purpose = Literal["input", "check", "previous"]
"""Purpose of a read: for the output, for a check of it, or of the asset's own previous version."""


@dataclass(frozen=True, slots=True)  # a source may have many files
class Read(RecordPart):
    """A table version or a file that code really read.

    Attributes:
        kind: table or file.
        name: the table's name, or the file's path below `root`.
        fingerprint: the fingerprint of the table version, or a file's sha256.
        purpose: the purpose of the read.
        version: the table version; None for a file.
        schema: columns and types of the whole version or of the file.
        columns: the names of those that were read; None when all were, or when they are unknown. They are an upper
            bound for a DuckDB relation that the code was given, and for a LazyFrame whose plan was not seen to run.
        partitions: those that the code named; None for all, of which a condition may have left some out. A new one
            could meet the condition, so the result depends on all.
        rows: the number of rows in those partitions, an upper bound of the rows read; None where it is unknown.
        bytes: the stored size of those columns in those partitions, an upper bound likewise.
        hashed_by: the algorithm and engine of the fingerprint; None for a file, and where it is unknown.
        root: for a file, the folder or URL to which its path is relative.
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


def needs_files(read: Mapping[str, Any]) -> bool:
    """Whether reproducing a version needs the files of a read (its JSON object): those of a table, unless only a check
    read it, or the record of the previous version sufficed."""
    if read["kind"] != "table" or read.get("version") is None or read.get("purpose") == "check":
        return False
    return read.get("columns") != [] or read.get("purpose") != "previous"
