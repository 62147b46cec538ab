"""One CSV file read exactly: every record with the physical line on which it starts, every fault with its line.

A file is read in blocks of whole lines, and never as a whole. Arrow parses a block if every quoted field is closed on
its own line and every record has as many fields as the header; a record's line is then its index. Python's csv module
parses any other block, record by record. Records that it cannot parse, such as those with a field of many thousand
characters, are parsed line by line (`csv_record.py`). All three give the same records (a property test proves it), so
the choice affects only speed and memory.

No row starts on a line at which a quote is open, by the rules of CSV from the top of the file. If a quote is never
closed, or more text follows the closing quote, all its lines are one malformed record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from recsys_lineage.files.csv.csv_block import CsvBlock as CsvBlock
from recsys_lineage.files.csv.csv_block import MalformedRow as MalformedRow
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_reader import CsvReader
from recsys_lineage.files.csv.long_delimiter import MARK, restored
from recsys_lineage.files.csv.mixed_encoding import lines_in_two_encodings
from recsys_lineage.files.csv.other_format import other_format
from recsys_lineage.files.csv.utf8_stream import Utf8Stream
from recsys_lineage.files.fault import changed_fault, csv_fault
from recsys_lineage.files.source_bytes import source_bytes

BLOCK_BYTES = 4 << 20


def csv_blocks(
    path: Path, name: str, dialect: CsvDialect, *, sha256: str = "", block_bytes: int = BLOCK_BYTES
) -> Iterator[CsvBlock]:
    """Read one CSV file, plain or gzip, block by block; the first block has no records, only the columns.

    Args:
        path: the file's path.
        name: its name in messages.
        dialect: its dialect.
        sha256: the expected hash of its content; empty for any content.
        block_bytes: the number of bytes parsed at a time.

    Raises:
        FileFault: the file is empty although it should have a header, is no text, is truncated or damaged, is in
            another encoding, or has unexpected content, which may show only at its end.
        OSError: the file cannot be read.
    """
    with source_bytes(path, name) as content:
        if not content.start and not dialect.names:
            raise csv_fault(
                name, "an empty file (0 bytes)", "Deliver it again; a day without rows is its header only."
            )
        in_two_encodings = partial(lines_in_two_encodings, path, name)
        text = Utf8Stream(content, name, dialect.encoding, in_two_encodings)
        if other := other_format(text.start, dialect.encoding):
            found = f"{other.what} inside a gzip file" if content.is_gzip else other.what
            raise csv_fault(name, found, other.advice)
        if (delimiter := dialect.delimiter)[1:]:
            dialect = replace(dialect, delimiter=MARK)
        blocks = CsvReader(name, dialect, block_bytes, in_two_encodings, delimiter).blocks(text)
        yield from restored(blocks, delimiter) if delimiter[1:] else blocks
        if sha256 and content.sha256() != sha256:
            raise changed_fault(name)
