"""Query time limits: one thread interrupts every connection whose query runs too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_PAUSE = 0.2
_deadlines: dict[int, tuple[float, duckdb.DuckDBPyConnection]] = {}
_lock = threading.Lock()
_watching: list[threading.Thread] = []


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Inside the block, what the connection runs for longer than some seconds ends with duckdb.InterruptException."""
    with _lock:
        if not _watching or not _watching[0].is_alive():
            _watching[:] = [threading.Thread(target=_watch, name="time limits of queries", daemon=True)]
            _watching[0].start()
        _deadlines[id(connection)] = time.monotonic() + seconds, connection
    try:
        yield
    finally:
        with _lock:
            _deadlines.pop(id(connection), None)


def _watch() -> None:
    """Interrupt what is late, until nothing is watched for ten seconds."""
    idle = 0.0
    while idle < 10:
        time.sleep(_PAUSE)
        idle = 0.0 if _interrupt_late() else idle + _PAUSE


def _interrupt_late() -> bool:
    """Interrupt what is late; whether anything is watched. No connection outlives the call, so none is kept alive."""
    with _lock:
        for deadline, connection in _deadlines.values():
            if time.monotonic() > deadline:
                connection.interrupt()
        return bool(_deadlines)
