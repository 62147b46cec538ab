"""ScratchFolder: temporary files of one run, deleted with its DuckDB connection; locks mark spill folders in use.

A killed process leaves folders behind. So the owner of a folder holds a lock file next to it, which the system releases
with the process, and every new connection deletes unlocked folders.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from recsys_lineage.process_end import before_leaving

_SUFFIX = "-files"
_HOLDER = "_held_spill_folder"
_in_use: dict[Path, tuple[weakref.finalize, int]] = {}


def scratch_of(spill_folder: str) -> str:
    """The folder next to a connection's spill folder that contains its scratch folder."""
    return spill_folder + _SUFFIX


class ScratchFolder:
    """A folder that a connection's SQL may open, deleted when the connection releases it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Create the folder.

        Args:
            connection: SQL of this connection may open the folder's files. It releases the folder when it is closed, or
                when another relation is registered under the same name.
            name: a name on the connection, of a relation without rows, that keeps the folder.
        """
        spill, open_ = _settings(connection)
        if open_:  # nothing is locked, so the folder may lie anywhere
            spill = os.path.join(tempfile.gettempdir(), f"duckdb-{uuid.uuid4().hex}")
        self.path, self._delete = _held(connection, spill, name)

    def delete(self) -> None:
        """Delete the folder now."""
        self._delete()


def hold_spill_folder(connection: duckdb.DuckDBPyConnection, spill: str) -> None:
    """Lock the spill folder of a connection until it is closed, and delete unlocked ones.

    If no folder can be created there, nothing can be spilled either, and DuckDB reports that when needed.
    """
    _delete_abandoned(Path(spill).parent)
    with suppress(OSError):
        _held(connection, spill, _HOLDER)


def _held(connection: duckdb.DuckDBPyConnection, spill: str, name: str) -> tuple[Path, Callable[[], object]]:
    """A new folder, kept by a connection's relation without rows, and the function that deletes it earlier."""
    above = Path(scratch_of(spill))
    path = above / uuid.uuid4().hex
    # Locked before it has a name by which others look for it
    unnamed = above.with_name(f".{path.name}")
    unnamed.mkdir(parents=True, mode=0o700)
    lock = _lock(unnamed, fcntl.LOCK_SH)
    above.mkdir(exist_ok=True, mode=0o700)
    unnamed.rename(path)
    anchor = pa.Table.from_batches([], pa.schema([("path", pa.string())]))  # an array would import pandas
    delete = weakref.finalize(anchor, _delete, path, lock, os.getpid())
    _in_use[path] = delete, os.getpid()
    connection.register(name, anchor)
    return path, delete


def _delete_all() -> None:
    """Delete everything that this process holds, with the spilled blocks of its connections."""
    for path, (delete, owner) in list(_in_use.items()):
        if delete.alive and owner == os.getpid():
            shutil.rmtree(_spill_of(path), ignore_errors=True)
            delete()


before_leaving(_delete_all)


def _spill_of(path: Path) -> str:
    return str(path.parent).removesuffix(_SUFFIX)


def _settings(connection: duckdb.DuckDBPyConnection) -> tuple[str, bool]:
    """A connection's spill folder, and whether it may open any file."""
    (row,) = connection.execute(
        "SELECT current_setting('temp_directory'), current_setting('enable_external_access')"
    ).fetchall()
    return row


def _lock(folder: Path, how: int) -> int | None:
    """A handle with a lock on the folder; None if another process holds one or the file system has no locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _delete(folder: Path, lock: int | None, owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork of the process that uses it
    _in_use.pop(folder, None)
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)
    with suppress(OSError):  # another relation of the connection has files there
        folder.parent.rmdir()


def _delete_abandoned(above: Path) -> None:
    """Delete folders of killed processes, with their connections' spilled blocks."""
    for folder in _held_below(above):
        with suppress(OSError):  # of another user, or deleted meanwhile
            if (lock := _lock(folder, fcntl.LOCK_EX)) is not None:
                shutil.rmtree(_spill_of(folder), ignore_errors=True)
                _delete(folder, lock, os.getpid())


def _held_below(above: Path) -> Iterator[Path]:
    """The folders that contain spill folders; other processes create and delete theirs meanwhile."""
    with suppress(OSError):
        for name in os.listdir(above):
            if name.startswith("duckdb-") and name.endswith(_SUFFIX):
                with suppress(OSError):
                    yield from (above / name / inner for inner in os.listdir(above / name))
