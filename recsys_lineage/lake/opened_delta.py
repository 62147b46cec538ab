"""Cache of a thread's opened Delta tables, so that a log is not replayed for each access to its table."""

from __future__ import annotations

import threading
from collections import OrderedDict

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from recsys_lineage.lake.stores.storage import Storage

_MOST = 8
_Stamp = tuple[object, ...]
_Place = tuple[str, tuple[tuple[str, str], ...]]
"""A table's folder, and the options of its storage."""


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.tables: OrderedDict[_Place, tuple[DeltaTable, int, _Stamp]] = OrderedDict()


_opened = _OfThread()


def opened_delta(storage: Storage, uri: str, version: int | None) -> DeltaTable:
    """A Delta table at a version, or at its newest one.

    The table that this thread opened before is updated and returned again, so a caller must be done with it before
    opening the table again. It is reopened if the file of its commit has changed, because the table was deleted and
    created again, or its commits were packed.

    Args:
        storage: the table's storage.
        uri: the table's folder.
        version: the version; the newest when None.

    Raises:
        TableNotFoundError: there is no table.
        DeltaError: the log is damaged.
    """
    place = (uri, tuple(sorted(storage.options.items())))
    delta, number, stamp = _opened.tables.pop(place, (None, -1, None))
    if delta is not None and (stamp != _stamp(storage, uri, number) or not _brought_to(delta, version)):
        delta = None
    if delta is None:
        delta, stamp = DeltaTable(uri, version=version, storage_options=dict(storage.options) or None), None
    if stamp is None or delta.version() != number:
        number = delta.version()
        stamp = _stamp(storage, uri, number)
    if stamp is not None:
        _opened.tables[place] = (delta, number, stamp)
        if len(_opened.tables) > _MOST:
            _opened.tables.popitem(last=False)
    return delta


def _brought_to(delta: DeltaTable, version: int | None) -> bool:
    """Whether a table opened before could be brought to the wanted version; it cannot go back to an older one."""
    if version is None or version > delta.version():
        try:
            delta.update_incremental()
        except DeltaError:  # opening it raises the error
            return False
    return version in (None, delta.version())


def _stamp(storage: Storage, uri: str, number: int) -> _Stamp | None:
    """Identity of a commit's file; None if there is no such file."""
    return storage.stamp(f"{uri}/_delta_log/{number:020d}.json")
