"""How many examples a property is tried on."""

from __future__ import annotations

import os

JUDGES = "CI" in os.environ
"""Whether this run judges a change: it tries the same examples each time, a quarter as many."""


def examples(most: int, judged: int | None = None) -> int:
    """The number of examples: all where new ones are sought, `judged` where a change is judged.

    Args:
        most: all of them.
        judged: a quarter of them when left out, and four at least; fewer where an example takes seconds.
    """
    part = max(round(most / 4), min(most, 4)) if judged is None else judged
    return part if JUDGES else most
