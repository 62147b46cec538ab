"""How many examples a property is tried on."""

from __future__ import annotations

import os

JUDGES = "CI" in os.environ
"""Whether this run judges a change: it tries the same examples each time, a quarter as many."""


def examples(most: int) -> int:
    """The number of examples: all where new ones are sought, the part of them that judges a change; few stay."""
    return max(round(most / 4), min(most, 4)) if JUDGES else most
