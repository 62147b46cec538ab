"""Batched Dagster events on SQLite, without opening files and waiting for the disk for each event."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.event import listen, remove

from recsys_lineage.orchestration.dagster_internals import shared_engines


@contextmanager
def many_events() -> Iterator[None]:
    """Make reporting many events to Dagster cheap inside the block, if it stores them in SQLite.

    Dagster opens and closes several SQLite connections for each event, each with its own engine. Closing the last
    connection to a file checkpoints its journal and waits for the disk, as each commit does. Inside the block, closed
    connections and engines are reused for the same file, and commits do not wait. If the machine (not the process)
    crashes, the last events can be lost; the files stay intact, and the next run reports again what the lake has and
    Dagster lacks.

    It affects all threads of this process; with another database it does nothing.
    """
    pool = _ConnectionPool()
    listen(Engine, "do_connect", pool.connect)
    try:
        with shared_engines():
            yield
    finally:
        remove(Engine, "do_connect", pool.connect)
        pool.end()


class _ConnectionPool:
    """Idle connections, by file."""

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
        connection.pool, connection.file = self, cargs[0]
        return connection

    def take_back(self, connection: _Connection) -> bool:
        """Keep a connection that is no longer used; False after the end of the block."""
        if not self._ended:
            self._idle[connection.file].append(connection)
        return not self._ended

    def end(self) -> None:
        """Close the idle connections; those in use are closed by their users."""
        self._ended = True
        for idle in self._idle.values():
            while idle:
                idle.pop().close()


class _Connection(sqlite3.Connection):
    """A connection that is returned to the pool when it is closed."""

    pool: _ConnectionPool
    file: str

    def close(self) -> None:
        self.rollback()
        if not self.pool.take_back(self):
            super().close()
