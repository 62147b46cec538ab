"""Coverage: the share of the catalogue that an arm shows, and that a fixed number of its units see together."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

TOGETHER = 20
"""Units whose lists are laid together: more than one, so that an arm that shows all of them the same is known by it."""
COVERAGE, COVERAGE_TOGETHER = "coverage", f"coverage_of_{TOGETHER}"
"""Names of both in the report."""


def coverage(items: pl.Series, catalogue: int) -> float:
    """Share of the catalogue that occurs in at least one list.

    It has no interval: it grows with every unit, whatever the arm does, so that of two arms the larger one has more.

    Args:
        items: lists of the items that units were shown, all of the catalogue.
        catalogue: number of items.
    """
    return items.explode().drop_nulls().n_unique() / catalogue


def coverage_together(units: pl.DataFrame, catalogue: int) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Share of the catalogue that `TOGETHER` units of an arm see together, of one group of units after another.

    Groups are made in the order in which units came, and each unit is in one, so that these shares are independent and
    their mean does not depend on how large the arm is. Units that do not fill a group yet are left out.

    Args:
        units: one row a unit, with `unit`, `arm`, `first_shown`, and `items`, the list of what it was shown.
        catalogue: number of items.

    Returns:
        The share and the arm of each group, shapes (n,).
    """
    groups = (
        units.sort("first_shown", "unit")
        .select("arm", "items", group=pl.int_range(pl.len()).over("arm") // TOGETHER)
        .group_by("arm", "group", maintain_order=True)
        .agg(pl.len().alias("size"), pl.col("items").explode().drop_nulls().n_unique().alias("seen"))
        .filter(pl.col("size") == TOGETHER)
    )
    shares = groups["seen"].to_numpy().astype(np.float64) / catalogue
    return shares, groups["arm"].to_numpy().astype(str)
