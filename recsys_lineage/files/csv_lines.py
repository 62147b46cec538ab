"""The lines of a part of a CSV file as text, with what is wrong with those that are none."""

from __future__ import annotations

import io
from collections.abc import Iterator


class BadLine(Exception):
    """A line that holds no text was about to be parsed."""

    def __init__(self, place: int, fault: str) -> None:
        super().__init__(place, fault)
        self.place = place
        self.fault = fault


class Lines:
    """The lines of a block as text; `faults` says what is wrong with those that are none."""

    def __init__(self, raw: list[bytes]) -> None:
        self.faults: dict[int, str] = {}
        self.exhausted = False
        joined = b"".join(raw)
        if b"\0" not in joined and is_utf8(joined):
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
                raise BadLine(place, self.faults[place])
            yield self.texts[place]
        self.exhausted = True

    def text(self, begin: int, end: int) -> str:
        """Lines as they were, without the last line's end; NUL bytes are written as \\0."""
        return "".join(self.texts[begin:end]).rstrip("\r\n").replace("\0", "\\0")


def is_utf8(block: bytes) -> bool:
    """Whether the bytes are UTF-8 text."""
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
