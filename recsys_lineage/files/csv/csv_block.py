"""CsvBlock: some records of a CSV file, with the malformed ones."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class MalformedRow:
    """A record that is no row: the line on which it starts, its fault, and its original text or the start of it."""

    line: int
    fault: str
    row: str


@dataclass(frozen=True)
class CsvBlock:
    """Some records of a CSV file: text columns (NULL where empty) with `_line` (int64), and malformed rows.

    `repeated` are the header's duplicate names, ignoring case; their columns get numbers.
    """

    columns: tuple[str, ...]
    rows: pa.Table
    malformed: tuple[MalformedRow, ...] = ()
    repeated: tuple[str, ...] = ()
