"""Write markers, by which a write that died between its files and its commit is found and cleaned up.

A writer first leaves a marker that names its process, then writes files whose names contain its write id,
then commits, then removes the marker. A marker whose process is gone belongs to a dead write: its files are
deleted, unless its commit had gone through, in which case only the marker is.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.stores.storage import Storage

FOLDER = "_writes"
FOREIGN_HOST_SECONDS = 24 * 3600
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class WriteMarker:
    """The marker of one write in progress on one table."""

    def __init__(self, storage: Storage, table_path: str, write_id: str) -> None:
        self._storage = storage
        self._folder = f"{table_path}/{FOLDER}"
        self._path = f"{self._folder}/{write_id}.json"

    def place(self) -> None:
        """Create the marker, before the first file is written."""
        owner = {
            **_place(),
            "pid": os.getpid(),
            "process_started": _started(os.getpid()),
            "began": time.time(),
        }
        self._storage.make_folder(self._folder)
        self._storage.write_bytes(self._path, json.dumps(owner).encode())

    def require(self) -> None:
        """Require that the marker still exists; otherwise the write was taken for dead and its files deleted.

        Raises:
            LineageError: the marker is gone.
        """
        if not self._storage.exists(self._path):
            raise LineageError(
                "This write's files were removed while it ran, because its process was taken for dead.",
                expected=f"a commit within {FOREIGN_HOST_SECONDS // 3600} hours of the write's start",
                where=self._path,
                advice="materialize again",
            )

    def remove(self) -> None:
        """Remove the marker, after the commit or after the files were deleted."""
        self._storage.delete(self._path)


def writes(storage: Storage, table_path: str) -> dict[str, bool]:
    """The writes with markers below one table, by id, and whether their writer is alive."""
    folder = f"{table_path}/{FOLDER}"
    markers = [path for path in storage.files(folder) if path.endswith(".json")]
    return {Path(path).stem: not _owner_is_dead(storage, path) for path in markers}


def dead_writes(storage: Storage, table_path: str) -> list[str]:
    """The ids of the writes below one table whose writer is gone."""
    return [write_id for write_id, alive in writes(storage, table_path).items() if not alive]


def clean_dead_writes(storage: Storage, table_path: str, is_committed: Callable[[str], bool]) -> list[str]:
    """Delete files of dead writers below one table; returns the ids of the writes cleaned up."""
    lost = dead_writes(storage, table_path)
    uncommitted = [write_id for write_id in lost if not is_committed(write_id)]
    delete_files_of(storage, table_path, uncommitted)
    for write_id in lost:
        storage.delete(f"{table_path}/{FOLDER}/{write_id}.json")
    return uncommitted


def delete_files_of(storage: Storage, table_path: str, write_ids: list[str]) -> None:
    """Delete the Parquet files of some writes below a table."""
    if not write_ids:
        return
    for path in list(storage.files(table_path)):
        name = path.rsplit("/", 1)[-1]
        if name.endswith(".parquet") and any(write_id in name for write_id in write_ids):
            storage.delete(path)


def _owner_is_dead(storage: Storage, marker: str) -> bool:
    try:
        owner = json.loads(storage.read_bytes(marker))
    except FileNotFoundError:
        return False
    except ValueError:  # markers appear whole; only a crash of the machine leaves half of one
        return True
    here = _place()
    there = {key: owner.get(key) for key in here}
    if there == here:
        started = _started(owner["pid"])
        # the kernel gives the time of its boot in whole seconds, which come out one higher or lower at times
        return started is None or abs(started - owner["process_started"]) > 2 * _TICKS_A_SECOND
    if here["machine"] and here["machine"] == there["machine"] and here["boot"] != there["boot"]:
        return True
    return time.time() - owner["began"] > FOREIGN_HOST_SECONDS


def _place() -> dict[str, str]:
    """The machine (empty if it has no id), its boot and its process namespace, within which process ids are unique."""
    machine = Path("/etc/machine-id")
    id_ = machine.read_text().strip() if machine.exists() else ""
    return {
        "machine": f"{socket.gethostname()}/{id_}" if id_ else "",
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "processes": os.readlink("/proc/self/ns/pid"),
    }


def _started(pid: int) -> int | None:
    """Start of a process in clock ticks since boot; None if it is gone or a zombie.

    Time since boot is used because the time of day may be changed while processes run.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        boot = psutil.boot_time()  # read first: older psutil derives a process's start from it
        return round((process.create_time() - boot) * _TICKS_A_SECOND)
    except psutil.NoSuchProcess:
        return None
