"""Moments: the times of interactions, in whatever form the caller has them, as microseconds since 1970."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UNITS = {"seconds": 10**6, "milliseconds": 10**3, "nanoseconds": 10**-3}
FROM, TO = 1.0e15, 2.3e15
"""The years 2001 to 2042 in microseconds: numbers that lie there in another unit were meant in that unit."""


def moments(values: ArrayLike | pl.Series, column: str) -> NDArray[np.int64]:
    """Microseconds since 1970 of integers in microseconds, `datetime`s, `date`s, or arrays of these. Shape (n,).

    Datetimes without a zone are taken as they are, those with one are turned to UTC.

    Raises:
        ValueError: a value is missing, no time, or on the scale of another unit; the message names column and row.
    """
    if isinstance(values, pl.Series):
        if nulls := values.null_count():
            row = values.is_null().arg_max()
            raise ValueError(
                f"column {column!r}: expected a moment in every row, found {nulls} nulls, the first in row {row}; "
                "drop those rows"
            )
        if values.dtype in (pl.Datetime, pl.Date):
            return values.dt.epoch("us").to_numpy()
        values = values.to_numpy() if values.dtype.is_numeric() else values.to_list()
    array: NDArray[Any] = np.asarray(values if hasattr(values, "__array__") else _of_python(values, column))
    if array.ndim != 1:
        raise ValueError(f"column {column!r}: expected one dimension, found {array.ndim}")
    if array.dtype.kind == "O":
        array = _of_python(array.tolist(), column)
    if not array.size:
        return array.astype(np.int64)
    if array.dtype.kind == "M":
        missing = np.flatnonzero(np.isnat(array))
        if missing.size:
            raise ValueError(
                f"column {column!r}: expected a moment in every row, found NaT in row {missing[0]} "
                f"({missing.size} such rows); drop those rows"
            )
        return array.astype("datetime64[us]").astype(np.int64)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"column {column!r}: expected microseconds or datetimes, found {array.dtype}")
    wrong = np.flatnonzero(~(np.abs(array.astype(np.float64)) < 2.0**63) | (array != np.trunc(array)))
    if wrong.size:
        raise ValueError(
            f"column {column!r}: expected finite whole numbers of microseconds, found {array[wrong[0]]} in row "
            f"{wrong[0]} ({wrong.size} such rows); drop or convert them"
        )
    whole = array.astype(np.int64)
    for unit, factor in UNITS.items():
        if float(whole.min()) * factor >= FROM and float(whole.max()) * factor < TO:
            raise ValueError(
                f"column {column!r}: expected microseconds since 1970, found {whole[0]} in row 0, which would be "
                f"{EPOCH.year + whole[0] / 31_556_952e6:.0f}; as {unit} all lie between 2001 and 2042: convert "
                f"them (factor {factor:g}), or pass datetimes"
            )
    return whole


def _of_python(values: Any, column: str) -> NDArray[Any]:
    """Python's own values as an array, of `datetime64` where they are datetimes or dates."""
    if isinstance(values, str | bytes):
        raise ValueError(f"column {column!r}: expected a sequence of moments, found {values!r:.60}")
    listed = list(values)
    if not any(isinstance(value, date) for value in listed):
        for row, value in enumerate(listed):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number | np.datetime64):
                raise ValueError(
                    f"column {column!r}: expected microseconds or datetimes, found {value!r:.60} in row {row}"
                )
        return np.asarray(listed)
    zoned = {isinstance(value, datetime) and value.tzinfo is not None for value in listed}
    for row, value in enumerate(listed):
        if not isinstance(value, date) or len(zoned) > 1 or value != value:
            raise ValueError(
                f"column {column!r}: expected datetimes in every row, all with a zone or all without, found "
                f"{value!r:.60} in row {row}"
            )
    return np.array([_microseconds(value) for value in listed], "datetime64[us]")


def _microseconds(moment: date) -> int:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)) - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds
