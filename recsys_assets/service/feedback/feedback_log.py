"""FeedbackLog: exposures and customers' events, appended to files of JSON lines that survive a kill."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from recsys_assets.service.feedback.log_file import LogFile
from recsys_lineage.errors import LineageError
from recsys_lineage.unlocked import unlocked_files

Stream = Literal["exposures", "events", "searches"]
STREAMS: tuple[Stream, ...] = ("exposures", "events", "searches")
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes after which a file is followed by the next one; a new day begins a new file too."""
GATHERED_SECONDS = 0.005
"""Longest time that lines wait for further lines."""


class FeedbackError(LineageError):
    """Exposures or events could not be written."""


@dataclass
class _Waiting:
    """Lines to be written, and the futures that wait for them."""

    stream: Stream
    lines: Sequence[bytes]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class FeedbackLog:
    """The append-only log of one service; close it with `with`.

    A separate thread writes all waiting lines at once, so that many requests share one write to the disk. It is woken
    when the event loop has no further list at once, because a write takes as long as a tenth of a list and holds the
    interpreter's lock. A line torn by a kill is the last of its file and belongs to no answered request, because a new
    process begins a new file, as does one whose write failed or whose file was deleted.

    Args:
        folder: created if missing, private to this user.
        within_ms: 0: `append` returns when the lines are on the disk. Otherwise it returns at once for exposures and
            searches, which are on the disk within so many milliseconds; for events it always waits, so that none is
            lost and every worker knows them in the next answer.
        timed: called with the seconds of each write.
        alone: whether to lock the folder against other services; False for a worker, whose service holds the lock
            (`held_alone`).

    Attributes:
        own: names of the files that it writes or wrote.

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
        self._files: dict[Stream, LogFile] = {}
        self._gatherer: asyncio.AbstractEventLoop | None = None
        self.own: set[str] = set()
        self._held = ExitStack()
        if alone:
            self._held.enter_context(held_alone(folder))
        self._thread = threading.Thread(target=self._write, name="feedback", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """The error of the last write; None if it succeeded."""
        return self._failure

    async def append(self, stream: Stream, lines: Sequence[bytes]) -> None:
        """Write lines. Without a line it returns when all lines appended before are written.

        Raises:
            FeedbackError: they could not be written. If `append` does not wait, it is the error of the last write.
        """
        loop = asyncio.get_running_loop()
        entry = _Waiting(stream, lines, loop, loop.create_future())
        with self._condition:
            if self._closed:
                raise FeedbackError("The service is stopping.", advice="ask again when it is back")
            self._waiting.append(entry)
            if self._within or stream == "searches":  # which computes for longer than a write takes
                self._condition.notify()
            elif self._gatherer is not loop:
                self._gatherer = loop
                loop.call_soon(self._gather, loop, len(self._waiting), time.perf_counter())
        if self._within and self._failure is None and stream != "events":
            entry.done.add_done_callback(lambda done: done.cancelled() or done.exception())
            return
        await entry.done

    def _gather(self, loop: asyncio.AbstractEventLoop, had: int, began: float) -> None:
        """Wake the writer, unless this turn of the event loop brought further lines, so that more may follow."""
        waiting = len(self._waiting)
        if waiting > had and time.perf_counter() - began < GATHERED_SECONDS:
            loop.call_soon(self._gather, loop, waiting, began)
            return
        with self._condition:
            self._gatherer = None
            self._condition.notify()

    def close(self) -> None:
        """Write the waiting lines, then end."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()
        while self._files:  # a service may be closed twice
            self._files.popitem()[1].close()
        self._held.close()

    def __enter__(self) -> FeedbackLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        """Write groups until the log is closed; in the end every waiting request gets a result or an error."""
        try:
            self._write_groups()
        finally:
            with self._condition:
                if not self._closed:
                    self._failure = "the thread that writes it has ended"
                self._closed = True
                left, self._group, self._waiting = [*self._group, *self._waiting], [], []
            _answer(left, FeedbackError("The service cannot write its log.", advice="start it again"))

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
            for file in self._files.values():
                file.make_room()

    def _written(self, group: Sequence[_Waiting]) -> FeedbackError | None:
        """Write a group to the disk; returns the error, if any."""
        try:
            for stream in STREAMS:
                lines = [line for each in group if each.stream == stream for line in each.lines]
                if lines:
                    self._append(stream, b"".join(line + b"\n" for line in lines))
        except OSError as error:
            return _unusable(self._folder, error)
        return None

    def _append(self, stream: Stream, content: bytes, again: bool = False) -> None:
        file, now = self._files.get(stream), datetime.now(timezone.utc)
        if file is not None and (file.size >= LARGEST_FILE or not file.is_of(now.date())):
            self._files.pop(stream).close()
            file = None
        if file is None:
            path = self._folder / f"{stream}-{stamp_of(now)}-{os.getpid()}.jsonl"
            self.own.add(path.name)  # before it is there to be found
            file = self._files[stream] = LogFile(path)
        try:
            file.write(content)
        except OSError:
            self._files.pop(stream).abandon()
            raise
        if file.is_deleted():
            self._files.pop(stream).close()
            if again:
                raise FileNotFoundError(errno.ENOENT, "new files are deleted at once", str(self._folder))
            self._append(stream, content, again=True)


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Context that locks a folder of feedback, which is created if missing, for one service at a time.

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
    """A time in the format of file names."""
    return f"{moment:%Y%m%dT%H%M%S%f}"


def closed_files(folder: Path, stream: Stream) -> list[Path]:
    """The closed files of a stream, oldest first."""
    return unlocked_files(folder, f"{stream}-*.jsonl")


def _answer(group: Sequence[_Waiting], error: FeedbackError | None) -> None:
    """Report to the waiting requests that a group is written, or its error."""
    for loop in {each.loop for each in group}:
        ended = [each.done for each in group if each.loop is loop]
        try:
            loop.call_soon_threadsafe(_resolve, ended, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _resolve(ended: Sequence[asyncio.Future[None]], error: FeedbackError | None) -> None:
    for future in ended:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _unusable(folder: Path, error: OSError) -> FeedbackError:
    return FeedbackError(
        "Exposures and events cannot be written.",
        expected="a folder that this user may write to, on a disk with room",
        found=error.strerror or str(error),
        where=str(folder),
        advice="free space, or fix the permissions of the folder",
    )
