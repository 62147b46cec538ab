"""Repeated headers: rows of a Parquet file that hold the names of its columns, as joined CSV files leave them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet

FAULT = "row is the header again"


def repeated_headers(path: Path) -> list[int]:
    """The numbers, from 0, of the rows whose every value is the name of its column, in any case and with blanks around.

    Such a row makes every column text, so only a file of text alone can have one. Only row groups whose first column
    may hold its name are read.
    """
    with pyarrow.parquet.ParquetFile(path) as file:
        first = file.schema_arrow.names[0]
        found: list[int] = []
        start = 0
        for group in range(file.num_row_groups):
            about = file.metadata.row_group(group)
            if _may_hold(about.column(0).statistics, first):
                found += [start + row for row in _of_group(file, group)]
            start += about.num_rows
        return found


def _of_group(file: pyarrow.parquet.ParquetFile, group: int) -> list[int]:
    alike = pl.Series([], dtype=pl.Boolean)
    for place, name in enumerate(file.schema_arrow.names):
        column = file.read_row_group(group, columns=[file.metadata.schema.column(place).path]).column(0)
        text = pl.Series(column.cast(pa.large_string())).str.strip_chars().str.to_lowercase()
        same = (text == name.strip().lower()).fill_null(False)
        alike = alike & same if place else same
        if not alike.any():
            return []
    return alike.arg_true().to_list()


def _may_hold(statistics: pyarrow.parquet.Statistics | None, name: str) -> bool:
    """Whether a column of a row group may hold its name, by its least and its largest value."""
    if statistics is None or not statistics.has_min_max:
        return True
    least, most = statistics.min, statistics.max
    if not (isinstance(least, str) and isinstance(most, str)):
        return True
    return any(least <= each <= most for each in (name, name.lower(), name.upper(), f" {name}"))
