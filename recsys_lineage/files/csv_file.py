"""One CSV file read exactly: every record with the physical line on which it starts, every fault with its line.

A file is read in blocks of whole lines. A block in which every quoted field is closed on its own line and every
record has as many fields as the header is parsed by Arrow, and a record's line is then its place; any other block
goes through Python's csv module, record by record. Both ways give the same records (a property test holds them
together), so the choice is one of speed only.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from recsys_lineage.files.csv_dialect import CsvDialect
from recsys_lineage.files.fault import csv_fault
from recsys_lineage.files.utf8_stream import Utf8Stream

BLOCK_BYTES = 4 << 20
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


@dataclass
class CsvContent:
    """What a CSV file holds: text columns (NULL where empty) with `_line`, and the records that are no rows."""

    columns: tuple[str, ...]
    batches: list[pa.Table] = field(default_factory=list)
    malformed: list[MalformedRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Well-formed records."""
        return sum(batch.num_rows for batch in self.batches)

    def table(self) -> pa.Table:
        """All well-formed records as one table of text columns and `_line` (int64)."""
        schema = pa.schema([*((name, pa.string()) for name in self.columns), ("_line", pa.int64())])
        return pa.concat_tables([schema.empty_table(), *self.batches])


def read_csv_file(
    path: Path, name: str, dialect: CsvDialect, *, block_bytes: int = BLOCK_BYTES
) -> CsvContent:
    """Reads one CSV file, plain or gzip.

    Args:
        path: where the file is.
        name: how messages name it.
        dialect: how it is written.
        block_bytes: how much is parsed at a time.

    Raises:
        FileFault: the file is empty, is no text, is truncated or damaged, or is in another encoding.
        OSError: the file cannot be opened.
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
            return _Reader(name, dialect, block_bytes).read(Utf8Stream(stream, name, dialect.encoding))
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
        self.content: CsvContent | None = CsvContent(dialect.names) if dialect.names else None
        self.line = 1
        self.bad_lines = 0
        self.clean_line = _clean_line(dialect)

    def read(self, stream: Utf8Stream) -> CsvContent:
        """All blocks of the stream."""
        rest = b""
        more = True
        while more:
            read = stream.read(self.block_bytes)
            more = bool(read)
            block = rest + read
            cut = block.rfind(b"\n") + 1 if more else len(block)
            block, rest = block[:cut], block[cut:]
            if self.content is None and block:
                block = self._header(block)
            if self.content is not None and block:
                rest = self._block(self.content, block, more=more) + rest
        if self.content is None:
            raise csv_fault(
                self.name, "only blank lines", "Deliver it again; a day without rows is its header only."
            )
        if self.bad_lines > max(1, UNREADABLE_SHARE * self.line):
            raise csv_fault(
                self.name,
                f"{self.bad_lines} of {self.line - 1} lines that are no UTF-8 text",
                ENCODING_ADVICE,
            )
        return self.content

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
            self.content = CsvContent(tuple(columns))
        return b"".join(raw[reader.line_num :])

    def _block(self, content: CsvContent, block: bytes, *, more: bool) -> bytes:
        """Takes the records of a block of whole lines; returns what belongs to a record that goes on after it."""
        parsed = self._fast(content, block)
        if parsed is None:
            return self._exact(content, block, more=more)
        content.batches.append(parsed)
        self.line += parsed.num_rows
        return b""

    def _fast(self, content: CsvContent, block: bytes) -> pa.Table | None:
        """The block parsed by Arrow, or None where a record might not be exactly one line."""
        if b"\r" in block:
            if block.count(b"\r") != block.count(b"\r\n"):
                return None
            block = block.replace(b"\r\n", b"\n")
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if b"\0" in block or block.startswith(b"\n") or b"\n\n" in block or not _is_utf8(block):
            return None
        if len(block) > LONGEST_FIELD and max(map(len, block.split(b"\n"))) > LONGEST_FIELD:
            return None
        if not self.dialect.delimiter.isascii() or not self._quotes_close_on_their_lines(block):
            return None
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(block),
                pyarrow.csv.ReadOptions(
                    column_names=list(content.columns), use_threads=False, block_size=len(block) + 1
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=self.dialect.delimiter, quote_char=self.dialect.quote or False
                ),
                pyarrow.csv.ConvertOptions(
                    column_types={name: pa.string() for name in content.columns},
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

    def _exact(self, content: CsvContent, block: bytes, *, more: bool) -> bytes:
        """The block record by record, by Python's csv module."""
        raw = block.splitlines(keepends=True)
        lines = _Lines(raw)
        rows: list[list[str]] = []
        starts: list[int] = []
        at = 0
        while at < len(raw):
            at = self._records(content, lines, at, rows, starts)
            if lines.exhausted and more:
                break
            if lines.exhausted and at < len(raw):
                content.malformed.append(
                    MalformedRow(self.line + at, "a quote is opened and never closed", lines.text(at, at + 1))
                )
                at += 1
        if rows:
            arrays = [
                pa.array([value or None for value in column], pa.string())
                for column in zip(*rows, strict=True)
            ]
            table = pa.table([*arrays, pa.array(starts, pa.int64())], names=[*content.columns, "_line"])
            content.batches.append(table)
        self.bad_lines += sum(place < at for place in lines.faults)
        self.line += at
        return b"".join(raw[at:])

    def _records(
        self, content: CsvContent, lines: _Lines, at: int, rows: list[list[str]], starts: list[int]
    ) -> int:
        """Takes records from line `at` on, up to the first that cannot be parsed; returns the line to go on with.

        That is the line of an open record where `lines` became exhausted.
        """
        reader = csv.reader(lines.since(at), **_format(self.dialect))
        width = len(content.columns)
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
                    content.malformed.append(MalformedRow(self.line + begin, fault, lines.text(begin, end)))
                begin = end
            return begin
        except _BadLine as bad:
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
        content.malformed.append(MalformedRow(self.line + begin, fault, lines.text(begin, begin + 1)))
        return begin + 1


class _BadLine(Exception):
    """A line that holds no text was about to be parsed."""

    def __init__(self, place: int, fault: str) -> None:
        super().__init__(place, fault)
        self.place = place
        self.fault = fault


class _Lines:
    """The lines of a block as text; `faults` says what is wrong with those that are none."""

    def __init__(self, raw: list[bytes]) -> None:
        self.faults: dict[int, str] = {}
        self.exhausted = False
        joined = b"".join(raw)
        if b"\0" not in joined and _is_utf8(joined):
            self.texts = list(io.StringIO(joined.decode(), newline=""))
            return
        self.texts = []
        for place, line in enumerate(raw):
            try:
                self.texts.append(line.decode())
                if b"\0" in line:
                    self.faults[place] = "holds a NUL byte"
            except UnicodeDecodeError as error:
                self.texts.append(line.decode(errors="backslashreplace"))
                self.faults[place] = f"holds the byte 0x{line[error.start]:02x}, which is no UTF-8 text"

    def since(self, at: int) -> Iterator[str]:
        """The lines from `at` on; sets `exhausted` when a line after the last is asked for."""
        self.exhausted = False
        for place in range(at, len(self.texts)):
            if place in self.faults:
                raise _BadLine(place, self.faults[place])
            yield self.texts[place]
        self.exhausted = True

    def text(self, begin: int, end: int) -> str:
        """Lines as they were, without the last line's end; NUL bytes are written as \\0."""
        return "".join(self.texts[begin:end]).rstrip("\r\n").replace("\0", "\\0")


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


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
