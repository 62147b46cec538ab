"""OpenRecord: one CSV record parsed line by line, however many lines its quotes span."""

from __future__ import annotations

import re
from functools import cache

from recsys_lineage.files.csv.csv_dialect import CsvDialect

LARGEST_TEXT = 1 << 16
"""The most characters kept of a record that is no row."""
_PIECES = 1 << 10


class OpenRecord:
    """A record of which some lines were read.

    It accepts everything that Python's csv module does, and also fields of any length, an escape before special
    characters, and malformed records: those have a `fault`, and end with the line that reveals it. Time and memory are
    proportional to the record's size.

    Args:
        dialect: the file's dialect.
        line: the physical line on which it starts.
    """

    def __init__(self, dialect: CsvDialect, line: int) -> None:
        self.line = line
        self.lines = 0
        self.characters = 0
        self.fields: list[str] = []
        self.fault: str | None = None
        self.opened = line
        """The line of the last opening quote."""
        self._delimiter, self._quote, self._escape = dialect.delimiter, dialect.quote, dialect.escape
        self._quoted, self._bare, self._escaped = _patterns(dialect.delimiter, dialect.quote, dialect.escape)
        self._state = "start"
        self._text: list[str] = []
        self._values: list[str] = []
        self._parts: list[str] = []

    def swallows(self, text: str) -> bool:
        """Whether all of the text is inside a quoted field, and the record continues after it."""
        inside = self._state == "quoted" and self._quote not in text
        return inside and not (self._escape and self._escape in text)

    def take(self, text: str, lines: int = 1) -> bool:
        """Add a line with its end, which only a file's last line may lack; returns whether the record ends with it.

        Args:
            text: the line, or several where it `swallows` them.
            lines: the number of lines.
        """
        if self.characters <= LARGEST_TEXT:
            self._text.append(text)
        self.lines += lines
        self.characters += len(text)
        end = len(text.rstrip("\r\n"))
        at = 0
        while True:
            if self._state == "start" and self._quote and text.startswith(self._quote, at, end):
                self._state, self.opened = "quoted", self.line + self.lines - 1
                at += 1
            if self._state == "quoted":
                stop = _end(self._quoted, text, at, len(text))
                self._append(text[at:stop])
                if stop == len(text):
                    return False
                at = stop + 1
                if at < end and text[at] != self._delimiter:
                    self.fault = self._text_behind_a_quote()
                    return True
            else:
                stop = _end(self._bare, text, at, end)
                if stop < end and text[stop] == self._escape and end < len(text):
                    self._append(text[at:])
                    self._state = "bare"
                    return False
                stop = stop if stop < end and text[stop] == self._delimiter else end
                self._append(text[at:stop])
                at = stop
            self._end_field()
            if at >= end:
                return True
            at += 1

    def text(self) -> str:
        """The original text of the record, or the start of it with an ellipsis."""
        text = "".join(self._text)
        return text if len(text) == self.characters else f"{text}…"

    def _text_behind_a_quote(self) -> str:
        line = self.line + self.lines - 1
        fault = f"row is no CSV: {self._delimiter!r} expected after {self._quote!r}"
        if self.opened < line:
            fault = (
                f"a quote is opened on line {self.opened}, and text follows where it is closed on line {line}"
            )
        escaped = not self._escape and f"\\{self._quote}" in "".join(self._text)
        hint = (
            f"; if \\{self._quote} stands for a quote, add escape = '\\' to its read_csv" if escaped else ""
        )
        return fault + hint

    def _append(self, part: str) -> None:
        self._parts.append(part)
        if len(self._parts) >= _PIECES:  # many short texts take several times their characters
            self._values.append("".join(self._parts))
            self._parts = []

    def _end_field(self) -> None:
        value = "".join([*self._values, *self._parts])
        self._values, self._parts = [], []
        if self._escape or self._state == "quoted":
            doubled = self._state == "quoted"
            if self._escape:
                value = self._escaped[doubled].sub(lambda found: found[1] or found[2], value)
            elif self._quote:
                value = value.replace(self._quote * 2, self._quote)
        self.fields.append(value)
        self._state = "start"


def _end(pattern: re.Pattern[str], text: str, at: int, end: int) -> int:
    found = pattern.match(text, at, end)
    assert found is not None, "it matches the empty text"
    return found.end()


@cache
def _patterns(
    delimiter: str, quote: str, escape: str
) -> tuple[re.Pattern[str], re.Pattern[str], tuple[re.Pattern[str], re.Pattern[str]]]:
    """Patterns for the content of a quoted and of a bare field, and for escapes outside and inside quotes."""
    d, q, e = re.escape(delimiter), re.escape(quote), re.escape(escape)
    marks = f"{e}([{d}{q}{e}\r\n])"
    if escape:
        quoted = f"[^{q}{e}]*(?:(?:{q}{q}|{e}.|{e}\\Z)[^{q}{e}]*)*"
        bare = f"[^{d}{e}]*(?:{e}.[^{d}{e}]*)*"
    else:
        quoted = f"[^{q}]*(?:{q}{q}[^{q}]*)*" if quote else ""
        bare = f"[^{d}]*"
    return (
        re.compile(quoted, re.DOTALL),
        re.compile(bare, re.DOTALL),
        (re.compile(f"{marks}|()(?!)"), re.compile(f"{marks}|{q}({q})")),
    )
