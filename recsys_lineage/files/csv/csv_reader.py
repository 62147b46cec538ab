"""CsvReader: reads one CSV file block by block, each with the fastest parser that reads it exactly."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from recsys_lineage.files.csv.csv_arrow import parsed_by_arrow
from recsys_lineage.files.csv.csv_block import CsvBlock, MalformedRow
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_lines import NUL_BYTE, Lines, is_utf8
from recsys_lineage.files.csv.csv_record import LARGEST_TEXT, OpenRecord
from recsys_lineage.files.csv.header_row import AGAIN, CsvHeader
from recsys_lineage.files.csv.long_delimiter import shortened
from recsys_lineage.files.csv.mixed_encoding import mixed_fault
from recsys_lineage.files.csv.text_encoding import guessed_encoding
from recsys_lineage.files.csv.utf8_stream import Utf8Stream, wide_encoding
from recsys_lineage.files.fault import csv_fault
from recsys_lineage.spelling import folded

SHORT_BYTES = 8 << 10
"""Size in bytes of a block below which Arrow's parser is not worth its start."""
EXACT_BYTES = 256 << 10
"""Bytes that Python's csv module gets at a time; short records take fifty times their bytes as Python strings."""
LARGEST_RECORD = 64 << 20
"""The most bytes of a line, and characters of a record of several lines; only a file that is no CSV exceeds it."""
SWALLOWED_LINES = 1_000
"""Lines lost to a misplaced quote above which the whole file is refused; with fewer, only the row is."""
UNREADABLE_SHARE = 0.01
"""Share of undecodable lines above which a file with several of them is refused; with fewer, only their rows are."""
DOS_END = b"\x1a"
"""Byte that DOS programs write after the last character of a text; it belongs to no row."""
DOUBTFUL_BYTES = 16 << 10
"""Bytes of undecodable lines from which the encoding is guessed."""
NUL_ADVICE = "Deliver it as text, without bytes that are zero."
HEADER_ADVICE = (
    "Files of different columns were put together: deliver each by itself. If that line is a row, say in the source's "
    "SQL what the columns are called: header = false, skip = 1, names = ['…']."
)
QUOTE_ADVICE = (
    "Close or remove the quote there, or say in the source's SQL how quotes are written: quote = '' where nothing is "
    r"quoted, escape = '\' where \" stands for a quote."
)


