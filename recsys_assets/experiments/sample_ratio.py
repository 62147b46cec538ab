"""Sample ratio: whether the numbers of units in the arms match their shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

ALARM = 0.001
"""The p-value below which the assignment or the counting is broken, so that no result of the experiment can be
trusted."""


def sample_ratio_p(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The χ² p-value of the numbers of units in the arms, given their planned shares.

    Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled experiments". Arms without a share must
    have no units; if one has, the p-value is 0.

    Raises:
        ValueError: there are not as many shares as counts.
    """
    if len(counts) != len(shares):
        raise ValueError(f"{len(counts)} counts and {len(shares)} shares")
    seen, wanted = np.asarray(counts, np.float64), np.asarray(shares, np.float64)
    if seen[wanted == 0].any():
        return 0.0
    seen, wanted = seen[wanted > 0], wanted[wanted > 0]
    if seen.sum() == 0 or seen.size < 2:
        return 1.0
    expected = wanted / wanted.sum() * seen.sum()
    return float(chdtrc(seen.size - 1, ((seen - expected) ** 2 / expected).sum()))
