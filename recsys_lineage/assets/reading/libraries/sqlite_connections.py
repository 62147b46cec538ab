"""SQLite connections opened by an asset's own code: an attached database is a file that it reads.

Python reports the file of a connection, but not those that its ATTACH opens, so SQLite's authorizer consults the guard.
"""

from __future__ import annotations

import functools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.file_guard import FileGuard, database_file
from recsys_lineage.assets.reading.guarded_threads import guard_at_work
from recsys_lineage.assets.reading.libraries.replaced_functions import replace_functions
from recsys_lineage.errors import UnnotedFile

_CALLED = "sqlite3's ATTACH"
WRAPPER_FILES.add(__file__)


@contextmanager
def attaching_noted(guard: FileGuard) -> Iterator[None]:
    """While the block runs, connections of the guarded code can attach only databases that a record names.

    Raises:
        UnnotedFile: a statement of theirs attaches another.
    """
    watch_attaching()
    try:
        yield
    except sqlite3.DatabaseError as error:  # SQLite reports only that it is not authorized
        if guard.attached is None:
            raise
        guard.refuse(_CALLED, guard.attached, error)
        raise


def watch_attaching() -> None:
    """Make connections of SQLite consult the guard, for the rest of the process's life."""
    replace_functions({"sqlite3.connect": (sqlite3.connect, _connecting)})


def _connecting(connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
    @functools.wraps(connect)
    def guarded_call(*arguments: Any, **options: Any) -> sqlite3.Connection:
        guard = guard_at_work()
        if guard is None or guard.is_trusted():
            return connect(*arguments, **options)
        with guard.connecting():
            connection = connect(*arguments, **options)
        connection.set_authorizer(_authorized)
        return connection

    return guarded_call


def _authorized(action: int, file: str | None, *_: object) -> int:
    return _may_attach(file) if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def _may_attach(file: str | None) -> int:
    """Whether the running code may attach a database; `file` is None where the statement does not name one."""
    guard = guard_at_work()
    if guard is None:
        return sqlite3.SQLITE_OK
    if file is None:
        guard.attached = "a file that the statement is given as a parameter"
        return sqlite3.SQLITE_DENY
    if not (path := database_file(file)):
        return sqlite3.SQLITE_OK
    with guard.paused():
        try:
            guard.check(_CALLED, path)
        except UnnotedFile:  # an error in here does not reach the code
            guard.attached = os.path.realpath(path)
            return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
