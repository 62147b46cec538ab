"""TimeLeft: the remaining time of a proof, checked before each run."""

from __future__ import annotations

import time


class TimeLeft:
    """Wall time for a proof, from the moment of creation.

    Tests that it cuts off say nothing about the lineage; they count as not tried.

    Args:
        limit: the time in seconds; no limit when None.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self._began = time.perf_counter()

    @property
    def spent(self) -> float:
        """Seconds since its creation."""
        return time.perf_counter() - self._began

    @property
    def seconds(self) -> float | None:
        """Remaining seconds, at least 0; None without a limit."""
        return None if self.limit is None else max(self.limit - self.spent, 0.0)

    @property
    def is_over(self) -> bool:
        """Whether there is none left."""
        return self.seconds == 0

    def part(self, share: float) -> TimeLeft:
        """A share of the remaining time."""
        left = self.seconds
        return TimeLeft(None if left is None else left * share)
