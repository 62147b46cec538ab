"""Opened Delta tables of a thread, so that a log is not replayed for each access to its table."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from recsys_lineage.lake.storage import Storage

_MOST = 8
_Stamp = tuple[int, int, int]


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.tables: OrderedDict[str, tuple[DeltaTable, int, _Stamp]] = OrderedDict()


_opened = _OfThread()


def opened_delta(storage: Storage, uri: str, version: int | None) -> DeltaTable:
    """A Delta table at a version, or at its newest one.

    In a local folder the one that this thread had open before is brought up to date and handed out again, so whoever is
    given one is done with it before asking for the table again. It is opened anew where the commit that it was opened
    at is not the same file any more: somebody deleted the table and began it again, or packed its commits.

    Args:
        storage: where the table lies.
        uri: the table's folder.
        version: the version; the newest when None.

    Raises:
        TableNotFoundError: there is no table.
        DeltaError: the log is damaged.
    """
    if not storage.is_local:
        return DeltaTable(uri, version=version, storage_options=dict(storage.options) or None)
    delta = _again(uri, version)
    if delta is None:
        delta = DeltaTable(uri, version=version)
    number = delta.version()
    if (stamp := _stamp(uri, number)) is not None:
        _opened.tables[uri] = (delta, number, stamp)
        if len(_opened.tables) > _MOST:
            _opened.tables.popitem(last=False)
    return delta


def _again(uri: str, version: int | None) -> DeltaTable | None:
    """The table that was open before, at the wanted version; None where it cannot be had of it."""
    delta, number, stamp = _opened.tables.pop(uri, (None, 0, None))
    if delta is None or _stamp(uri, number) != stamp:
        return None
    if version is None or version > number:
        try:
            delta.update_incremental()
        except DeltaError:  # opening it says what is wrong
            return None
    return delta if version in (None, delta.version()) else None


def _stamp(uri: str, number: int) -> _Stamp | None:
    """Identity of a commit's file; None if it does not exist."""
    try:
        found = os.stat(f"{uri}/_delta_log/{number:020d}.json")
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
