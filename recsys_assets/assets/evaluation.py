"""`evaluation`: every candidate ranks the whole catalogue for every test user."""

from __future__ import annotations

import polars as pl

from recsys_assets.assets.competing import candidate_name
from recsys_assets.assets.training import KINDS, METRICS, split_data, stored_model
from recsys_assets.plots import bars
from recsys_lineage.asset_code import Output
from recsys_lineage.inputs import Inputs

SCHEMA = {
    "family": pl.String,
    "kind": pl.String,
    "level": pl.String,
    "segment": pl.String,
    "member": pl.String,
    "metric": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "users": pl.Int64,
}
SEGMENTS = ("segment",)
"""Columns of user_profiles by which the metrics are given separately."""
PER_USER_METRICS = ("ndcg", "recall")


def evaluation(inputs: Inputs, families: list[str]) -> Output:
    """Metrics of all candidates on the held-out weeks, by customer segment and user, without and with repeats.

    `level` is all, segment or user; `member` is the segment's value or the user's id.
    """
    from recsys_models import evaluate

    data = split_data(inputs)
    profiles = inputs.frame("user_profiles", ["user_id", *SEGMENTS])
    parts: list[pl.DataFrame] = []
    for family in families:
        model = stored_model(inputs, candidate_name(family))
        for kind, exclude_seen in KINDS.items():
            result = evaluate(
                model,
                data.before_test,
                data.test,
                k=20,
                ks=(10, 20),
                exclude_seen=exclude_seen,
                segments=profiles,
            )
            parts.append(_overall(family, kind, result.metrics, result.n_users))
            if result.segments is not None:
                parts.append(_by_segment(family, kind, result.segments, result.k))
            parts.append(_by_user(family, kind, result.per_user, result.k))
    table = pl.concat(parts)
    shown = table.filter((pl.col("level") == "all") & (pl.col("metric") == "ndcg") & (pl.col("k") == 20))
    best = shown.filter(pl.col("kind") == "new items").sort("value", descending=True).row(0, named=True)
    plot = bars(shown, value="value", label="family", colour="kind", title="NDCG@20 on the held-out weeks")
    return Output(
        table,
        statistics={
            "best family": best["family"],
            "best ndcg@20": best["value"],
            "test users": best["users"],
        },
        metadata={"ndcg": plot},
    )


def _overall(family: str, kind: str, metrics: dict[str, float], users: int) -> pl.DataFrame:
    rows = []
    for name, value in metrics.items():
        metric, k = name.split("@")
        rows.append((family, kind, "all", None, None, metric, int(k), value, users))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _by_segment(family: str, kind: str, segments: pl.DataFrame, k: int) -> pl.DataFrame:
    rows = []
    for row in segments.iter_rows(named=True):
        for metric in METRICS:
            rows.append(
                (
                    family,
                    kind,
                    "segment",
                    row["segment"],
                    str(row["value"]),
                    metric,
                    k,
                    row[metric],
                    row["users"],
                )
            )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _by_user(family: str, kind: str, per_user: pl.DataFrame, k: int) -> pl.DataFrame:
    long = per_user.select(pl.col("user_id").cast(pl.String).alias("member"), *PER_USER_METRICS).unpivot(
        index="member", variable_name="metric", value_name="value"
    )
    return long.select(
        pl.lit(family).alias("family"),
        pl.lit(kind).alias("kind"),
        pl.lit("user").alias("level"),
        pl.lit(None, pl.String).alias("segment"),
        "member",
        "metric",
        pl.lit(k, pl.Int64).alias("k"),
        pl.col("value").cast(pl.Float64),
        pl.lit(1, pl.Int64).alias("users"),
    )
