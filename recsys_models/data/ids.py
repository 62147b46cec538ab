"""Stable maps between the caller's ids and row numbers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
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


def rows_of(ids: Ids | pl.Series, known: Ids, column: str = "id") -> NDArray[np.int32]:
    """Row number of each of `ids` in `known`, -1 where unknown. Both are one-dimensional, as `id_column` gives them.

    Raises:
        ValueError: one side holds integers and the other strings.
    """
    if isinstance(ids, pl.Series):
        if known.dtype.kind == "U":
            row = _rows_of_text(ids, known)
            missing = row < 0
            row[missing] = rows_of(id_array(ids.filter(missing)), known, column)
            return row
        ids = id_array(ids)
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


def encode(ids: Ids | pl.Series, known: Ids | None, column: str) -> tuple[NDArray[np.int32], Ids]:
    """Row numbers of `ids`, and the id map: `known` as it is, then the unknown ids in sorted order."""
    if known is None or known.size == 0:
        if not isinstance(ids, pl.Series):
            mapped, row = np.unique(ids, return_inverse=True)
            return row.astype(np.int32), mapped
        known = np.unique(id_array(ids.unique()))
    row = rows_of(ids, known, column)
    missing = row < 0
    if not missing.any():
        return row, known
    fresh, inverse = np.unique(id_array(ids)[missing], return_inverse=True)
    row[missing] = inverse + known.size
    return row, np.concatenate([known, fresh])


def id_column(values: ArrayLike | pl.Series | Iterable[int | str], column: str) -> Ids | pl.Series:
    """Ids as of `as_ids`, except that text of a Polars column stays there, where `rows_of` finds it faster.

    Raises:
        ValueError: as in `as_ids`, or the Polars column is of another kind.
    """
    if not isinstance(values, pl.Series):
        return as_ids(values, column)
    if nulls := values.null_count():
        raise ValueError(
            f"column {column!r}: expected an id in every row, found {nulls} nulls; drop those rows"
        )
    if values.dtype in (pl.String, pl.Categorical) or isinstance(values.dtype, pl.Enum):
        return values.cast(pl.String)
    if values.dtype.is_integer():
        return values.cast(pl.Int64).to_numpy()
    raise ValueError(f"column {column!r}: expected integer or string ids, found {values.dtype}")


def id_array(ids: Ids | pl.Series) -> Ids:
    """Ids as an array: text of a Polars column is converted, an array is returned as it is."""
    if not isinstance(ids, pl.Series):
        return ids
    return as_ids(ids.to_list() or np.array([], np.str_), ids.name)


def _rows_of_text(ids: pl.Series, known: Ids) -> NDArray[np.int32]:
    """`rows_of` for text by hashing, which is many times faster than a search in sorted order."""
    names = pl.Enum(pl.Series(known.tolist(), dtype=pl.String))
    return ids.cast(names, strict=False).to_physical().cast(pl.Int32).fill_null(-1).to_numpy(writable=True)
