"""Stable maps between the caller's ids and row numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Ids = NDArray[np.generic]

LONGEST_ID = 1000
"""Largest number of characters of an id: NumPy stores every id of an array with the length of the longest."""


def as_ids(values: ArrayLike | Iterable[int | str], column: str) -> Ids:
    """Ids as an int64 or a string array.

    Raises:
        ValueError: an id is missing, too large or too long, or the ids are neither all integers nor all strings; the
            message names the column and the row.
    """
    if isinstance(values, pl.Series):
        return id_array(_of_series(values, column))
    if not hasattr(values, "__array__"):
        return id_array(_of_objects(_listed(values, column), column))
    must_be_unmasked(values, column)
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"column {column!r}: expected one dimension, found {array.ndim}")
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        row = int(array.argmax())
        raise ValueError(f"column {column!r}: expected integers below 2^63, found {array[row]} in row {row}")
    if array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "U" and array.dtype.itemsize <= 4 * LONGEST_ID and _is_unicode(array):
        return array
    if array.dtype.kind in "OTU":
        return id_array(_of_objects(array.tolist(), column))
    if not array.size:
        return array.astype(np.int64)
    raise ValueError(f"column {column!r}: expected integer or string ids, found {array.dtype}")


def must_be_unmasked(values: Any, column: str) -> None:
    """Refuse a masked NumPy array that hides a value, because other functions would read the hidden value."""
    if np.ma.is_masked(values):
        row = int(np.ma.getmaskarray(values).ravel().argmax())
        raise ValueError(
            f"column {column!r}: expected a value in every row, found a masked one in row {row}; drop or fill them"
        )


def _is_unicode(text: NDArray[np.str_]) -> bool:
    """Whether no character is one half of a surrogate pair, which no file can hold."""
    codes = np.ascontiguousarray(text).view(np.uint32)
    return not bool(((codes >= 0xD800) & (codes < 0xE000)).any())


def _listed(values: Any, column: str) -> list[Any]:
    if isinstance(values, str | bytes | Mapping | Set) or not isinstance(values, Iterable):
        raise ValueError(
            f"column {column!r}: expected a sequence of ids, found {type(values).__name__} {values!r:.60}; "
            "pass a list, in which one id stands alone as well"
        )
    return list(values)


def _of_objects(values: Sequence[Any], column: str) -> Ids | pl.Series:
    """Python's own values as ids: all text or all whole numbers, none of which NumPy would change."""
    if not values:
        return np.empty(0, np.int64)
    text = isinstance(values[0], str)
    kinds = (str,) if text else (int, np.integer)
    for row, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, kinds):
            found = sorted({type(each).__name__ for each in values})
            raise ValueError(
                f"column {column!r}: expected integer or string ids that are all integers or all strings, found "
                f"{value!r:.60} in row {row} ({', '.join(found)}); drop rows without an id, cast the rest to one type"
            )
    if text:
        try:
            column_of_text = pl.Series(column, values, dtype=pl.String)
        except UnicodeEncodeError as error:
            raise ValueError(f"column {column!r}: expected text that is Unicode, found {error}") from error
        return _of_series(column_of_text, column)
    for row, value in enumerate(values):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"column {column!r}: expected integers below 2^63, found {value} in row {row}")
    return np.array(values, np.int64)


def _must_be_plain(text: pl.Series, column: str) -> None:
    """Refuse text that NumPy would cut, or for which it would take too much memory."""
    for bad, words in (
        (text.str.ends_with("\0"), "expected ids that do not end in NUL, which NumPy takes for no character"),
        (
            text.str.len_chars() > LONGEST_ID,
            f"expected ids of at most {LONGEST_ID} characters, for longer ones a hash",
        ),
    ):
        row = bad.arg_max() if bad.any() else None
        if row is not None:
            length = len(text[row])
            raise ValueError(
                f"column {column!r}: {words}; found {text[row]!r:.60} ({length} characters) in row {row}"
            )


def rows_of(ids: Ids | pl.Series, known: Ids, column: str = "id") -> NDArray[np.int32]:
    """Row number of each of `ids` in `known`, -1 where unknown. Both are one-dimensional, as `id_column` gives them.

    Raises:
        ValueError: one side holds integers and the other strings.
    """
    if isinstance(ids, pl.Series):
        if known.dtype.kind == "U":
            return _rows_of_text(ids, known)
        ids = id_array(ids)
    if ids.size == 0 or known.size == 0:
        return np.full(ids.size, -1, np.int32)
    if (ids.dtype.kind == "U") != (known.dtype.kind == "U"):
        raise ValueError(
            f"column {column!r}: expected ids of the kind {known.dtype} (as {known[0].item()!r}), "
            f"found {ids.dtype} (as {ids[0].item()!r}); cast them"
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
    """Ids as in `as_ids`, but text stays in a Polars column, where `rows_of` is faster and an id takes only the memory
    of its own characters.

    Raises:
        ValueError: as in `as_ids`.
    """
    if isinstance(values, pl.Series):
        return _of_series(values, column)
    if not hasattr(values, "__array__"):
        return _of_objects(_listed(values, column), column)
    return as_ids(values, column)


def _of_series(values: pl.Series, column: str) -> Ids | pl.Series:
    if nulls := values.null_count():
        row = values.is_null().arg_max()
        raise ValueError(
            f"column {column!r}: expected an id in every row, found {nulls} nulls, first in row {row}; drop those rows"
        )
    if values.dtype in (pl.String, pl.Categorical) or isinstance(values.dtype, pl.Enum):
        text = values.cast(pl.String)
        _must_be_plain(text, column)
        return text
    if values.dtype in (pl.Int128, pl.UInt128):  # which NumPy does not have
        return as_ids(values.to_list(), column)
    if values.dtype.is_integer():
        return as_ids(values.to_numpy(), column)
    if values.dtype == pl.Null or values.dtype == pl.Object:
        return as_ids(values.to_list(), column)
    raise ValueError(f"column {column!r}: expected integer or string ids, found {values.dtype}")


def id_array(ids: Ids | pl.Series) -> Ids:
    """Ids as an array: text of a Polars column is converted, an array is returned as it is."""
    if not isinstance(ids, pl.Series):
        return ids
    return np.array(ids.to_list(), np.str_)


def _rows_of_text(ids: pl.Series, known: Ids) -> NDArray[np.int32]:
    """`rows_of` for text by hashing, which is many times faster than a search in sorted order."""
    names = pl.Enum(pl.Series(known.tolist(), dtype=pl.String))
    return ids.cast(names, strict=False).to_physical().cast(pl.Int32).fill_null(-1).to_numpy(writable=True)
