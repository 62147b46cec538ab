"""Moments: the times of interactions, in whatever form the caller has them, as microseconds since 1970."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from recsys_models.data.ids import must_be_unmasked

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UNITS = {"seconds": 10**6, "milliseconds": 10**3, "nanoseconds": 10**-3}
EARLIEST, LATEST = -62_135_596_800 * 10**6, 253_402_300_800 * 10**6
"""The years 1 to 9999 in microseconds, beyond which there are no `datetime`s."""
FROM, TO = 1.0e15, 2.3e15
"""The years 2001 to 2042 in microseconds: a number that falls within them in another unit was meant in that unit."""


def moments(values: ArrayLike | pl.Series, column: str) -> NDArray[np.int64]:
    """Microseconds since 1970 of integers in microseconds, `datetime`s, `date`s, or arrays of these. Shape (n,).

    Datetimes without a zone are taken as they are, those with one are converted to UTC.

    Raises:
        ValueError: a value is missing, no time, outside of the years 1 to 9999, or on the scale of another unit; the
            message names column and row.
    """
    must_be_unmasked(values, column)
    if isinstance(values, pl.Series):
        if nulls := values.null_count():
            row = values.is_null().arg_max()
            raise ValueError(
                f"column {column!r}: expected a moment in every row, found {nulls} nulls, the first in row {row}; "
                "drop those rows"
            )
        if values.dtype in (pl.Datetime, pl.Date):
            return _of_the_calendar(values.cast(pl.Datetime("us")).dt.epoch("us").to_numpy(), column)
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
        # a year that microseconds do not reach would come out as another one
        years = array.astype("datetime64[Y]").astype(np.int64) + 1970
        _must_be_of_the_calendar((years >= 1) & (years <= 9999), array, column)
        return array.astype("datetime64[us]").astype(np.int64)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"column {column!r}: expected microseconds or datetimes, found {array.dtype}")
    wrong = np.flatnonzero(~(np.abs(array.astype(np.float64)) < 2.0**63) | (array != np.trunc(array)))
    if wrong.size:
        raise ValueError(
            f"column {column!r}: expected finite whole numbers of microseconds, found {array[wrong[0]]} in row "
            f"{wrong[0]} ({wrong.size} such rows); drop or convert them"
        )
    times = array.astype(np.int64)
    positive = times[times > 0]  # 0 and -1 often stand for a time that is not known
    for unit, factor in UNITS.items():
        if positive.size and float(positive.min()) * factor >= FROM and float(positive.max()) * factor < TO:
            row = int((times > 0).argmax())
            raise ValueError(
                f"column {column!r}: expected microseconds since 1970, found {times[row]} in row {row}, which would be "
                f"{EPOCH.year + times[row] / 31_556_952e6:.0f}; as {unit} all lie between 2001 and 2042: convert "
                f"them (factor {factor:g}), or pass datetimes"
            )
    return _of_the_calendar(times, column)


def _of_the_calendar(microseconds: NDArray[np.int64], column: str) -> NDArray[np.int64]:
    """The microseconds, all of the years 1 to 9999."""
    inside = (microseconds >= EARLIEST) & (microseconds < LATEST)
    _must_be_of_the_calendar(inside, microseconds, column)
    return microseconds


def _must_be_of_the_calendar(inside: NDArray[np.bool_], values: NDArray[Any], column: str) -> None:
    if not inside.all():
        row = int((~inside).argmax())
        raise ValueError(
            f"column {column!r}: expected moments of the years 1 to 9999, found {values[row]} in row {row} "
            f"({int((~inside).sum())} such rows); drop or correct them"
        )


def _of_python(values: Any, column: str) -> NDArray[Any]:
    """Python's own values as an array, of `datetime64` where they are datetimes or dates."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"column {column!r}: expected a sequence of moments, found {values!r:.60}")
    listed = list(values)
    if not any(isinstance(value, date) for value in listed):
        for row, value in enumerate(listed):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number | np.datetime64):
                raise ValueError(
                    f"column {column!r}: expected microseconds or datetimes, found {value!r:.60} in row {row}"
                )
        if len({isinstance(value, np.datetime64) for value in listed}) > 1:
            row = [isinstance(value, np.datetime64) for value in listed].index(True)
            raise ValueError(
                f"column {column!r}: expected microseconds or datetimes in every row, found both, {listed[row]!r} in "
                f"row {row}"
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
