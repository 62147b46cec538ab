"""Coverage: the share of the catalogue that an arm shows, and that a fixed number of its units see together."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

TOGETHER = 20
"""Number of units whose lists are combined; more than one, so that it shows when an arm gives all of them the same
list."""
COVERAGE, COVERAGE_TOGETHER = "coverage", f"coverage_of_{TOGETHER}"
"""Names of both in the report."""


def coverage(items: pl.Series, catalogue: int) -> float:
    """Share of the catalogue that occurs in at least one list.

    It has no interval: it grows with every unit whatever the arm does, so the larger of two arms has more.

    Args:
        items: lists of the items that units were shown, all of the catalogue.
        catalogue: number of items.
    """
    return items.explode().drop_nulls().n_unique() / catalogue


def coverage_together(units: pl.DataFrame, catalogue: int) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Share of the catalogue that groups of `TOGETHER` units of an arm see together, one value per group.

    Groups follow the order in which units came, and each unit is in one, so these shares are independent and their mean
    does not depend on the size of the arm. Units that do not fill a group yet are left out.

    Args:
        units: one row per unit, with `unit`, `arm`, `first_shown`, and `items`, the list of items that it was shown.
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
