"""FileDestination: one event per line, appended to a file that is rotated when it is large."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from recsys_lineage.openlineage.destinations.destination import TAKEN, Answer
from recsys_lineage.openlineage.message import Message

LARGEST = 64 * 1024 * 1024
"""Size in bytes after which a file is rotated to `<name>.<number><suffix>`."""
MOST_ROTATED = 16
"""The most rotated files kept; the records can make their events again."""
AT_ONCE = 100
_BLOCK = 1 << 20


class FileDestination:
    """A file of lines: each line is written completely or not at all, and once, even if the writer is killed.

    Args:
        name: its name in the settings.
        path: the file; its folder is created when needed.
        largest: the size in bytes after which it is rotated.
        most_rotated: the number of rotated files kept.
        again: write messages again that are among the last lines, as for a replay.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        largest: int = LARGEST,
        most_rotated: int = MOST_ROTATED,
        again: bool = False,
    ) -> None:
        self.name, self.target = name, str(path)
        self.at_once = AT_ONCE
        self._path, self._largest, self._most_rotated = path, largest, most_rotated
        # Only what a killed writer had not yet noted can come twice: its last call's messages, at the file's end.
        self._seen: set[bytes] | None = set() if again else None
        self._file: int | None = None

    def deliver(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Append messages and flush them to the disk; see `Destination`."""
        try:
            if self._file is None:
                self._file = self._open()
            if self._seen is None:
                self._seen = {_hash(line) for line in self._last_lines(AT_ONCE)}
            new = [message.body for message in messages if _hash(message.body) not in self._seen]
            self._append(self._file, b"".join(body + b"\n" for body in new))
            if os.fstat(self._file).st_size >= self._largest:
                self._begin_anew()
        except OSError as error:
            self.close()
            return [Answer("later", f"{error.strerror}: {self._path}"), *[None] * (len(messages) - 1)]
        return [TAKEN] * len(messages)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":  # a line that its writer was killed in
            os.ftruncate(file, _end_of_last_line(file, size))
        return file

    def _append(self, file: int, text: bytes) -> None:
        before = os.fstat(file).st_size
        view = memoryview(text)
        try:
            while view:
                view = view[os.write(file, view) :]
            os.fsync(file)
        except OSError:  # a full disk: none of it is there
            os.ftruncate(file, before)
            raise

    def _begin_anew(self) -> None:
        numbers = sorted(self._numbers())
        os.rename(self._path, self._numbered(numbers[-1] + 1 if numbers else 1))
        self.close()
        for number in numbers[: max(0, len(numbers) + 1 - self._most_rotated)]:
            self._numbered(number).unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}.{number:06}{self._path.suffix}")

    def _numbers(self) -> Iterator[int]:
        name = re.compile(rf"{re.escape(self._path.stem)}\.(\d{{6,}}){re.escape(self._path.suffix)}")
        for path in self._path.parent.iterdir():
            if found := name.fullmatch(path.name):
                yield int(found[1])

    def _last_lines(self, count: int) -> list[bytes]:
        """The last lines, continued into rotated files if this one has fewer."""
        lines = _tail(self._path, count)
        for number in sorted(self._numbers(), reverse=True):
            if len(lines) >= count:
                break
            lines += _tail(self._numbered(number), count - len(lines))
        return lines


def _tail(path: Path, count: int) -> list[bytes]:
    text = b""
    with path.open("rb") as file:
        start = file.seek(0, os.SEEK_END)
        while start and text.count(b"\n") <= count:
            size = min(_BLOCK, start)
            start -= size
            file.seek(start)
            text = file.read(size) + text
    return text.split(b"\n")[:-1][-count:]


def _end_of_last_line(file: int, size: int) -> int:
    end = size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _hash(line: bytes) -> bytes:
    return blake2b(line, digest_size=16).digest()
