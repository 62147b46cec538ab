"""LogReader: the lines of the feedback files, including those that other processes are writing meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from recsys_assets.service.feedback.feedback_log import Stream
from recsys_assets.service.feedback.log_file import PADDING
from recsys_lineage.unlocked import is_unlocked

BLOCK = 1024 * 1024
"""Bytes that are read at once by default."""
FIRST_BLOCK = 16 * 1024
"""Bytes of the first read: usually little is new, and padding may follow."""
SETTLED_NS = 100_000_000
"""Age of a folder's modification time from which no further change can have the same time, because the kernel's file
clock is coarse."""


@dataclass
class Found:
    """Result of reading the log.

    Attributes:
        lines: the readable lines.
        torn: files whose last line was cut off by a kill.
        damaged: file and line of other unreadable lines.
    """

    lines: int = 0
    torn: int = 0
    damaged: list[str] = field(default_factory=list)


@dataclass
class _Growing:
    """A file that may still be written to, read up to `offset`, after `lines` lines."""

    name: str
    file: IO[bytes]
    offset: int = 0
    lines: int = 0
    ended: bool = False


class LogReader:
    """Reader of a stream of the feedback, line by line and incrementally.

    A file is followed while its writer lives; another read costs a check of the folder's modification time and of the
    next byte of each such file. A line without its end is being written, or was torn by a kill, which `found` reports.

    Args:
        folder: of the feedback.
        stream: exposures or events.
        needs: keys without which a line cannot be read.
        without: names of files that are skipped, such as those that this process writes itself.
        since: stamp (`stamp_of`) of the first file that is read; empty: all.
        skip: bytes of that file that are skipped, up to the beginning of a line.
        block: bytes that are read at once; more for a longer line.
    """

    def __init__(
        self,
        folder: Path,
        stream: Stream,
        *,
        needs: Collection[str] = (),
        without: Collection[str] = (),
        since: str = "",
        skip: int = 0,
        block: int = BLOCK,
    ) -> None:
        self.found = Found()
        self._folder, self._prefix, self._needs = folder, f"{stream}-", frozenset(needs)
        self._without, self._first, self._skip = without, f"{stream}-{since}", skip
        self._block = block
        self._known: set[str] = set()
        self._growing: list[_Growing] = []
        self._listed: int | None = None

    def new(self) -> Iterator[dict[str, Any]]:
        """The lines since the last call, file by file in the order in which these were begun."""
        self._look_for_files()
        for each in tuple(self._growing):
            yield from self._lines(each)
            if each.ended:
                self.found.torn += _is_torn(each)
                each.file.close()
                self._growing.remove(each)

    def _look_for_files(self) -> None:
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._listed:
            return
        listed = changed if time.time_ns() - changed > SETTLED_NS else None
        for name in sorted(os.listdir(self._folder)):
            fresh = name.startswith(self._prefix) and name.endswith(".jsonl") and name >= self._first
            if not fresh or name in self._known or name in self._without:
                continue
            try:
                skip = self._skip if name.startswith(self._first) else 0
                self._growing.append(_Growing(name, (self._folder / name).open("rb"), skip))
            except FileNotFoundError:  # deleted meanwhile
                continue
            self._known.add(name)
        for each in self._growing:  # of an empty file the writer is about to lock it, unless it is deleted
            there = os.fstat(each.file.fileno())
            each.ended = is_unlocked(each.file) and (there.st_size > 0 or there.st_nlink == 0)
        self._listed = listed  # not before: what could not be opened is looked for again

    def _lines(self, file: _Growing) -> Iterator[dict[str, Any]]:
        most = min(self._block, FIRST_BLOCK)
        while os.pread(file.file.fileno(), 1, file.offset) not in (b"", PADDING):
            block = os.pread(file.file.fileno(), most, file.offset)
            complete = block[: block.rfind(b"\n") + 1]
            if not complete:
                if len(block) < most:
                    return  # the line is not at its end yet
                most *= 2
                continue
            file.offset += len(complete)
            most = self._block
            for line in complete[:-1].split(b"\n"):
                file.lines += 1
                entry = self._entry(line)
                if entry is None:
                    self.found.damaged.append(f"{file.name}:{file.lines}")
                    continue
                self.found.lines += 1
                yield entry

    def _entry(self, line: bytes) -> dict[str, Any] | None:
        try:
            entry = orjson.loads(line)
        except ValueError:
            return None
        return entry if isinstance(entry, dict) and entry.keys() >= self._needs else None


def _is_torn(file: _Growing) -> bool:
    """Whether anything but padding follows the last line of a file."""
    left = os.fstat(file.file.fileno()).st_size - file.offset
    return left > 0 and bool(os.pread(file.file.fileno(), left, file.offset).strip(PADDING))


def read_log(folder: Path, stream: Stream) -> Iterator[dict[str, Any]]:
    """The current lines of a stream, in the order in which they were written; unreadable ones are left out."""
    return LogReader(folder, stream).new()
