"""Metric: a number computed from the sums that are kept for each unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.experiments.adjustment import adjusted, linearised


@dataclass(frozen=True)
class Metric:
    """A metric of an arm: the mean of a column over its units, or the ratio of the sums of two.

    Attributes:
        name: its name in experiments.
        text: its description.
        numerator: column of the table of units.
        denominator: column; None where every unit counts once.
        before: columns from before the experiment that predict this metric best.
    """

    name: str
    text: str
    numerator: str
    denominator: str | None = None
    before: tuple[str, ...] = ()

    def values(self, units: pl.DataFrame, arm: NDArray[np.str_]) -> NDArray[np.float64]:
        """One number per unit, whose mean over an arm is the arm's metric, adjusted for the past where it is known.

        Args:
            units: one row per unit, with the metric's columns.
            arm: each unit's arm, shape (n,).

        Returns:
            Shape (n,); NaN in an arm without any count.
        """
        numerator = units[self.numerator].to_numpy().astype(np.float64)
        if self.denominator is None:
            values = numerator
        else:
            values = linearised(numerator, units[self.denominator].to_numpy(), arm)
        known = [column for column in self.before if column in units.columns]
        if not known or not np.isfinite(values).all():
            return values
        past = units.select(pl.col(known).fill_null(0).cast(pl.Float64)).to_numpy()
        newcomers = (past == 0).all(axis=1).astype(np.float64)
        return adjusted(values, np.column_stack([past, newcomers]), arm)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                "conversion",
                "share of units that bought",
                "converted",
                before=("baskets_before", "spent_before"),
            ),
            Metric(
                "revenue",
                "amount that a unit bought for",
                "revenue",
                before=("spent_before", "baskets_before"),
            ),
            Metric(
                "purchases",
                "things that a unit bought",
                "purchases",
                before=("baskets_before", "spent_before"),
            ),
            Metric("click_rate", "clicks on what was shown, by exposures", "clicks", "exposures"),
            Metric("satisfaction", "mean of ratings of what was shown", "rating_sum", "ratings"),
        )
    }
)
"""Metrics by name that experiments can be judged by."""
