"""Query time limits: one thread interrupts every connection whose query computes for too long.

The limit is on the processor time of this process, not on wall time, because the result must not depend on other
programs on the machine. A query that only waits, as for a disk, is given up after a multiple of that time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_PAUSE = 0.2
_PATIENCE = 20
"""Longest wall time of a query, as a multiple of its limit of computing time."""
_deadlines: dict[int, tuple[float, float, float, duckdb.DuckDBPyConnection]] = {}
_lock = threading.Lock()
_watching: list[threading.Thread] = []


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Inside the block, a query of the connection that computes for longer than the limit ends with
    InterruptException."""
    with _lock:
        if not _watching or not _watching[0].is_alive():
            _watching[:] = [threading.Thread(target=_watch, name="time limits of queries", daemon=True)]
            _watching[0].start()
        now = time.monotonic()
        computed = time.process_time() + seconds
        _deadlines[id(connection)] = now + seconds, now + _PATIENCE * seconds, computed, connection
    try:
        yield
    finally:
        with _lock:
            _deadlines.pop(id(connection), None)


def _watch() -> None:
    """Interrupt late queries, until nothing was watched for ten seconds."""
    idle = 0.0
    while idle < 10:
        time.sleep(_PAUSE)
        idle = 0.0 if _interrupt_late() else idle + _PAUSE


def _interrupt_late() -> bool:
    """Interrupt late queries; returns whether any is watched. It keeps no reference to a connection after the call."""
    with _lock:
        now = time.monotonic()
        for earliest, latest, computed, connection in _deadlines.values():
            # several threads together use more processor time than wall time
            if now > latest or (now > earliest and time.process_time() > computed):
                connection.interrupt()
        return bool(_deadlines)
