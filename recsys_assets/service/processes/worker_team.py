"""WorkerTeam: the worker processes of one service, and their shared folder."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from recsys_lineage.unlocked import unlocked_files

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the team's folder; the Prometheus client stores the workers' counters there."""


_PREFIX = "recsys-serve-"
_LOCK = "lock"


@contextmanager
def team_folder() -> Iterator[Path]:
    """Context with a new folder for one team, deleted at its end; folders of killed services are deleted too."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as made:
        folder = Path(made)
        unnamed = folder / f"{_LOCK}.new"
        with unnamed.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unnamed.rename(folder / _LOCK)  # locked before it has the name that others look for
            yield folder


def _sweep(place: Path) -> None:
    """Delete the folders of teams whose supervisor and workers are all dead."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # of another user, or deleted just now
            mine = folder.stat(follow_symlinks=False).st_uid == os.geteuid() and not folder.is_symlink()
            if mine and unlocked_files(folder, _LOCK) and not _members(folder):
                shutil.rmtree(folder)


@dataclass(frozen=True)
class WorkerTeam:
    """The workers of one service.

    Attributes:
        folder: shared by them, private to this user, for as long as the service lives.
        since: start of the service, UTC.
        workers: number of workers.
        open_to_all: whether no token is needed.
    """

    folder: Path
    since: datetime
    workers: int
    open_to_all: bool

    def write(self) -> None:
        """Write these attributes to the folder, for the workers."""
        state = {"since": self.since.isoformat(), "workers": self.workers, "open_to_all": self.open_to_all}
        (self.folder / "team.json").write_text(json.dumps(state))

    @classmethod
    def read(cls) -> WorkerTeam:
        """The team of this process, found by the environment."""
        folder = Path(os.environ[FOLDER])
        state = json.loads((folder / "team.json").read_text())
        return cls(folder, datetime.fromisoformat(state["since"]), state["workers"], state["open_to_all"])

    def fail(self, why: str) -> None:
        """Report why a worker cannot start."""
        (self.folder / "failure.txt").write_text(why)

    @property
    def failure(self) -> str | None:
        """The reason why a worker could not start; None without a report."""
        with suppress(FileNotFoundError):
            return (self.folder / "failure.txt").read_text()
        return None

    def members(self) -> list[int]:
        """The process numbers of living workers with counters."""
        return _members(self.folder)

    def forget_the_dead(self) -> None:
        """Remove a dead process's gauges from the sums; its totals stay."""
        from prometheus_client.multiprocess import mark_process_dead

        for path in self.folder.glob("gauge_live*_*.db"):
            pid = int(path.stem.rpartition("_")[2])
            if not psutil.pid_exists(pid):
                mark_process_dead(pid, str(self.folder))


def _members(folder: Path) -> list[int]:
    found = {int(path.stem.rpartition("_")[2]) for path in folder.glob("counter_*.db")}
    return sorted(pid for pid in found if psutil.pid_exists(pid))
