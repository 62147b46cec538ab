"""Sample ratio: whether the numbers of units in the arms match their shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

ALARM = 0.001
"""Below this p-value the assignment, or the counting, is broken, and nothing else of the experiment can be trusted."""


def sample_ratio_p(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The χ² p-value of the units that arms have, given the shares they should have.

    Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled experiments". Arms with no share are to
    have no units: one that has some gives 0.

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
