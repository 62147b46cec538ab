"""Mixed encodings: the lines of a file that are UTF-8 and those that are not, for concatenated files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recsys_lineage.files.csv.csv_lines import is_utf8
from recsys_lineage.files.fault import FileFault, csv_fault
from recsys_lineage.files.source_bytes import source_bytes

_MOST_PARTS = 4
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class EncodingPart:
    """Consecutive lines that are all UTF-8 or all not; lines of ASCII belong to any part.

    `first` and `last` are its first and last lines with a non-ASCII letter, counted from 1.
    """

    first: int
    last: int
    is_utf8: bool


def encoding_parts(lines: Iterable[bytes]) -> Iterator[EncodingPart]:
    """The parts of a text; none if all of it is ASCII."""
    part: EncodingPart | None = None
    for number, line in enumerate(lines, 1):
        if line.isascii():
            continue
        kind = is_utf8(line)
        if part is not None and part.is_utf8 != kind:
            yield part
            part = None
        part = EncodingPart(part.first if part is not None else number, number, kind)
    if part is not None:
        yield part


def lines_in_two_encodings(path: Path, name: str) -> str:
    """Description of the lines that are UTF-8 and those that are not; empty for a file in one encoding.

    Raises:
        FileFault: it is compressed and damaged.
        OSError: it cannot be read.
    """
    return in_words(encoding_parts(_lines(path, name)))


def mixed_fault(name: str, parts: str) -> FileFault:
    """The fault of a file in two encodings, with the lines of each."""
    return csv_fault(
        name,
        f"two encodings in one file: {parts}",
        "Write it in one: cut it there with head and tail, turn the other part to UTF-8, as by iconv -f cp1252 "
        "-t utf-8, and name no encoding in the source's SQL.",
    )


def in_words(parts: Iterable[EncodingPart]) -> str:
    """The parts as text, only the first ones of many; empty for at most one part."""
    shown: list[EncodingPart] = []
    more = 0
    for part in parts:
        if len(shown) < _MOST_PARTS:
            shown.append(part)
        else:
            more += 1
    if len(shown) < 2:
        return ""
    words = [
        f"{_of_lines(part)} UTF-8" if part.is_utf8 else f"{_of_lines(part)} in another encoding"
        for part in shown
    ]
    rest = f", and {more} parts more" if more else ""
    return f"{', '.join(words)}{rest}"


def _of_lines(part: EncodingPart) -> str:
    return f"line {part.first} is" if part.first == part.last else f"lines {part.first} to {part.last} are"


def _lines(path: Path, name: str) -> Iterator[bytes]:
    with source_bytes(path, name) as content:
        pending = b""
        while block := content.read(_BLOCK):
            pending += block
            # a carriage return at the very end may be half of a line's end
            cut = max(pending.rfind(b"\n"), pending.rfind(b"\r", 0, len(pending) - 1)) + 1
            yield from _LINE.findall(pending[:cut])
            pending = pending[cut:]
        if pending:
            yield pending
