"""Queries over the platform's tables, with plain data as results: the demo's summary, one customer's
recommendations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from recsys_assets.assets.clean.reconciliation import CLEAN_OF, reconciled_rows
from recsys_assets.assets.model.training import KINDS
from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records

BOUGHT = ("purchase", "buy", "order", "transaction")
"""Behaviours that are purchases."""


class UnknownCustomer(LineageError):
    """The platform has no recommendations for a customer."""


@dataclass(frozen=True)
class CustomerAnswer:
    """A customer's recent purchases and recommendations; rows are plain dictionaries.

    If the source has no times of events, `last_time` of the history is None. The history has the target behaviour only.
    """

    user_id: str
    history: list[dict[str, Any]]
    recommendations: list[dict[str, Any]]
    target: str = BOUGHT[0]


def summary(records: Records, source: str, seconds: float) -> dict[str, Any]:
    """Summary of the last run, as one JSON object."""
    lake = records.lake
    reconciled = [reconciled_rows(lake, raw) for raw in CLEAN_OF]
    interactions = lake.version("interactions")
    champion = records.get("champion")
    with lake.connect() as connection:
        users, items = connection.execute(
            f"SELECT count(DISTINCT user_id), count(DISTINCT item_id) FROM {lake.relation(interactions)}"
        ).fetchall()[0]
        rows = connection.execute(
            f"""SELECT kind, family, coalesce(metric || '@' || k, metric), value
            FROM {lake.relation(lake.version("evaluation"))}
            WHERE level = 'all' AND users > 0 ORDER BY family, metric, k"""
        ).fetchall()
        reasons = connection.execute(
            f"""SELECT table_name, reason, count(*) FROM {lake.relation(lake.version("rejected_rows"))}
            GROUP BY ALL ORDER BY 3 DESC, 1, 2"""
        ).fetchall()
    judged = {row[0] for row in rows}
    kind = next((kind for kind in KINDS if kind in judged), None)
    metrics: dict[str, dict[str, float]] = {}
    for found, family, metric, value in rows:
        if found == kind:
            metrics.setdefault(family, {})[metric] = value
    return {
        "source": source,
        "rows_read": sum(rows["read"] for rows in reconciled),
        "rows_accepted": sum(rows["accepted"] for rows in reconciled),
        "rows_rejected": sum(rows["rejected"] for rows in reconciled),
        "reasons": [{"table": table, "reason": reason, "rows": number} for table, reason, number in reasons],
        "users": users,
        "items": items,
        "interactions": interactions.rows,
        "seconds": round(seconds, 1),
        "metrics": metrics,
        "champion": champion.statistics["family"],
    }


def judgement(records: Records) -> tuple[str, str]:
    """The target behaviour, and the kinds of evaluation of the models, in words."""
    statistics = records.get("evaluation").statistics
    return statistics["target behaviour"], statistics["judged"]


def customer(lake: Lake, user_id: str, k: int, *, dated: bool = True, history: int = 8) -> CustomerAnswer:
    """One customer's latest purchases (or other target behaviour) and their best `k` recommendations.

    Args:
        dated: whether the source's events have times; if not, theirs is the day of their file, which means nothing.

    Raises:
        UnknownCustomer: there are none; the message names similar ids.
    """
    recommended = (
        lake.scan(lake.version("recommendations"))
        .filter((pl.col("user_id") == user_id) & (pl.col("rank") <= k))
        .sort("rank")
        .collect()
    )
    split = lake.scan(lake.version("split"))
    of_customer = split.filter(pl.col("user_id") == user_id)
    if recommended.is_empty() and of_customer.select(pl.len()).collect().item() == 0:
        ids = (
            lake.scan(lake.version("recommendations")).select(pl.col("user_id").unique()).collect()["user_id"]
        )
        raise UnknownCustomer(
            f"There are no recommendations for the customer {user_id!r}.",
            expected=f"one of {ids.len():,} customers, such as {', '.join(ids.sort().head(5))}",
            advice=did_you_mean(user_id, ids) or "customers are named by the user_id of the source's files",
        )
    titles = lake.scan(lake.version("item_profiles")).select("item_id", "title")
    had = (
        of_customer.filter(pl.col("is_target"))
        .group_by("item_id")
        .agg(pl.col("count").sum().alias("times"), pl.col("last_time").max().alias("last_time"))
        .join(titles, on="item_id", how="left")
        .sort(["times", "last_time", "item_id"], descending=[True, True, False])
        .head(history)
        .select("item_id", "title", "times", "last_time")
        .collect()
    )
    if not dated:
        had = had.with_columns(last_time=None)
    target = split.filter(pl.col("is_target")).select("behaviour").head(1).collect()["behaviour"].to_list()
    return CustomerAnswer(user_id, had.to_dicts(), recommended.drop("user_id").to_dicts(), *target)


def typical_customer(lake: Lake) -> str:
    """An example customer: the first with recommendations and a typical number of purchases."""
    answered = lake.scan(lake.version("recommendations")).select("user_id").unique()
    counts = (
        lake.scan(lake.version("split"))
        .join(answered, on="user_id", how="semi")
        .group_by("user_id")
        .agg(pl.len().alias("n"))
        .sort("n", "user_id")
        .collect()
    )
    return counts["user_id"][counts.height * 3 // 4]
