"""FeedbackLog: what was shown and what customers did, appended to files of JSON lines that survive a kill."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, Literal

from recsys_lineage.errors import LineageError
from recsys_lineage.unlocked import unlocked_files

Stream = Literal["exposures", "events", "searches"]
STREAMS: tuple[Stream, ...] = ("exposures", "events", "searches")
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes after which a file is followed by the next one; a new day begins a new file too."""


class FeedbackError(LineageError):
    """What was shown, or what a customer did, could not be written down."""


@dataclass
class _Waiting:
    """Lines that are to be written, and who waits for them."""

    stream: Stream
    lines: Sequence[bytes]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class FeedbackLog:
    """The append-only log of one service; close it with `with`.

    A thread of its own takes all that waits, writes it and calls fsync once for the whole group, so that many requests
    share one. A line that was torn by a kill is the last of its file and belongs to no answered request, for a new
    process, and one whose write failed, begins a new file.

    Args:
        folder: made when missing; nobody else can read it.
        within_ms: 0: `append` returns when the lines are on the disk. Else it returns at once for what was shown or
            searched, and they are within so many milliseconds; what customers did is always waited for, so that it is
            not lost and every worker knows of it in the next answer.
        timed: called with the seconds that each group took.
        alone: whether no other service may write to the folder; False for a worker, whose service sees to that
            (`held_alone`).

    Attributes:
        own: names of the files that it writes, or wrote.

    Raises:
        FeedbackError: the folder cannot be used, or another service writes to it.
    """

    def __init__(
        self,
        folder: Path,
        within_ms: int = 0,
        timed: Callable[[float], None] = lambda _: None,
        *,
        alone: bool = True,
    ) -> None:
        self._folder, self._within, self._timed = folder, within_ms / 1000, timed
        self._condition = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._group: list[_Waiting] = []
        self._closed = False
        self._failure: str | None = None
        self._files: dict[Stream, _File] = {}
        self.own: set[str] = set()
        self._held = ExitStack()
        if alone:
            self._held.enter_context(held_alone(folder))
        self._thread = threading.Thread(target=self._write, name="feedback", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """Why the last group could not be written; None where it was."""
        return self._failure

    async def append(self, stream: Stream, lines: Sequence[bytes]) -> None:
        """Write lines down. Without a line it returns when all that was appended before is written.

        Raises:
            FeedbackError: they could not be written. Where `append` does not wait, it is what became of the last group.
        """
        loop = asyncio.get_running_loop()
        entry = _Waiting(stream, lines, loop, loop.create_future())
        with self._condition:
            if self._closed:
                raise FeedbackError("The service is stopping.", advice="ask again when it is back")
            self._waiting.append(entry)
            self._condition.notify()
        if self._within and self._failure is None and stream != "events":
            entry.done.add_done_callback(lambda done: done.cancelled() or done.exception())
            return
        await entry.done

    def close(self) -> None:
        """Write what waits, then end."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()
        for file in self._files.values():
            file.close()
        self._held.close()

    def __enter__(self) -> FeedbackLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        """Write groups until the log is closed. Whatever ends it, nobody is left without an answer."""
        try:
            self._write_groups()
        finally:
            with self._condition:
                if not self._closed:
                    self._failure = "the thread that writes it has ended"
                self._closed = True
                left, self._group, self._waiting = [*self._group, *self._waiting], [], []
            _answer(left, FeedbackError("The service writes nothing down.", advice="start it again"))

    def _write_groups(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if not self._waiting:
                    return
            if self._within and not self._closed:
                time.sleep(self._within / 2)
            with self._condition:
                group, self._waiting = self._waiting, []
                self._group = group
            began = time.perf_counter()
            error = self._written(group)
            self._timed(time.perf_counter() - began)
            self._failure = None if error is None else error.found
            self._group = []
            _answer(group, error)

    def _written(self, group: Sequence[_Waiting]) -> FeedbackError | None:
        """Put a group on the disk; what went wrong, if anything did."""
        try:
            for stream in STREAMS:
                lines = [line for each in group if each.stream == stream for line in each.lines]
                if lines:
                    self._file(stream).write(b"".join(line + b"\n" for line in lines))
        except OSError as error:
            for file in self._files.values():
                file.close()
            self._files.clear()
            return _unusable(self._folder, error)
        return None

    def _file(self, stream: Stream) -> _File:
        file = self._files.get(stream)
        if file is None or file.size >= LARGEST_FILE or file.day != datetime.now(timezone.utc).date():
            if file is not None:
                file.close()
            file = self._files[stream] = _File.new(self._folder, stream, self.own)
        return file


@dataclass
class _File:
    """The file that a stream is being written to."""

    stream: IO[bytes]
    day: Any
    size: int = field(default=0)

    @classmethod
    def new(cls, folder: Path, stream: Stream, own: set[str]) -> _File:
        now = datetime.now(timezone.utc)
        path = folder / f"{stream}-{stamp_of(now)}-{os.getpid()}.jsonl"
        own.add(path.name)  # before it is there to be found
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # held until it is closed, by a kill too: see `closed_files`
        opened = os.fdopen(descriptor, "wb", buffering=0)
        above = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(above)  # or the file's name could be lost with the machine's power
        finally:
            os.close(above)
        return cls(opened, now.date())

    def write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[self.stream.write(rest) :]
        os.fsync(self.stream.fileno())
        self.size += len(content)

    def close(self) -> None:
        self.stream.close()


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Hold a folder of feedback, which is made when missing, so that one service at a time writes to it.

    Raises:
        FeedbackError: the folder cannot be used, or another service holds it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise _unusable(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FeedbackError(
                f"Another service writes to {folder}.",
                expected="one `recsys serve` for a home",
                where=str(folder),
                advice="use the one that runs, stop it, or set RECSYS_HOME to another folder; several processes of one "
                "service are started by `recsys serve --workers N`",
            ) from None
        yield


def stamp_of(moment: datetime) -> str:
    """A moment as it stands in the name of a file that was begun then."""
    return f"{moment:%Y%m%dT%H%M%S%f}"


def closed_files(folder: Path, stream: Stream) -> list[Path]:
    """The files of a stream to which nobody writes any more, in the order they were begun."""
    return unlocked_files(folder, f"{stream}-*.jsonl")


def _answer(group: Sequence[_Waiting], error: FeedbackError | None) -> None:
    """Tell those who wait that a group is written, or what went wrong."""
    for loop in {each.loop for each in group}:
        ended = [each.done for each in group if each.loop is loop]
        try:
            loop.call_soon_threadsafe(_tell, ended, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _tell(ended: Sequence[asyncio.Future[None]], error: FeedbackError | None) -> None:
    for future in ended:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _unusable(folder: Path, error: OSError) -> FeedbackError:
    return FeedbackError(
        "What was shown and done cannot be written down.",
        expected="a folder that this user may write to, on a disk with room",
        found=error.strerror or str(error),
        where=str(folder),
        advice="free space, or mend the rights of the folder",
    )
