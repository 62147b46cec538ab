"""RunningProcess: the model that a process of the service serves, published to commands of the same home."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from recsys_lineage.unlocked import is_unlocked, unlocked_files

_NAMES = "running-*.json"


@dataclass(frozen=True)
class RunningProcess:
    """A process of the service, and the model that it serves.

    Attributes:
        table, version: of the serving model; None while there is none.
        fault: the reason why the chosen model cannot serve; None if it does.
    """

    table: str | None = None
    version: int | None = None
    fault: str | None = None


class RunningFile:
    """File with the model that this process serves, valid as long as the process lives.

    It is kept locked, so that after a kill it no longer counts. If it cannot be written, the service continues without
    it.

    Args:
        folder: of the service's files; created if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._written: RunningProcess | None = None
        self._path = folder / f"running-{uuid.uuid4().hex}.json"
        self._file: int | None = None
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for dead in unlocked_files(folder, _NAMES):
                dead.unlink(missing_ok=True)
            # locked before it has a name by which others look for it
            unnamed = self._path.with_suffix(".new")
            self._file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            unnamed.rename(self._path)

    def publish(self, process: RunningProcess) -> None:
        """Publish the model that serves from now on."""
        if self._file is None or process == self._written:
            return
        with suppress(OSError):
            content = orjson.dumps(asdict(process))
            os.pwrite(self._file, content, 0)
            os.ftruncate(self._file, len(content))
            self._written = process

    def end(self) -> None:
        """Withdraw the file: the process no longer serves."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


def running_processes(folder: Path) -> list[RunningProcess]:
    """The running processes of the service, by the files that they lock in its folder."""
    return list(_alive(folder))


def _alive(folder: Path) -> Iterator[RunningProcess]:
    for path in sorted(folder.glob(_NAMES)):
        with suppress(OSError, ValueError, TypeError), path.open("rb") as file:  # ended, or writing just now
            if not is_unlocked(file):
                yield RunningProcess(**orjson.loads(file.read()))
