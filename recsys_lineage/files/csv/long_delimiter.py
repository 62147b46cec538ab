"""Delimiters of several characters, such as `::` and `||`: one character stands for them while records are parsed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pyarrow as pa

from recsys_lineage.files.csv.csv_block import CsvBlock
from recsys_lineage.files.fault import csv_fault

MARK = "\x1f"
"""The unit separator of ASCII, which no text of a shop has."""


def shortened(blocks: Iterator[bytes], name: str, delimiter: str) -> Iterator[bytes]:
    """Blocks of whole lines with the mark for each delimiter.

    Raises:
        FileFault: the file has the mark itself.
    """
    for block in blocks:
        if MARK.encode() in block:
            found = f"the character U+{ord(MARK):04X} in a file whose delimiter is {delimiter!r}"
            raise csv_fault(
                name, found, "Take it out, or deliver the file with a delimiter of one character."
            )
        yield block.replace(delimiter.encode(), MARK.encode())


def restored(blocks: Iterator[CsvBlock], delimiter: str) -> Iterator[CsvBlock]:
    """Blocks of records with the delimiter for each mark that is left: in quoted fields and malformed rows."""
    for block in blocks:
        malformed = tuple(
            replace(row, fault=row.fault.replace(MARK, delimiter), row=row.row.replace(MARK, delimiter))
            for row in block.malformed
        )
        columns = tuple(column.replace(MARK, delimiter) for column in block.columns)
        rows = block.rows.rename_columns([*columns, *block.rows.column_names[len(columns) :]])
        for place, name in enumerate(columns):
            values = pl.Series(values=rows.column(place))
            if values.str.contains(MARK, literal=True).any():
                text = values.str.replace_all(MARK, delimiter, literal=True).to_arrow()
                rows = rows.set_column(place, name, text.cast(pa.string()))
        yield CsvBlock(columns, rows, malformed, block.repeated)
