"""VersionKeys: the graph node of a table's version, looked up for millions of versions at once."""

from __future__ import annotations

import numpy as np

_BITS = 40
_LARGEST = np.int64((1 << _BITS) - 1)


def keys_of(tables: np.ndarray, versions: np.ndarray) -> np.ndarray:
    """Tables' numbers (n,) and versions (n,) as one sortable number each, shape (n,)."""
    return (tables.astype(np.int64) << _BITS) | np.minimum(versions.astype(np.int64), _LARGEST)


class VersionKeys:
    """Keys of versions, sorted, and their nodes.

    The versions of a table are adjacent, so they are a slice. A lookup is a binary search; adding a few keys to a
    million costs a copy of 16 MB.
    """

    def __init__(self) -> None:
        self._keys = np.empty(0, np.int64)
        self._nodes = np.empty(0, np.int32)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The nodes of some keys, shape (n,); -1 for unknown keys."""
        if not len(self._keys):
            return np.full(len(keys), -1, np.int32)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[places] == keys, self._nodes[places], np.int32(-1))

    def add(self, keys: np.ndarray, nodes: np.ndarray) -> None:
        """Add new keys, in any order, and their nodes."""
        order = np.argsort(keys, kind="stable")
        places = np.searchsorted(self._keys, keys[order])
        self._keys = np.insert(self._keys, places, keys[order])
        self._nodes = np.insert(self._nodes, places, nodes[order])

    def forget_from(self, key: int) -> np.ndarray:
        """Remove a version of a table and all later ones of that table; returns their keys."""
        first = np.searchsorted(self._keys, key)
        last = np.searchsorted(self._keys, ((key >> _BITS) + 1) << _BITS)
        kept = np.r_[0:first, last : len(self._keys)]
        forgotten = self._keys[first:last]
        self._keys, self._nodes = self._keys[kept], self._nodes[kept]
        return forgotten

    def of_table(self, table: int) -> np.ndarray:
        """The nodes of a table's versions, oldest first."""
        first, last = np.searchsorted(self._keys, [table << _BITS, (table + 1) << _BITS])
        return self._nodes[first:last]
