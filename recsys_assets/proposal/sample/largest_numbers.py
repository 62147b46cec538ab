"""Largest numbers: limits for prices and quantities that are larger than usual, as in dong or in grams."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from recsys_assets.proposal.sample.line_sums import numbers_of
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.shop.source_settings import SourceSettings

_LIMIT = min(SourceSettings.largest_price, SourceSettings.largest_quantity)
_NEAR = 0.1
"""Share of the usual limit from which numbers of files to come may exceed it."""
_TIMES = 1_000
"""Largest factor between a number that is no error and the usual one."""
_MOST_ARE_BELOW = 0.9


def largest_numbers(frame: pl.DataFrame, columns: Sequence[SampledColumn]) -> Mapping[str, float]:
    """Column → a limit for its numbers, a power of ten; only columns with numbers near the usual limit or above it.

    The limit follows from the numbers of most rows, so that one wrong number does not raise it.
    """
    found: dict[str, float] = {}
    for column in columns:
        if column.kind != "number":
            continue
        numbers = numbers_of(frame, column).abs().drop_nulls()
        numbers = numbers.filter(numbers.is_finite())
        if not numbers.len() or numbers.max() < _NEAR * _LIMIT:  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
            continue
        usual = numbers.quantile(_MOST_ARE_BELOW, "lower") or 0
        if _TIMES * usual > _LIMIT:
            found[column.name] = 10.0 ** math.ceil(math.log10(_TIMES * usual))
    return found
