"""Full-catalogue ranking metrics, per user and in the mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.ids import rows_of
from recsys_models.interactions import Interactions
from recsys_models.ranking import block_rows, mask_items, top_k
from recsys_models.recommender import Recommender
from recsys_models.validation import hits_at_k, ndcg_of_hits

PER_USER = ("recall", "precision", "f1", "ndcg", "map", "mrr", "hit_rate")


@dataclass(frozen=True)
class Evaluation:
    """How well a model ranks the whole catalogue for each user.

    Attributes:
        family: the model's name.
        k: the list length of `per_user` and `segments`.
        exclude_seen: True ranks only items new to the user; False lets repeat purchases count.
        metrics: `recall@20`, `ndcg@20`, …, `coverage@20`, `novelty@20`: means over users, for every k asked.
        per_user: one row a user: user_id, cold, relevant (how many items), then the metrics at `k`.
        segments: one row a segment: segment column, value, users, then the means at `k`; None without segments.
        n_users: users evaluated, those with at least one relevant item.
    """

    family: str
    k: int
    exclude_seen: bool
    metrics: dict[str, float]
    per_user: pl.DataFrame
    segments: pl.DataFrame | None = None
    n_users: int = 0
    n_items: int = 0
    ks: tuple[int, ...] = field(default=())

    def __getitem__(self, metric: str) -> float:
        """A metric by name: `recall` (at `k`) or `recall@10`."""
        return self.metrics[metric if "@" in metric else f"{metric}@{self.k}"]

    def __str__(self) -> str:
        kind = "new items" if self.exclude_seen else "with repeat purchases"
        names = list(dict.fromkeys(name.split("@")[0] for name in self.metrics))
        lines = [f"{self.family}: {self.n_users:,} users, {self.n_items:,} items, {kind}"]
        lines.append(f"{'metric':<12}" + "".join(f"{f'@{k}':>10}" for k in self.ks))
        for name in names:
            lines.append(f"{name:<12}" + "".join(f"{self.metrics[f'{name}@{k}']:>10.4f}" for k in self.ks))
        if self.segments is not None:
            lines.append("")
            lines.append(f"{'segment':<28}{'users':>8}{'recall':>10}{'ndcg':>10}")
            for row in self.segments.iter_rows(named=True):
                label = f"{row['segment']} = {row['value']}"
                lines.append(f"{label:<28}{row['users']:>8,}{row['recall']:>10.4f}{row['ndcg']:>10.4f}")
        return "\n".join(lines)


def evaluate(
    model: Recommender,
    train: Interactions,
    test: Interactions,
    *,
    k: int = 20,
    ks: Sequence[int] = (),
    exclude_seen: bool = True,
    segments: pl.DataFrame | Mapping[Any, str] | None = None,
) -> Evaluation:
    """Rank all items for every user of `test` and compare.

    Every item of the model's catalogue is ranked, by score descending and item row ascending. Test items unknown to
    the model count as relevant and cannot be hit; test users unknown to it are answered from popularity and marked
    `cold`. Definitions, for a list cut at k: recall = hits / relevant; precision = hits / k; NDCG with binary gains
    and the ideal list cut at k; MAP = Σ precision at each hit / relevant; MRR = 1 / rank of the first hit; coverage =
    share of the catalogue that is in any list; novelty = mean of -log2(share of train users who have the item).

    Args:
        train: what the users had seen: masked with `exclude_seen`, and then left out of the relevant items too.
        test: the relevant items.
        k: list length of the per-user table.
        ks: further list lengths.
        segments: frame with `user_id` and one column a segmentation, or a mapping from user id to segment.

    Raises:
        ValueError: no test user has a relevant item.
    """
    lengths = tuple(sorted({k, *ks}))
    relevant, unknown, users = _relevant(model, train, test, exclude_seen)
    seen = _on_items(train, model.item_ids)
    seen_rows = rows_of(users, train.user_ids, "user")
    model_rows = model.rows(users)
    n_relevant = np.diff(relevant.indptr) + unknown
    if not users.size:
        raise ValueError(
            "expected test users with at least one relevant item, found none"
            + (
                "; every test item was seen in train, use exclude_seen=False"
                if exclude_seen and len(test)
                else ""
            )
        )
    deepest = lengths[-1]
    columns = np.empty((users.size, deepest), np.int32)
    step = block_rows(model.n_items)
    for start in range(0, users.size, step):
        block = slice(start, start + step)
        scores = model.scores(model_rows[block])
        if exclude_seen:
            mask_items(scores, seen, seen_rows[block])
        columns[block], _ = top_k(scores, deepest)
    hits = hits_at_k(columns, relevant, np.arange(users.size))
    share = np.bincount(seen.indices, minlength=model.n_items) / max(1, int((np.diff(seen.indptr) > 0).sum()))
    metrics: dict[str, float] = {}
    at_k: dict[str, NDArray[np.float64]] = {}
    for length in lengths:
        values = ranking_metrics(hits[:, :length], n_relevant)
        at_k = values if length == k else at_k
        metrics |= {f"{name}@{length}": float(array.mean()) for name, array in values.items()}
        listed = columns[:, :length][columns[:, :length] >= 0]
        metrics[f"coverage@{length}"] = np.unique(listed).size / model.n_items
        rare = 1 / (2 * max(1, train.n_users))
        metrics[f"novelty@{length}"] = (
            float(-np.log2(np.maximum(share[listed], rare)).mean()) if listed.size else 0.0
        )
    per_user = pl.DataFrame({"user_id": users, "cold": model.is_cold(users), "relevant": n_relevant, **at_k})
    return Evaluation(
        family=model.name,
        k=k,
        exclude_seen=exclude_seen,
        metrics=metrics,
        per_user=per_user,
        segments=None if segments is None else by_segment(per_user, segments),
        n_users=users.size,
        n_items=model.n_items,
        ks=lengths,
    )


def ranking_metrics(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]
) -> dict[str, NDArray[np.float64]]:
    """The per-user metrics of ranked lists.

    Args:
        hits: shape (n, k): is the item on rank r relevant.
        n_relevant: shape (n,), ≥ 1.
    """
    k = hits.shape[1]
    found = hits.sum(1).astype(np.float64)
    recall, precision = found / n_relevant, found / k
    both = recall + precision
    ranks = np.arange(1, k + 1)
    return {
        "recall": recall,
        "precision": precision,
        "f1": np.divide(2 * recall * precision, both, out=np.zeros_like(both), where=both > 0),
        "ndcg": ndcg_of_hits(hits, n_relevant),
        "map": (np.cumsum(hits, 1) / ranks * hits).sum(1) / n_relevant,
        "mrr": (hits / ranks).max(1, initial=0.0),
        "hit_rate": (found > 0).astype(np.float64),
    }


def by_segment(per_user: pl.DataFrame, segments: pl.DataFrame | Mapping[Any, str]) -> pl.DataFrame:
    """Means of the per-user metrics for each value of each segmentation; users in none are "unknown".

    Returns:
        Columns segment, value, users and the metrics, sorted by segment and value.
    """
    if isinstance(segments, Mapping):
        segments = pl.DataFrame({"user_id": list(segments), "segment": list(segments.values())})
    if "user_id" not in segments.columns:
        raise ValueError(f"segments: expected a column 'user_id', found {segments.columns}")
    joined = per_user.join(segments.unique("user_id", keep="first"), on="user_id", how="left")
    means = [pl.col(name).mean() for name in PER_USER]
    tables = [
        joined.group_by(pl.col(name).cast(pl.String).fill_null("unknown").alias("value"))
        .agg(pl.len().alias("users"), *means)
        .select(pl.lit(name).alias("segment"), "value", "users", *PER_USER)
        for name in segments.columns
        if name != "user_id"
    ]
    return pl.concat(tables).sort("segment", "value")


def _on_items(interactions: Interactions, item_ids: NDArray[Any]) -> sp.csr_array:
    """Users of the interactions by the given items, ones."""
    column = rows_of(interactions.item_ids, item_ids, "item")[interactions.item]
    known = column >= 0
    shape = (interactions.n_users, item_ids.size)
    ones = np.ones(int(known.sum()), np.float32)
    matrix = sp.coo_array((ones, (interactions.user[known], column[known])), shape=shape).tocsr()
    matrix.data[:] = 1
    return matrix


def _relevant(
    model: Recommender, train: Interactions, test: Interactions, exclude_seen: bool
) -> tuple[sp.csr_array, NDArray[np.int64], NDArray[Any]]:
    """For each evaluated user: relevant items known to the model, how many more are unknown to it, and the user id."""
    pattern = test.user_items()
    if exclude_seen:
        before = train.within(test).user_items()
        pattern = sp.csr_array(pattern - pattern.multiply(before))
        pattern.eliminate_zeros()
    asked = np.flatnonzero(np.diff(pattern.indptr) > 0)
    pattern = sp.coo_array(pattern[asked])
    column = rows_of(test.item_ids, model.item_ids, "item")[pattern.col]
    known = column >= 0
    ones = np.ones(int(known.sum()), np.float32)
    relevant = sp.coo_array(
        (ones, (pattern.row[known], column[known])), shape=(asked.size, model.n_items)
    ).tocsr()
    unknown = np.bincount(pattern.row[~known], minlength=asked.size)
    return relevant, unknown, test.user_ids[asked]
