"""Batched Dagster events on SQLite, without opening files and waiting for the disk at each one."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.event import listen, remove

from recsys_lineage.orchestration.dagster_internals import kept_engines


@contextmanager
def many_events() -> Iterator[None]:
    """Make it cheap to report many events to Dagster inside the block, where it keeps them in SQLite.

    Dagster opens and closes several SQLite connections for each event, each with an engine of its own. Whoever closes
    a file last moves its journal into it and waits for the disk, as each commit does. Here a closed connection is kept
    for the next one that is opened to the same file until the block ends, so is the engine, and commits do not wait.
    When the machine (not the process) crashes, the last events can be lost; the files stay whole, and the next run
    tells again what the lake holds and Dagster does not know.

    It works for this process, whatever its threads do meanwhile; with another database it does nothing.
    """
    kept = _Kept()
    listen(Engine, "do_connect", kept.connect)
    try:
        with kept_engines():
            yield
    finally:
        remove(Engine, "do_connect", kept.connect)
        kept.end()


class _Kept:
    """Connections by file: those that nobody uses now."""

    def __init__(self) -> None:
        self._idle: dict[str, list[_Connection]] = defaultdict(list)
        self._ended = False

    def connect(self, dialect: Any, _record: Any, cargs: Any, cparams: Any) -> sqlite3.Connection | None:
        """A connection for SQLAlchemy, or None to let it make one."""
        if dialect.driver != "pysqlite" or not cargs or cargs[0] == ":memory:":
            return None
        idle = self._idle[cargs[0]]
        try:
            return idle.pop()
        except IndexError:
            pass
        connection = sqlite3.connect(*cargs, **{**cparams, "check_same_thread": False}, factory=_Connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.keeper, connection.file = self, cargs[0]
        return connection

    def take_back(self, connection: _Connection) -> bool:
        """Keep a connection that is no longer used; False once the block has ended."""
        if not self._ended:
            self._idle[connection.file].append(connection)
        return not self._ended

    def end(self) -> None:
        """Close those kept; those still in use close when their users close them."""
        self._ended = True
        for idle in self._idle.values():
            while idle:
                idle.pop().close()


class _Connection(sqlite3.Connection):
    """A connection that goes back to its keeper when it is closed."""

    keeper: _Kept
    file: str

    def close(self) -> None:
        self.rollback()
        if not self.keeper.take_back(self):
            super().close()
