"""Growing: a NumPy array that grows by appending."""

from __future__ import annotations

from typing import Any

import numpy as np

_LEAST = 1024


class Growing:
    """Numbers of one type, appended in bulk; the capacity doubles, so that small appends to large arrays are cheap."""

    def __init__(self, dtype: Any) -> None:
        self._room = np.empty(_LEAST, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def array(self) -> np.ndarray:
        """The appended values, shape (n,); a view that the next append may invalidate."""
        return self._room[: self._size]

    @property
    def view(self) -> memoryview:
        """The same as a memoryview, from which loops in Python read single numbers faster."""
        return memoryview(self.array)  # pyright: ignore[reportArgumentType]

    def append(self, values: Any) -> None:
        """Append an array of shape (m,), or anything convertible to one."""
        values = np.asarray(values, self._room.dtype)
        needed = self._size + len(values)
        if needed > len(self._room):
            room = np.empty(max(needed, min(2 * len(self._room), needed + 2**20)), self._room.dtype)
            room[: self._size] = self.array
            self._room = room
        self._room[self._size : needed] = values
        self._size = needed

    def fill(self, value: Any, count: int) -> None:
        """Append a value `count` times."""
        self.append(np.full(count, value, self._room.dtype))
