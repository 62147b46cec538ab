"""Sample size: how many units an experiment needs to detect an effect of a given size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import ndtri

from recsys_assets.experiments.interval import half_width


def units_needed(
    effect: float,
    deviation: float,
    shares: Sequence[float],
    *,
    alpha: float,
    planned: float | None = None,
    power: float = 0.9,
) -> int:
    """Number of units of two arms together with which a confidence sequence detects an effect with some probability.

    At that size the interval's half-width plus the estimate's own spread equals the effect. Because a sequence may
    detect it sooner, the probability is a little higher than `power`.

    Args:
        effect: difference of the means to be detected, in the metric's units; its sign does not matter.
        deviation: of one unit's value within an arm.
        shares: of the control and of the other arm among the two.
        alpha: the probability of ever being wrong.
        planned: number of units at which the sequence is narrowest; None: the result itself.
        power: the probability of detecting an existing effect.

    Raises:
        ValueError: there is no effect, or an arm without a share.
    """
    if not effect or min(shares) <= 0 or len(shares) != 2:
        raise ValueError(f"an effect that is not 0 and two shares are needed, not {effect} and {shares}")
    total = sum(shares)
    score = abs(deviation) * math.sqrt(sum(total / share for share in shares))
    if score == 0:
        return 2

    def found(units: int) -> bool:
        spread = half_width(units, planned or units, alpha) + float(ndtri(power)) / math.sqrt(units)
        return score * spread <= abs(effect)

    high = 2
    while not found(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high
