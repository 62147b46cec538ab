"""Relations between items of one group: from each item to the most bought others."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


def most_bought_of_group(
    groups: pl.DataFrame, bought: pl.DataFrame, n: int = 10
) -> tuple[pl.Series, pl.Series, NDArray[np.float32]]:
    """Edges from each item to the `n` most bought other items of its group.

    Args:
        groups: columns `item_id` (each once) and `group`; items without a group have no edges.
        bought: columns `item_id` (each once) and `bought`, a number; items that are not in it count as 0.

    Returns:
        Source ids, target ids and weights 1 / place in the group, equally long; by source, then place. Items bought
        equally often are placed by id.
    """
    known = groups.select("item_id", "group").drop_nulls()
    place = pl.struct(-pl.col("bought").fill_null(0), "item_id").rank("ordinal").over("group")
    placed = known.join(bought.select("item_id", pl.col("bought").cast(pl.Float64)), on="item_id", how="left")
    best = placed.select("item_id", "group", place=place).filter(pl.col("place") <= n)
    pairs = known.join(best, on="group", suffix="_other")
    pairs = pairs.filter(pl.col("item_id") != pl.col("item_id_other")).sort("item_id", "place")
    return pairs["item_id"], pairs["item_id_other"], (1 / pairs["place"].to_numpy()).astype(np.float32)
