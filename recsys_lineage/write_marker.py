"""Write markers: how a write that died between its files and its commit is found and cleaned up.

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

import psutil

from recsys_lineage.storage import Storage

FOLDER = "_writes"
FOREIGN_HOST_SECONDS = 24 * 3600


class WriteMarker:
    """The marker of one write in progress on one table."""

    def __init__(self, storage: Storage, table_path: str, write_id: str) -> None:
        self._storage = storage
        self._path = f"{table_path}/{FOLDER}/{write_id}.json"
        self._folder = f"{table_path}/{FOLDER}"

    def __enter__(self) -> WriteMarker:
        owner = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_started": psutil.Process().create_time(),
            "began": time.time(),
        }
        self._storage.make_folder(self._folder)
        self._storage.write_bytes(self._path, json.dumps(owner).encode())
        return self

    def __exit__(self, *_: object) -> None:
        self._storage.delete(self._path)


def clean_dead_writes(storage: Storage, table_path: str, is_committed: Callable[[str], bool]) -> list[str]:
    """Delete what dead writers left below one table; returns the ids of the writes cleaned up."""
    folder = f"{table_path}/{FOLDER}"
    if not storage.exists(folder):
        return []
    markers = [path for path in storage.files(folder) if path.endswith(".json")]
    dead = [path for path in markers if _owner_is_dead(storage, path)]
    if not dead:
        return []
    lost = {path.rsplit("/", 1)[-1].removesuffix(".json"): path for path in dead}
    uncommitted = [write_id for write_id in lost if not is_committed(write_id)]
    if uncommitted:
        for path in list(storage.files(table_path)):
            name = path.rsplit("/", 1)[-1]
            if name.endswith(".parquet") and any(write_id in name for write_id in uncommitted):
                storage.delete(path)
    for path in lost.values():
        storage.delete(path)
    return uncommitted


def _owner_is_dead(storage: Storage, marker: str) -> bool:
    try:
        owner = json.loads(storage.read_bytes(marker))
    except FileNotFoundError:
        return False
    except ValueError:  # the writer died while it wrote its marker, before any file
        return True
    if owner["host"] != socket.gethostname():
        return time.time() - owner["began"] > FOREIGN_HOST_SECONDS
    try:
        started = psutil.Process(owner["pid"]).create_time()
    except psutil.NoSuchProcess:
        return True
    return abs(started - owner["process_started"]) > 1.0
