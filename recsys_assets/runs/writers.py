"""Writers: the processes that write to a home, by locks that the kernel releases when a process ends.

A command writes alone (`Writers.exclusive`); Dagster's runs write concurrently, because its pools keep them apart
(`Writers.shared`). Writers queue in order, so a series of runs from a sensor does not keep a command waiting for ever.
Every run locks a file named for it (`Writers.registered`). By this lock each new process, and the daemon every half
minute, finds out whether the run's process still lives (`Writers.state`).

A process is identified by a lock on its file, not by its number: containers on one volume have their own process
numbers, and numbers are reused. A free lock counts only if no other machine could hold it: after the same boot of the
same kernel, on a disk of this machine, or on a machine of the same name. Otherwise (a home on a network file system) no
process is declared dead.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import socket
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from recsys_lineage.errors import LineageError

State = Literal["lives", "dead", "unknown"]
FOLDER, LOCK, TURN = "writers", "home.lock", "turn.lock"
_SECONDS_BETWEEN_TRIES = 0.2


class HomeIsWritten(LineageError):
    """Another process writes to the home."""


@dataclass(frozen=True)
class Writer:
    """A process that writes: its command, its start (seconds since 1970), and the machine on which its number is
    valid."""

    pid: int
    started: float
    command: str
    since: float
    host: str
    machine: str
    boot: str
    run_id: str | None = None

    @classmethod
    def here(cls, run_id: str | None = None) -> Writer:
        """This process."""
        return cls(
            pid=os.getpid(),
            started=psutil.Process().create_time(),
            command=_command(),
            since=time.time(),
            host=socket.gethostname(),
            machine=_read("/etc/machine-id"),
            boot=_read("/proc/sys/kernel/random/boot_id"),
            run_id=run_id,
        )

    def __str__(self) -> str:
        elsewhere = "" if self.host == socket.gethostname() else f" on {self.host}"
        run = f", run {self.run_id}" if self.run_id else ""
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{self.command} (process {self.pid}{elsewhere}{run}, since {since})"


class Writers:
    """The writers of one home.

    Args:
        dagster_home: the folder that is DAGSTER_HOME; the locks lie in `writers/` below it.
    """

    def __init__(self, dagster_home: str | Path) -> None:
        self._folder = Path(dagster_home) / FOLDER
        self._alone = False

    @contextmanager
    def exclusive(self, *, wait: bool = True, notify: Callable[[str], None] | None = None) -> Iterator[None]:
        """Context in which this process writes alone; it may be nested.

        Args:
            wait: whether to wait for the others to end; raises the error otherwise.
            notify: called once with the processes that it waits for.

        Raises:
            HomeIsWritten: another process writes, and `wait` is off.
        """
        if self._alone:
            yield
            return
        with self.registered(), self._locked(fcntl.LOCK_EX, wait, notify):
            self._alone = True
            try:
                yield
            finally:
                self._alone = False

    @contextmanager
    def shared(self, run_id: str, notify: Callable[[str], None] | None = None) -> Iterator[None]:
        """Context in which this process writes as one of Dagster's runs; waits for a command that writes alone."""
        with self.registered(run_id), self._locked(fcntl.LOCK_SH, True, notify):
            yield

    @contextmanager
    def registered(self, run_id: str | None = None) -> Iterator[None]:
        """Context in which this process holds a file that identifies it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(run_id or f"command-{uuid.uuid4().hex}")
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        # Locked before it has the name by which others look for it.
        with draft.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            json.dump(asdict(Writer.here(run_id)), file)
            file.flush()
            draft.rename(path)
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def now(self) -> list[Writer]:
        """Living processes that write or wait to write."""
        found = [_read_writer(path) for path in sorted(self._folder.glob("*.json"))]
        return [writer for writer, free in found if writer is not None and not free]

    def state(self, run_id: str) -> State:
        """State of the process of a run; unknown for a run without a file in this home."""
        writer, free = _read_writer(self._path(run_id))
        if writer is None:
            return "unknown"
        if not free:
            return "lives"
        return "dead" if self._could_only_be_held_here(writer) else "unknown"

    def forget(self, run_id: str) -> None:
        """Delete the file that a dead run left."""
        self._path(run_id).unlink(missing_ok=True)

    def tidy(self, busy: Collection[str]) -> None:
        """Delete files of killed processes, except those of runs that still have to be failed."""
        for path in self._folder.glob("*.json"):
            if path.stem not in busy and _read_writer(path)[1]:
                path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, kind: int, wait: bool, notify: Callable[[str], None] | None) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / LOCK).open("w") as lock:
            with (self._folder / TURN).open("w") as turn:
                notified = self._wait(turn.fileno(), fcntl.LOCK_EX, wait, notify, notified=False)
                self._wait(lock.fileno(), kind, wait, notify, notified=notified)
            yield

    def _wait(
        self, handle: int, kind: int, wait: bool, notify: Callable[[str], None] | None, notified: bool
    ) -> bool:
        """Take a lock; returns whether waiting was reported."""
        me = psutil.Process().create_time()
        while not _took(handle, kind):
            others = [writer for writer in self.now() if (writer.pid, writer.started) != (os.getpid(), me)]
            names = "; ".join(map(str, others)) or "a process that just started"
            if not wait:
                raise HomeIsWritten(
                    f"Another process writes to the home {self._folder.parents[1]}.",
                    expected="one writer at a time",
                    found=names,
                    where=str(self._folder),
                    advice="wait until it is done, stop it, or set RECSYS_HOME to another folder",
                )
            if notify and not notified and others:
                notify(f"Waiting for {names}. Ctrl-C gives up.")
                notified = True
            time.sleep(_SECONDS_BETWEEN_TRIES)
        return notified

    def _could_only_be_held_here(self, writer: Writer) -> bool:
        here = Writer.here()
        if writer.boot == here.boot:
            return True
        device = self._folder.stat().st_dev
        on_a_disk = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").exists()
        return on_a_disk or bool(here.machine and (writer.machine, writer.host) == (here.machine, here.host))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _read_writer(path: Path) -> tuple[Writer | None, bool]:
    """The process that made a file, and whether its lock is free; None if there is no such file, or it is being
    made."""
    with suppress(FileNotFoundError), path.open() as file:
        free = _took(file.fileno(), fcntl.LOCK_SH)
        with suppress(ValueError, TypeError):  # half a file, left by a crash of the machine
            return Writer(**json.load(file)), free
    return None, True


def _took(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command() -> str:
    """The command line of this process, short enough for a sentence."""
    words = [Path(sys.argv[0]).name or "python", *sys.argv[1:]]
    return " ".join(map(shlex.quote, words))[:80]


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:  # neither is there in every container
        return ""
