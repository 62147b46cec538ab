"""CsvBlock: some records of a CSV file, with those that are not valid rows."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class MalformedRow:
    """A record that is no row: the line on which it starts, what is wrong, and its text as it was, or its start."""

    line: int
    fault: str
    row: str


@dataclass(frozen=True)
class CsvBlock:
    """Some records of a CSV file: text columns (NULL where empty) with `_line` (int64), and those that are no rows.

    `repeated` are the header's names that it has more than once, in whatever case; their columns have numbers added.
    """

    columns: tuple[str, ...]
    rows: pa.Table
    malformed: tuple[MalformedRow, ...] = ()
    repeated: tuple[str, ...] = ()
