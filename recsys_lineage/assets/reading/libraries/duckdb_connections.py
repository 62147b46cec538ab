"""DuckDB connections opened by an asset's own code: their SQL sees frames, and no files.

DuckDB does not tell Python which files a statement names. So a connection made while the code runs has no file system,
nor has the one behind `duckdb.sql`. The run's own connection is locked in another way (`Engine`).
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.file_guard import FileGuard
from recsys_lineage.assets.reading.guarded_threads import guard_at_work
from recsys_lineage.assets.reading.libraries.replaced_functions import replace_functions

_DISABLED = "LocalFileSystem has been disabled"
WRAPPER_FILES.add(__file__)
_lock = threading.Lock()
_without_files: list[duckdb.DuckDBPyConnection] = []
_before: list[duckdb.DuckDBPyConnection] = []
_at_work = 0


def watch_connections() -> None:
    """Make `duckdb.connect` consult the guard, for the rest of the process's life."""
    replace_functions({"duckdb.connect": (duckdb.connect, _connecting)})


@contextmanager
def frames_alone(guard: FileGuard) -> Iterator[None]:
    """While the block runs, connections of the guarded code cannot open files.

    Raises:
        UnnotedFile: a statement of theirs names one.
    """
    global _at_work
    with _lock:
        watch_connections()
        if not _at_work:
            if not _without_files:
                _without_files.append(_closed(duckdb.connect()))
            _before.append(duckdb.default_connection())
            duckdb.set_default_connection(_without_files[0])
        _at_work += 1
    try:
        yield
    except duckdb.Error as error:
        if _DISABLED not in str(error):
            raise
        guard.refuse("duckdb", str(error), error)
        raise
    finally:
        with _lock:
            _at_work -= 1
            if not _at_work:
                duckdb.set_default_connection(_before.pop())


def _connecting(connect: Callable[..., duckdb.DuckDBPyConnection]) -> Callable[..., Any]:
    @functools.wraps(connect)
    def guarded_call(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        guard = guard_at_work()
        if guard is None or guard.is_trusted():
            return connect(*arguments, **options)
        database = os.fsdecode(arguments[0] if arguments else options.get("database", ":memory:"))
        in_memory = not database or database.startswith(":")
        if not in_memory:
            guard.check("duckdb.connect", database)
        connection = connect(*arguments, **options)
        if in_memory:
            return _closed(connection)
        connection.execute("SET allowed_directories = $folders", {"folders": sorted(guard.folders)})
        connection.execute("SET enable_external_access = false")
        return connection

    return guarded_call


def _closed(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    # external access stays on: without it DuckDB does not look for frames by their names either
    connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
    return connection
