"""The lines of a part of a CSV file as text, with the faults of lines that are not text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice

NUL_BYTE = "a NUL byte"
"""Fault of a line that contains one."""


class Lines:
    """The complete lines of some bytes as text; `faults` has the fault of each line that is not text, by index.

    Bytes that are no text are written as escapes, such as \\xe9 or \\0.
    """

    def __init__(self, part: bytes) -> None:
        self.faults: dict[int, str] = {}
        if b"\0" not in part and is_utf8(part):
            self.texts = list(io.StringIO(part.decode(), newline=""))
            return
        self.texts = []
        for place, line in enumerate(part.splitlines(keepends=True)):
            try:
                text = line.decode()
                if b"\0" in line:
                    self.faults[place] = NUL_BYTE
            except UnicodeDecodeError as error:
                text = line.decode(errors="backslashreplace")
                self.faults[place] = f"the byte 0x{line[error.start]:02x}, which is no UTF-8 text"
            self.texts.append(text.replace("\0", "\\0"))

    def __len__(self) -> int:
        return len(self.texts)

    def since(self, at: int) -> Iterator[str]:
        """The lines from `at` on."""
        return islice(self.texts, at, None)

    def text(self, begin: int, end: int) -> str:
        """Some lines in their original form."""
        return "".join(self.texts[begin:end])


def is_utf8(block: bytes) -> bool:
    """Whether the bytes are UTF-8 text."""
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