@dataclass
class _Taken:
    """The records of a part of a file."""

    rows: list[list[str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    malformed: list[MalformedRow] = field(default_factory=list)


class CsvReader:
    """The state of one file's reading: the part read so far and the line number of the next block."""

    def __init__(
        self,
        name: str,
        dialect: CsvDialect,
        block_bytes: int,
        in_two_encodings: Callable[[], str],
        delimiter: str = "",
    ) -> None:
        self.long_delimiter = delimiter if len(delimiter) > 1 else ""
        self.name = name
        self.in_two_encodings = in_two_encodings
        self.dialect = dialect
        self.block_bytes = block_bytes
        self.columns = dialect.names
        self.header = CsvHeader(dialect.names, dialect, in_file=False)
        self.repeated: tuple[str, ...] = ()
        self.line = 1
        self.bad_lines = 0
        self.null_lines = 0
        self.doubtful = b""
        self.open: OpenRecord | None = None
        self.damage: str | None = None
        self.nulls = {"", *dialect.nulls}

    def blocks(self, stream: Utf8Stream) -> Iterator[CsvBlock]:
        """All blocks of the stream."""
        if self.columns:
            yield self._block_of(_Taken())
        to_skip, started = self.dialect.skip, False
        lines = self._whole_lines(stream)
        for block in shortened(lines, self.name, self.long_delimiter) if self.long_delimiter else lines:
            if not started and not to_skip:
                self.dialect, instruction = self.dialect.after_its_first_line(block)
                self.line += instruction > 0
                block = block[instruction:]
            started = True
            if to_skip:
                lines = block.splitlines(keepends=True)
                passed, block = len(lines[:to_skip]), b"".join(lines[to_skip:])
                to_skip, self.line = to_skip - passed, self.line + passed
            if not self.columns and block:
                block = self._header(block)
                if self.columns:
                    yield self._block_of(_Taken())
            if block:
                yield from self._records_of(block)
        yield from self._last()

    def _last(self) -> Iterator[CsvBlock]:
        """The rest at the file's end: the record whose quote is never closed, if any."""
        if not self.columns:
            found = f"no header after {self.dialect.skip} lines" if self.dialect.skip else "only blank lines"
            raise csv_fault(self.name, found, "Deliver it again; a day without rows is its header only.")
        if self.open is not None:
            taken = _Taken()
            self._close(taken, f"a quote is opened on line {self.open.opened} and never closed")
            yield self._block_of(taken)
        if self.bad_lines > max(1, UNREADABLE_SHARE * self.line):
            if self.null_lines == self.bad_lines:
                raise csv_fault(
                    self.name,
                    f"{self.bad_lines} of {self.line - 1} lines that hold NUL bytes",
                    "Take them out, as by tr -d '\\000', and deliver that.",
                )
            if parts := self.in_two_encodings():
                raise mixed_fault(self.name, parts)
            raise csv_fault(
                self.name,
                f"{self.bad_lines} of {self.line - 1} lines that are no UTF-8 text",
                guessed_encoding(self.doubtful).advice,
            )

    def _whole_lines(self, stream: Utf8Stream) -> Iterator[bytes]:
        """The stream in pieces that end with a line's end, or at the end of the stream."""
        pending: list[bytes] = []
        size = 0
        while read := stream.read(self.block_bytes):
            # A carriage return at the very end may be half of a line's end
            if b"\n" in read or b"\r" in read or (pending and pending[-1].endswith(b"\r")):
                block = b"".join([*pending, read])
                cut = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
                if cut:
                    yield block[:cut]
                pending = [block[cut:]]
                size = len(pending[0])
            else:
                pending.append(read)
                size += len(read)
            if size > LARGEST_RECORD:
                raise self._too_large(
                    f"a line of more than {LARGEST_RECORD >> 20} MiB, after line {self.line - 1}"
                )
        if rest := b"".join(pending).rstrip(DOS_END):
            yield rest

    def _too_large(self, found: str) -> Exception:
        return csv_fault(self.name, found, "Deliver it as CSV, each record on its own line.")

    def _header(self, block: bytes) -> bytes:
        """Take the columns' names from the first record that is not blank; returns the text after it."""
        raw = block.splitlines(keepends=True)
        for place, line in enumerate(raw):
            if b"\0" in line:
                wide = wide_encoding(line)
                advice = (
                    f"It is {wide[:6].upper()}: add encoding = '{wide}' to its read_csv in the source's SQL."
                )
                raise csv_fault(self.name, "a header with NUL bytes", advice if wide else NUL_ADVICE)
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise csv_fault(
                    self.name,
                    f"a header that is no UTF-8 text (byte 0x{error.object[error.start]:02x})",
                    guessed_encoding(block[:DOUBTFUL_BYTES]).advice,
                ) from None
            self.open = self.open or OpenRecord(self.dialect, self.line)
            self.line += 1
            if not self._ends(self.open, text):
                continue
            record, self.open = self.open, None
            if record.fault is not None:
                fault = record.fault.removeprefix("row is no CSV: ")
                raise csv_fault(
                    self.name, f"a header that is no CSV ({fault})", "Correct the file's first line."
                )
            if any(name.strip() for name in record.fields):
                self._name_columns(record.fields)
                return b"".join(raw[place + 1 :])
        return b""

    def _name_columns(self, header: list[str]) -> None:
        self.header = CsvHeader(header, self.dialect)
        # wherever a file was written, a line end within a name is one, for the source's SQL has to name it
        names = [
            name.replace("\r\n", "\n") or f"column_{place}" for place, name in enumerate(header, start=1)
        ]
        keys = [folded(name) for name in names]
        self.repeated = tuple(sorted({name for name in names if keys.count(folded(name)) > 1}))
        taken = set(keys)
        for place, name in enumerate(names):
            if keys[place] in keys[:place]:
                number = 1
                while f"{keys[place]}_{number}" in taken:
                    number += 1
                names[place] = f"{name}_{number}"
                taken.add(folded(names[place]))
        self.columns = tuple(names)

    def _records_of(self, block: bytes) -> Iterator[CsvBlock]:
        """The records of a block of complete lines; `open` keeps one that continues after it."""
        if self.open is None and len(block) >= SHORT_BYTES and (parsed := self._fast(block)) is not None:
            lines = np.arange(self.line, self.line + parsed.num_rows)
            self.line += parsed.num_rows
            yield CsvBlock(self.columns, parsed.append_column("_line", pa.array(lines)))
            return
        at = 0
        while at < len(block):
            end = (
                len(block) if len(block) - at <= EXACT_BYTES else _line_end(block, at, at + EXACT_BYTES // 2)
            )
            yield self._exact(block[at:end])
            at = end

    def _fast(self, block: bytes) -> pa.Table | None:
        """The block parsed by Arrow, or None where a record might not be exactly one line."""
        return parsed_by_arrow(block, self.columns, self.header, self.dialect)

    def _exact(self, part: bytes) -> CsvBlock:
        """Complete lines parsed record by record."""
        lines = Lines(part)
        taken = _Taken()
        at = 0
        if (
            self.open is not None
            and not lines.faults
            and self.open.swallows(text := lines.text(0, len(lines)))
        ):
            self._ends(self.open, text, len(lines))
            at = len(lines)
        while at < len(lines):
            if self.open is None:
                at = self._by_module(lines, at, taken)
                if at == len(lines):
                    break
                self.open, self.damage = OpenRecord(self.dialect, self.line + at), None
            if at in lines.faults and self.damage is None:
                more = f", on line {self.line + at}" if self.line + at != self.open.line else ""
                self.damage = f"row holds {lines.faults[at]}{more}"
            if self._ends(self.open, lines.texts[at]):
                self._close(taken, self.open.fault)
            at += 1
        if lines.faults and len(self.doubtful) < DOUBTFUL_BYTES:
            self.doubtful += b"".join(line for line in part.splitlines(keepends=True) if not is_utf8(line))
        self.bad_lines += len(lines.faults)
        self.null_lines += sum(fault == NUL_BYTE for fault in lines.faults.values())
        self.line += len(lines)
        return self._block_of(taken)

    def _ends(self, record: OpenRecord, text: str, lines: int = 1) -> bool:
        """Whether a record ends with a line that it contains."""
        ends = record.take(text, lines)
        if record.characters > LARGEST_RECORD:
            opened = f", in which a quote is opened on line {record.opened}" if not ends else ""
            raise self._too_large(
                f"a record of more than {LARGEST_RECORD >> 20} MiB from line {record.line} on{opened}"
            )
        return ends

    def _close(self, taken: _Taken, fault: str | None) -> None:
        """Finish the open record, which has ended, or at whose fault the file has."""
        record, self.open = self.open, None
        assert record is not None, "it was opened"
        last = record.line + record.lines - 1
        if fault is not None:
            if record.lines > SWALLOWED_LINES:
                found = f"{fault}, so that lines {record.line} to {last} are one record"
                raise csv_fault(self.name, found, QUOTE_ADVICE)
            spans = f"; lines {record.line} to {last} are one record" if record.lines > 1 else ""
            fault = f"{fault}{spans}"
        elif record.fields == [""] and record.lines == 1 and not record.text().rstrip("\r\n"):
            return
        self._take(taken, record.line, record.fields, self.damage or fault, record.text)

    def _by_module(self, lines: Lines, at: int, taken: _Taken) -> int:
        """Parse records from line `at` on by Python's csv module; returns the line of the first that it cannot
        parse."""
        if self.dialect.escape and any(self.dialect.escape in text for text in lines.texts):
            return at  # it would take the escape from whatever it stands before
        reader = csv.reader(lines.since(at), **_format(self.dialect))
        begin = at
        try:
            for row in reader:
                end = at + reader.line_num
                damage = None
                if (
                    lines.faults
                    and (bad := next((n for n in range(begin, end) if n in lines.faults), None)) is not None
                ):
                    more = f", on line {self.line + bad}" if bad > begin else ""
                    damage = f"row holds {lines.faults[bad]}{more}"
                self._take(taken, self.line + begin, row, damage, lambda: lines.text(begin, end))  # noqa: B023
                begin = end
        except csv.Error:
            pass  # the line by line parser reports it
        return begin

    def _take(
        self, taken: _Taken, line: int, fields: list[str], fault: str | None, text: Callable[[], str]
    ) -> None:
        """Add a record, as a row or as a malformed one."""
        width = len(self.columns)
        if fault is None and fields and (header := self.header.found_in(fields)):
            if header != AGAIN:
                raise csv_fault(self.name, f"{header} on line {line}", HEADER_ADVICE)
            fault = f"row is {AGAIN}"
        elif fault is None and fields and len(fields) != width:
            number = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            fault = f"row has {number} where {'its columns' if self.dialect.names else 'the header'} names {width}"
        if fault is not None:
            taken.malformed.append(MalformedRow(line, fault, _shortened(text())))
        elif fields:
            taken.rows.append(fields)
            taken.starts.append(line)

    def _block_of(self, taken: _Taken) -> CsvBlock:
        fields = list(zip(*taken.rows, strict=True)) if taken.rows else [()] * len(self.columns)
        arrays = [
            pa.array([None if value in self.nulls else value for value in column], pa.string())
            for column in fields
        ]
        table = pa.table([*arrays, pa.array(taken.starts, pa.int64())], names=[*self.columns, "_line"])
        return CsvBlock(self.columns, table, tuple(taken.malformed), self.repeated)


def _line_end(block: bytes, at: int, near: int) -> int:
    """End of the last line that ends before `near`, or else of the first one that begins at `at`."""
    if end := block.rfind(b"\n", at, near) + 1:
        return end
    end = block.rfind(b"\r", at, near) + 1
    if not end:
        ends = [place + 1 for mark in (b"\n", b"\r") if (place := block.find(mark, near)) >= 0]
        end = min(ends, default=len(block))
    return end + (block[end - 1 : end + 1] == b"\r\n")


def _shortened(text: str) -> str:
    """A record as messages show it: without its last line end, and cut to the same length by every parser."""
    text = text.removesuffix("\n").removesuffix("\r")
    return text if len(text) <= LARGEST_TEXT else f"{text[:LARGEST_TEXT]}…"


def _format(dialect: CsvDialect) -> dict[str, Any]:
    return {
        "delimiter": dialect.delimiter,
        "quotechar": dialect.quote or None,
        "quoting": csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        "strict": True,
    }
