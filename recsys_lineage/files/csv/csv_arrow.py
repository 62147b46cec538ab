"""CSV blocks parsed by Arrow, where the result is certain to equal the exact parser's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import pyarrow as pa
import pyarrow.csv

from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_lines import is_utf8
from recsys_lineage.files.csv.header_row import CsvHeader


def parsed_by_arrow(
    block: bytes, columns: Sequence[str], header: CsvHeader, dialect: CsvDialect
) -> pa.Table | None:
    """The block's rows as text columns, or None where a record might not be exactly one line, or no row.

    Args:
        block: whole lines.
        columns: the names of the fields.
        header: the file's header; its repetitions are no rows.
        dialect: the file's dialect.
    """
    if b"\r" in block:
        if block.count(b"\r") != block.count(b"\r\n"):
            return None
        block = block.replace(b"\r\n", b"\n")
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    if b"\0" in block or block.startswith(b"\n") or b"\n\n" in block or not is_utf8(block):
        return None
    if not dialect.delimiter.isascii() or (dialect.escape and dialect.escape.encode() in block):
        return None
    if not _quotes_close_on_their_lines(block, dialect) or header.may_be_in(block):
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            pyarrow.csv.ReadOptions(column_names=list(columns), use_threads=False, block_size=len(block) + 1),
            pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, quote_char=dialect.quote or False),
            pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                null_values=["", *dialect.nulls],
                strings_can_be_null=True,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == lines else None


def _quotes_close_on_their_lines(block: bytes, dialect: CsvDialect) -> bool:
    quote = dialect.quote.encode()
    at = block.find(quote) if quote else -1
    clean = _clean_line(quote, dialect.delimiter.encode())
    while at >= 0:
        start = block.rfind(b"\n", 0, at) + 1
        end = block.find(b"\n", at)
        end = len(block) if end < 0 else end
        if not clean.fullmatch(block, start, end):
            return False
        at = block.find(quote, end)
    return True


@cache
def _clean_line(quote: bytes, delimiter: bytes) -> re.Pattern[bytes]:
    """Pattern for a line in which every quoted field reaches from delimiter to delimiter."""
    q, d = re.escape(quote), re.escape(delimiter)
    bare = b"[^" + q + d + b"\n]*"
    quoted = q + b"[^" + q + b"\n]*(?:" + q + q + b"[^" + q + b"\n]*)*" + q
    one = b"(?:" + bare + b"|" + quoted + b")" if quote else bare
    return re.compile(one + b"(?:" + d + one + b")*")
