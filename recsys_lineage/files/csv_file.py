"""One CSV file read exactly: every record with the physical line on which it starts, every fault with its line.

A file is read in blocks of whole lines, and never held. A block in which every quoted field is closed on its own line
and every record has as many fields as the header is parsed by Arrow, and a record's line is then its place; any other
block goes through Python's csv module, record by record. Both ways give the same records (a property test holds them
together), so the choice is one of speed and memory only.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from recsys_lineage.files.csv_dialect import CsvDialect
from recsys_lineage.files.csv_lines import BadLine, Lines, is_utf8
from recsys_lineage.files.fault import csv_fault
from recsys_lineage.files.utf8_stream import Utf8Stream

BLOCK_BYTES = 4 << 20
EXACT_BYTES = 256 << 10
"""What Python's csv module is given at a time: short records take fifty times their bytes as Python's texts."""
LONGEST_LINE = 32 << 20
"""Bytes of a line; only a file that is no CSV has one of more."""
LONGEST_FIELD = csv.field_size_limit()
"""Characters (131,072 unless the process set another limit); a quote that is never closed is found by it."""
UNREADABLE_SHARE = 0.01
"""A file in which several lines and more than this share cannot be decoded is refused; fewer are their rows' faults."""
ENCODING_ADVICE = "Name its encoding in the source's SQL, as in read_csv('…', encoding = 'latin-1')."


@dataclass(frozen=True)
class MalformedRow:
    """A record that is no row: the line on which it starts, what is wrong, and its text as it was."""

    line: int
    fault: str
    row: str


@dataclass(frozen=True)
class CsvBlock:
    """Some records of a CSV file: text columns (NULL where empty) with `_line` (int64), and those that are no rows."""

    columns: tuple[str, ...]
    rows: pa.Table
    malformed: tuple[MalformedRow, ...] = ()


