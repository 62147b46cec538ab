"""Drawn places: the places of shown lists that exploration drew by lot, and where a recommender agrees with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.experiments.units import CLICKS

REWARDS = ("click", "purchase")
"""Rewards that a place in a list is judged by."""


def drawn_places(exposures: pl.DataFrame, feedback: pl.DataFrame) -> pl.DataFrame:
    """All places of lists of named customers, with their outcomes; `drawn` marks those drawn by lot.

    Args:
        exposures: of the asset `exposures`.
        feedback: of the asset `feedback`.

    Returns:
        One row per place, by list and position, with the columns of `exposures`, `drawn`, `click` and `purchase` (1 or
        0). A place whose item is certain was not drawn, because there was no choice.
    """
    done = (
        feedback.filter(pl.col("action").is_in(CLICKS), pl.col("query_id").is_not_null())
        .group_by("query_id", "item_id")
        .agg(
            pl.lit(1.0).first().alias("click"),
            (pl.col("action") == "purchase").any().cast(pl.Float64).alias("purchase"),
        )
    )
    return (
        exposures.filter(pl.col("user_id").is_not_null())
        .join(done, on=["query_id", "item_id"], how="left")
        .with_columns(pl.col(REWARDS).fill_null(0.0), drawn=pl.col("propensity") < 1)
        .sort("time", "query_id", "position")
    )


def choices(places: pl.DataFrame, rankings: Iterable[tuple[str, Sequence[str]]]) -> pl.Series:
    """A recommender's choice at each place: its best item for the customer that is still to be placed.

    That is an item that is neither above it nor pinned to another place of the list.

    Args:
        places: of `drawn_places`: whole lists, by position.
        rankings: the recommender's items for each customer, best first, at least as many as the longest list.

    Returns:
        The item of each place, shape (n,); None where the ranking has no more.
    """
    ranked = dict(rankings)
    chosen: list[str | None] = []
    pinned: dict[str, set[str]] = {}
    for list_id, item in places.filter(~pl.col("drawn")).select("query_id", "item_id").iter_rows():
        pinned.setdefault(list_id, set()).add(item)
    query, placed, ranking, at = None, set[str](), (), 0
    for list_id, user, item in places.select("query_id", "user_id", "item_id").iter_rows():
        if list_id != query:
            query, placed, ranking, at = list_id, pinned.get(list_id, set()), ranked.get(user, ()), 0
        while at < len(ranking) and ranking[at] in placed:
            at += 1
        chosen.append(ranking[at] if at < len(ranking) else None)
        placed.add(item)
    return pl.Series("chosen", chosen, dtype=pl.String)


def expected_rewards(places: pl.DataFrame, reward: str, chosen: pl.Series) -> tuple[NDArray[np.float64], ...]:
    """Expected rewards, by a simple model, of the item shown at each place, and of the recommender's choice.

    The model is the rate of the position times a factor of the item, shrunk towards 1 for items with few exposures.
    Each customer's places are judged by the model of the other half of the customers.

    Returns:
        Two arrays of shape (n,).
    """
    # by the order in which customers came, not by chance, so that a report is reproducible
    half = places.select(half=pl.col("user_id").rank("dense") % 2)["half"]
    frame = places.select("position", "item_id", y=pl.col(reward)).with_columns(chosen=chosen, half=half)
    frame = frame.with_row_index("row")
    parts: list[pl.DataFrame] = []
    for each in (0, 1):
        others, own = frame.filter(pl.col("half") != each), frame.filter(pl.col("half") == each)
        overall = others["y"].mean() if others.height else 0.0
        rates = others.group_by("position").agg(rate=pl.col("y").mean())
        factors = (
            others.join(rates, on="position")
            .group_by("item_id")
            .agg(factor=(pl.col("y").sum() + 1) / (pl.col("rate").sum() + 1))
        )
        joined = (
            own.join(rates, on="position", how="left", maintain_order="left")
            .join(factors, on="item_id", how="left", maintain_order="left")
            .join(
                factors.rename({"item_id": "chosen", "factor": "of_chosen"}),
                on="chosen",
                how="left",
                maintain_order="left",
            )
            .with_columns(pl.col("rate").fill_null(overall), pl.col("factor", "of_chosen").fill_null(1.0))
        )
        parts.append(
            joined.select(
                "row",
                shown=pl.min_horizontal(pl.col("rate") * pl.col("factor"), 1.0),
                wanted=pl.min_horizontal(pl.col("rate") * pl.col("of_chosen"), 1.0),
            )
        )
    found = pl.concat(parts).sort("row")
    return found["shown"].to_numpy().astype(np.float64), found["wanted"].to_numpy().astype(np.float64)
