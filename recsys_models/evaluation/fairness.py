"""Fairness: whether all customer groups are served equally well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl


def by_segment(
    per_user: pl.DataFrame, segments: pl.DataFrame | Mapping[Any, str], metrics: Sequence[str]
) -> pl.DataFrame:
    """Means of per-user metrics for each value of each segmentation; users in none are "unknown".

    Args:
        per_user: `user_id` and the metrics.
        segments: `user_id` and one column per segmentation, or a mapping from user id to segment.

    Returns:
        Columns segment, value, users and the metrics, sorted by segment and value.

    Raises:
        ValueError: there is no column `user_id`, or no other column.
    """
    if isinstance(segments, Mapping):
        segments = pl.DataFrame({"user_id": list(segments), "segment": list(segments.values())})
    if "user_id" not in segments.columns:
        raise ValueError(f"segments: expected a column 'user_id', found {segments.columns}")
    names = [name for name in segments.columns if name != "user_id"]
    if not names:
        raise ValueError("segments: expected a column besides 'user_id', found none")
    # under numbers, so that a segmentation may have the name of a metric
    values = segments.unique("user_id", keep="first").select(
        "user_id", *(pl.col(name).cast(pl.String).alias(f" {number}") for number, name in enumerate(names))
    )
    joined = per_user.join(values, on="user_id", how="left")
    tables = [
        joined.group_by(pl.col(f" {number}").fill_null("unknown").alias(" value"))
        .agg(pl.len().alias(" users"), *(pl.col(metric).mean() for metric in metrics))
        .select(
            pl.lit(name).alias("segment"),
            pl.col(" value").alias("value"),
            pl.col(" users").alias("users"),
            *metrics,
        )
        for number, name in enumerate(names)
    ]
    return pl.concat(tables).sort("segment", "value")


def spread(segments: pl.DataFrame, metric: str = "ndcg") -> pl.DataFrame:
    """Spread of a metric between the groups of each segmentation.

    The largest difference and the smallest ratio between groups are those of Ekstrand et al. 2022, "Fairness in
    information access systems", section 5 (consumer fairness as equal utility); small groups scatter by chance, so the
    deviation counts each group by its users.

    Args:
        segments: as `by_segment` gives it.

    Returns:
        One row per segmentation: segment, groups, users, worst, best (the groups' names), gap (best - worst), ratio
        (worst / best, 1 where all are 0), deviation (standard deviation over groups, weighted by users).
    """
    if not segments.height:
        return pl.DataFrame(schema=SPREAD)
    value, users = pl.col(metric), pl.col("users")
    mean = (value * users).sum() / users.sum()
    return (
        segments.sort("segment", "value")
        .group_by("segment", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("groups"),
            users.sum().cast(pl.Int64),
            pl.col("value").get(value.arg_min()).alias("worst"),
            pl.col("value").get(value.arg_max()).alias("best"),
            (value.max() - value.min()).alias("gap"),
            pl.when(value.max() > 0).then(value.min() / value.max()).otherwise(1.0).alias("ratio"),
            (((value - mean) ** 2 * users).sum() / users.sum()).sqrt().alias("deviation"),
        )
        .select(*SPREAD)
    )


SPREAD = {
    "segment": pl.String,
    "groups": pl.Int64,
    "users": pl.Int64,
    "worst": pl.String,
    "best": pl.String,
    "gap": pl.Float64,
    "ratio": pl.Float64,
    "deviation": pl.Float64,
}