def csv_blocks(
    path: Path, name: str, dialect: CsvDialect, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[CsvBlock]:
    """Reads one CSV file, plain or gzip, block by block; the first block has no records, only the columns.

    Args:
        path: where the file is.
        name: how messages name it.
        dialect: how it is written.
        block_bytes: how much is parsed at a time.

    Raises:
        FileFault: the file is empty, is no text, is truncated or damaged, or is in another encoding, which may show
            only at its end.
        OSError: the file cannot be read.
    """
    with path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if not magic:
            raise csv_fault(
                name, "an empty file (0 bytes)", "Deliver it again; a day without rows is its header only."
            )
        if magic in (b"PAR1", b"PK\x03\x04"):
            kind = "a Parquet file" if magic == b"PAR1" else "a ZIP archive"
            raise csv_fault(name, kind, "Read it with read_parquet, or deliver CSV.")
        stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if magic[:2] == b"\x1f\x8b" else raw
        try:
            yield from _Reader(name, dialect, block_bytes).blocks(Utf8Stream(stream, name, dialect.encoding))
        except EOFError:
            raise csv_fault(
                name, "a gzip file that ends too early (truncated)", "Deliver it again."
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise csv_fault(name, f"a damaged gzip file ({error})", "Deliver it again.") from None


class _Reader:
    """The state of one file's reading: what was read so far and on which line the next block starts."""

    def __init__(self, name: str, dialect: CsvDialect, block_bytes: int) -> None:
        self.name = name
        self.dialect = dialect
        self.block_bytes = block_bytes
        self.columns = dialect.names
        self.line = 1
        self.bad_lines = 0
        self.clean_line = _clean_line(dialect)

    def blocks(self, stream: Utf8Stream) -> Iterator[CsvBlock]:
        """All blocks of the stream."""
        if self.columns:
            yield self._block_of([], [])
        rest = b""
        more = True
        while more:
            read = stream.read(self.block_bytes)
            more = bool(read)
            block = rest + read
            # A carriage return at the very end may be half of a line's end
            ends = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1))
            cut = ends + 1 if more else len(block)
            block, rest = block[:cut], block[cut:]
            if len(rest) > LONGEST_LINE:
                raise csv_fault(
                    self.name,
                    f"a line of more than {LONGEST_LINE >> 20} MiB, after line {self.line - 1}",
                    "Deliver it as CSV, each record on its own line.",
                )
            if not self.columns and block:
                block = self._header(block)
                if self.columns:
                    yield self._block_of([], [])
            if self.columns and block:
                left = yield from self._records_of(block, more=more)
                rest = left + rest
        if not self.columns:
            raise csv_fault(
                self.name, "only blank lines", "Deliver it again; a day without rows is its header only."
            )
        if self.bad_lines > max(1, UNREADABLE_SHARE * self.line):
            raise csv_fault(
                self.name,
                f"{self.bad_lines} of {self.line - 1} lines that are no UTF-8 text",
                ENCODING_ADVICE,
            )

    def _header(self, block: bytes) -> bytes:
        """Takes the columns' names from the first record that is not blank; returns what follows it."""
        raw = block.splitlines(keepends=True)
        try:
            if b"\0" in raw[0]:
                advice = "If it is UTF-16, add encoding = 'utf-16-le' to its read_csv in the source's SQL."
                raise csv_fault(self.name, "a header with NUL bytes", advice)
            reader = csv.reader((line.decode() for line in raw), **_format(self.dialect))
            columns = next((row for row in reader if any(field.strip() for field in row)), None)
        except UnicodeDecodeError as error:
            raise csv_fault(
                self.name,
                f"a header that is no UTF-8 text (byte 0x{error.object[error.start]:02x})",
                ENCODING_ADVICE,
            ) from None
        except csv.Error as error:
            raise csv_fault(
                self.name, f"a header that is no CSV ({error})", "Mend the file's first line."
            ) from None
        self.line += reader.line_num
        if columns is not None:
            columns = [name or f"column_{place}" for place, name in enumerate(columns, start=1)]
            folded = [name.casefold() for name in columns]
            if twice := sorted({name for name in columns if folded.count(name.casefold()) > 1}):
                raise csv_fault(
                    self.name, f"a header that names {twice} more than once", "Rename one of the columns."
                )
            self.columns = tuple(columns)
        return b"".join(raw[reader.line_num :])

    def _records_of(self, block: bytes, *, more: bool) -> Generator[CsvBlock, None, bytes]:
        """The records of a block of whole lines; returns what belongs to a record that goes on after it."""
        parsed = self._fast(block)
        if parsed is not None:
            self.line += parsed.num_rows
            yield CsvBlock(self.columns, parsed)
            return b""
        if len(block) <= EXACT_BYTES:
            made, rest = self._exact(block, more=more)
            yield made
            return rest
        rest = b""
        at = 0
        while at < len(block):
            end = block.rfind(b"\n", at, at + EXACT_BYTES // 2) + 1 or block.find(b"\n", at) + 1 or len(block)
            part, at = rest + block[at:end], end
            made, rest = self._exact(part, more=more or end < len(block))
            yield made
        return rest

    def _block_of(
        self, rows: list[list[str]], starts: list[int], malformed: Sequence[MalformedRow] = ()
    ) -> CsvBlock:
        fields = list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        arrays = [pa.array([value or None for value in column], pa.string()) for column in fields]
        table = pa.table([*arrays, pa.array(starts, pa.int64())], names=[*self.columns, "_line"])
        return CsvBlock(self.columns, table, tuple(malformed))

    def _fast(self, block: bytes) -> pa.Table | None:
        """The block parsed by Arrow, or None where a record might not be exactly one line."""
        if b"\r" in block:
            if block.count(b"\r") != block.count(b"\r\n"):
                return None
            block = block.replace(b"\r\n", b"\n")
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if b"\0" in block or block.startswith(b"\n") or b"\n\n" in block or not is_utf8(block):
            return None
        if len(block) > LONGEST_FIELD and max(map(len, block.split(b"\n"))) > LONGEST_FIELD:
            return None
        if not self.dialect.delimiter.isascii() or not self._quotes_close_on_their_lines(block):
            return None
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(block),
                pyarrow.csv.ReadOptions(
                    column_names=list(self.columns), use_threads=False, block_size=len(block) + 1
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=self.dialect.delimiter, quote_char=self.dialect.quote or False
                ),
                pyarrow.csv.ConvertOptions(
                    column_types={name: pa.string() for name in self.columns},
                    null_values=[""],
                    strings_can_be_null=True,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows != lines:
            return None
        return table.append_column("_line", pa.array(np.arange(self.line, self.line + lines)))

    def _quotes_close_on_their_lines(self, block: bytes) -> bool:
        quote = self.dialect.quote.encode()
        at = block.find(quote) if quote else -1
        while at >= 0:
            start = block.rfind(b"\n", 0, at) + 1
            end = block.find(b"\n", at)
            end = len(block) if end < 0 else end
            if not self.clean_line.fullmatch(block, start, end):
                return False
            at = block.find(quote, end)
        return True

    def _exact(self, block: bytes, *, more: bool) -> tuple[CsvBlock, bytes]:
        """The block record by record, by Python's csv module, and the text of a record that goes on after it."""
        raw = block.splitlines(keepends=True)
        lines = Lines(raw)
        rows: list[list[str]] = []
        starts: list[int] = []
        malformed: list[MalformedRow] = []
        at = 0
        while at < len(raw):
            at = self._records(lines, at, rows, starts, malformed)
            if lines.exhausted and more:
                break
            if lines.exhausted and at < len(raw):
                malformed.append(
                    MalformedRow(self.line + at, "a quote is opened and never closed", lines.text(at, at + 1))
                )
                at += 1
        made = self._block_of(rows, starts, malformed)
        self.bad_lines += sum(place < at for place in lines.faults)
        self.line += at
        return made, b"".join(raw[at:])

    def _records(
        self,
        lines: Lines,
        at: int,
        rows: list[list[str]],
        starts: list[int],
        malformed: list[MalformedRow],
    ) -> int:
        """Takes records from line `at` on, up to the first that cannot be parsed; returns the line to go on with.

        That is the line of an open record where `lines` became exhausted.
        """
        reader = csv.reader(lines.since(at), **_format(self.dialect))
        width = len(self.columns)
        named = "its columns" if self.dialect.names else "the header"
        begin = at
        try:
            for row in reader:
                end = at + reader.line_num
                if len(row) == width:
                    rows.append(row)
                    starts.append(self.line + begin)
                elif row:
                    fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
                    fault = f"row has {fields} where {named} names {width}"
                    malformed.append(MalformedRow(self.line + begin, fault, lines.text(begin, end)))
                begin = end
            return begin
        except BadLine as bad:
            if bad.place > begin:
                fault = (
                    f"a quote is opened and not closed before line {self.line + bad.place}, which {bad.fault}"
                )
            else:
                fault = f"row {bad.fault}"
        except csv.Error as error:
            if lines.exhausted:
                return begin
            spans = reader.line_num - (begin - at)
            fault = f"row is no CSV: {error}" if spans == 1 else "a quote is opened and never closed"
        malformed.append(MalformedRow(self.line + begin, fault, lines.text(begin, begin + 1)))
        return begin + 1


def _format(dialect: CsvDialect) -> dict[str, Any]:
    return {
        "delimiter": dialect.delimiter,
        "quotechar": dialect.quote or None,
        "quoting": csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        "strict": True,
    }


def _clean_line(dialect: CsvDialect) -> re.Pattern[bytes]:
    """Matches a line whose quoted fields are quoted from delimiter to delimiter."""
    quote, delimiter = re.escape(dialect.quote.encode()), re.escape(dialect.delimiter.encode())
    bare = b"[^" + quote + delimiter + b"\n]*"
    quoted = quote + b"(?:[^" + quote + b"\n]|" + quote + quote + b")*" + quote
    one = b"(?:" + bare + b"|" + quoted + b")" if quote else bare
    return re.compile(one + b"(?:" + delimiter + one + b")*")
