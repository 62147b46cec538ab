"""TimeLeft: the time that a proof may still take, asked for before each run."""

from __future__ import annotations

import time


class TimeLeft:
    """Time for a proof, by the clock on the wall, from the moment it is made.

    What ends by it says nothing of the lineage: it was not tried.

    Args:
        given: seconds; None for as many as it takes.
    """

    def __init__(self, given: float | None) -> None:
        self.given = given
        self._began = time.perf_counter()

    @property
    def spent(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._began

    @property
    def seconds(self) -> float | None:
        """Seconds that are left, at least 0; None without a limit."""
        return None if self.given is None else max(self.given - self.spent, 0.0)

    @property
    def is_over(self) -> bool:
        """Whether there is none left."""
        return self.seconds == 0

    def part(self, share: float) -> TimeLeft:
        """A share of what is left."""
        left = self.seconds
        return TimeLeft(None if left is None else left * share)
