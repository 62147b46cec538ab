"""Recommendations of a made-up shop, night by night: a model that is fitted anew each night on slowly moving tastes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import duckdb
import numpy as np
import polars as pl

from recsys_assets.assets.serving.served_profiles import PROFILE
from recsys_assets.sql import load_sql

ITEMS, LENGTH = 300, 20
PROFILES = pl.DataFrame({"item_id": [f"i{item}" for item in range(ITEMS)]}).with_columns(
    department=pl.format("d{}", pl.int_range(ITEMS) % 5),
    category=pl.format("c{}", pl.int_range(ITEMS) % 14),
    brand=pl.format("b{}", pl.int_range(ITEMS) % 40),
)
Night = tuple[str, pl.DataFrame]
"""The champion's family, and what it recommends."""


def quiet_nights(seed: int, nights: int, customers: int = 250) -> Iterable[Night]:
    """Nights on which tastes and scores move a little, a few customers join, and nothing else happens."""
    generator = np.random.default_rng(seed)
    taste, vectors = generator.normal(size=(customers + nights, 8)), generator.normal(size=(ITEMS, 8))
    popular = generator.gamma(1.0, 1.0, ITEMS)
    for night in range(nights):
        vectors += 0.01 * generator.normal(size=vectors.shape)
        there = customers + night // 3
        scores = 2 + (taste[:there] @ vectors.T) / 4 + 0.5 * popular
        scores = scores * (1 + 0.01 * generator.normal()) + 0.1 * generator.normal(size=scores.shape)
        best = np.argsort(-scores, axis=1)[:, :LENGTH]
        cold = generator.random(there) < 0.05
        yield (
            "lightgcn",
            pl.DataFrame(
                {
                    "user_id": np.repeat(np.arange(there), LENGTH).astype(str),
                    "rank": np.tile(np.arange(1, LENGTH + 1), there),
                    "item_id": [f"i{item}" for item in best.ravel()],
                    "score": np.take_along_axis(scores, best, 1).ravel(),
                    "cold": np.repeat(cold, LENGTH),
                }
            ),
        )


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "scores are a third larger": lambda t: t.with_columns(pl.col("score") * 4 / 3),
    "scores are missing": lambda t: t.with_columns(score=pl.lit(None, pl.Float64)),
    "one item leads every list": lambda t: t.with_columns(
        item_id=pl.when(pl.col("rank") == 1).then(pl.lit("i7")).otherwise("item_id")
    ),
    "a category vanishes": lambda t: t.join(
        PROFILES.filter(pl.col("category") == "c3"), on="item_id", how="anti"
    ),
    "everybody gets the same list": lambda t: t.with_columns(item_id=pl.col("item_id").first().over("rank")),
    "nobody is known": lambda t: t.with_columns(cold=pl.lit(True)),
    "half of the customers get none": lambda t: t.filter(pl.col("user_id").cast(pl.Int64) % 2 == 0),
    "lists are half as long": lambda t: t.filter(pl.col("rank") <= LENGTH // 2),
    "items that are not described": lambda t: t.with_columns(pl.format("00{}", "item_id").alias("item_id")),
}


def profile(version: int, night: Night) -> pl.DataFrame:
    """A night's profile, by the platform's SQL."""
    family, frame = night
    with duckdb.connect() as connection:
        connection.register("recommendations", frame)
        connection.register("item_profiles", PROFILES)
        found = connection.sql(PROFILE).pl()
    moment = pl.datetime(2026, 1, 1) + pl.duration(days=version)
    return found.with_columns(version=pl.lit(version), family=pl.lit(family), night=moment)


def report(profiles: pl.DataFrame) -> pl.DataFrame:
    """The report on these profiles, by the platform's SQL."""
    with duckdb.connect() as connection:
        connection.register("recommendation_profiles", profiles)
        return connection.sql(load_sql("feedback", "recommendation_drift")).pl()
