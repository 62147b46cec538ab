"""Stable maps between the caller's ids and row numbers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ids = NDArray[np.generic]


def as_ids(values: ArrayLike | Iterable[int | str], column: str) -> Ids:
    """Ids as an int64 or a string array.

    Raises:
        ValueError: an id is missing, or the ids are neither all integers nor all strings.
    """
    array = np.asarray(values if hasattr(values, "__array__") else list(values))  # type: ignore[arg-type]
    if array.ndim != 1:
        raise ValueError(f"column {column!r}: expected one dimension, found {array.ndim}")
    if array.size == 0 and array.dtype.kind not in "iuU":
        return array.astype(np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "O":
        kinds = {type(value) for value in array.tolist()}
        if kinds <= {str, np.str_}:
            return array.astype(np.str_)
        if kinds <= {int, np.int64, np.int32}:
            return array.astype(np.int64)
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(
            f"column {column!r}: expected ids that are all integers or all strings, found {found}; "
            "drop rows without an id and cast the rest to one type"
        )
    raise ValueError(f"column {column!r}: expected integer or string ids, found {array.dtype}")


def rows_of(ids: Ids, known: Ids, column: str = "id") -> NDArray[np.int32]:
    """Row number of each of `ids` in `known`, -1 where unknown. Both arrays are one-dimensional.

    Raises:
        ValueError: one side holds integers and the other strings.
    """
    if ids.size == 0 or known.size == 0:
        return np.full(ids.size, -1, np.int32)
    if (ids.dtype.kind == "U") != (known.dtype.kind == "U"):
        raise ValueError(
            f"column {column!r}: expected ids of the kind {known.dtype} (as {known[0]!r}), "
            f"found {ids.dtype} (as {ids[0]!r}); cast them"
        )
    order = np.argsort(known, kind="stable")
    position = np.searchsorted(known, ids, sorter=order)
    row = order[np.minimum(position, known.size - 1)]
    return np.where(known[row] == ids, row, -1).astype(np.int32)


def encode(ids: Ids, known: Ids | None, column: str) -> tuple[NDArray[np.int32], Ids]:
    """Row numbers of `ids`, and the id map: `known` as it is, then the unknown ids in sorted order."""
    if known is None or known.size == 0:
        mapped, row = np.unique(ids, return_inverse=True)
        return row.astype(np.int32), mapped
    row = rows_of(ids, known, column)
    missing = row < 0
    if not missing.any():
        return row, known
    fresh, inverse = np.unique(ids[missing], return_inverse=True)
    row[missing] = inverse + known.size
    return row, np.concatenate([known, fresh])
