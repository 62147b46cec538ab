"""Many Dagster events in a row, without waiting for the disk at each one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from sqlalchemy import Engine
from sqlalchemy.event import listen, remove


@contextmanager
def many_events() -> Iterator[None]:
    """Make it cheap to tell Dagster of many events inside the block, where it keeps them in SQLite.

    Dagster opens and closes two SQLite files for each event. Whoever closes a file last moves its journal into it
    and waits for the disk, as each commit does. Here a second connection to each file stays open until the block
    ends, and commits do not wait. When the machine (not the process) crashes, the last events can be lost; the
    files stay whole, and the next run tells again what the lake holds and Dagster does not know.

    It works for this process, whatever its threads do meanwhile; with another database it does nothing.
    """
    with ExitStack() as held:
        files: set[str] = set()

        def opened(connection: object, _record: object) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            connection.execute("PRAGMA synchronous = NORMAL")
            file = connection.execute("PRAGMA database_list").fetchone()[2]
            if file and file not in files:
                files.add(file)
                second = held.enter_context(closing(sqlite3.connect(file, check_same_thread=False)))
                # Only a connection that has read counts as one that uses the journal.
                second.execute("SELECT count(*) FROM sqlite_master").fetchall()

        listen(Engine, "connect", opened)
        held.callback(remove, Engine, "connect", opened)
        yield
