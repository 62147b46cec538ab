"""Evaluation of a model's ranking of the whole catalogue: per user, on average, and by customer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.ids import rows_of
from recsys_models.data.interactions import Interactions
from recsys_models.evaluation.auc import SortedRows, auc_of_rows
from recsys_models.evaluation.edge_prediction import draw_non_edges, edge_accuracy
from recsys_models.evaluation.fairness import by_segment, spread
from recsys_models.evaluation.recommended_lists import diversity, list_metrics
from recsys_models.evaluation.relevant_items import RelevantItems, on_items, relevant_items
from recsys_models.fitted.fitted_model import list_length
from recsys_models.kernels.sparse import csr
from recsys_models.kernels.top_items import block_rows, mask_items, top_k
from recsys_models.recommender import Recommender
from recsys_models.training.user_blocks import one_ahead
from recsys_models.training.validation import hits_at_k, ndcg_of_hits


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model that ranked the whole catalogue for each user.

    Attributes:
        family: the model's name.
        k: the list length of `per_user`, `segments` and `fairness`.
        exclude_seen: True ranks only items new to the user; False lets repeat purchases count.
        metrics: `recall@20`, `ndcg@20`, …, `coverage@20`, …: means over users, for every list length; names without @
            stand for metrics over the whole catalogue: `edge_accuracy`, `auc`.
        per_user: one row per user: user_id, cold, relevant (number of items), then the metrics at `k`.
        segments: one row per segment: segment column, value, users, then the means at `k`; None without segments.
        fairness: one row per segmentation: the spread of NDCG between its groups (`fairness.spread`); None without
            segments.
        n_users: number of users evaluated, those with at least one relevant item.
    """

    family: str
    k: int
    exclude_seen: bool
    metrics: dict[str, float]
    per_user: pl.DataFrame
    segments: pl.DataFrame | None = None
    fairness: pl.DataFrame | None = None
    n_users: int = 0
    n_items: int = 0
    ks: tuple[int, ...] = field(default=())

    def __getitem__(self, metric: str) -> float:
        """A metric by name: `recall` (at `k`), `recall@10` or `auc`."""
        at_k = f"{metric}@{self.k}"
        return self.metrics[at_k if at_k in self.metrics else metric]

    def __str__(self) -> str:
        kind = "new items" if self.exclude_seen else "with repeat purchases"
        lines = [f"{self.family}: {self.n_users:,} users, {self.n_items:,} items, {kind}"]
        lines.append(f"{'metric':<16}" + "".join(f"{f'@{k}':>10}" for k in self.ks))
        for name in dict.fromkeys(name.split("@")[0] for name in self.metrics if "@" in name):
            lines.append(f"{name:<16}" + "".join(f"{self.metrics[f'{name}@{k}']:>10.4f}" for k in self.ks))
        over_catalogue = {name: value for name, value in self.metrics.items() if "@" not in name}
        if over_catalogue:
            lines += ["", "over the whole catalogue"]
            lines += [f"{name:<16}{value:>10.4f}" for name, value in over_catalogue.items()]
        if self.segments is not None:
            lines += ["", f"{'segment':<28}{'users':>8}{'recall':>10}{'ndcg':>10}"]
            for row in self.segments.iter_rows(named=True):
                label = f"{row['segment']} = {row['value']}"
                lines.append(f"{label:<28}{row['users']:>8,}{row['recall']:>10.4f}{row['ndcg']:>10.4f}")
        if self.fairness is not None:
            lines += [
                "",
                f"{'NDCG between groups':<28}{'groups':>8}{'gap':>10}{'ratio':>10}{'deviation':>11}",
            ]
            for row in self.fairness.iter_rows(named=True):
                lines.append(
                    f"{row['segment']:<28}{row['groups']:>8}{row['gap']:>10.4f}{row['ratio']:>10.4f}"
                    f"{row['deviation']:>11.4f}  {row['best']} best, {row['worst']} worst"
                )
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
    auc: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Evaluation of a model on `test`: all items are ranked for every user of it.

    Every item of the model's catalogue is ranked, by score descending and item row ascending. Test items unknown to
    the model count as relevant and cannot be hit; test users unknown to it get popular items and are marked `cold`.

    Definitions, for a list cut at k: recall = hits / relevant; precision = hits / k; NDCG with binary gains and the
    ideal list cut at k; MAP = Σ precision at each hit / relevant; MRR = 1 / rank of the first hit. The metrics of lists
    (coverage, novelty, popularity, its lift, Gini of exposure, diversity) are defined in `recommended_lists`.
    `edge_accuracy` compares the scores of the relevant pairs with those of as many drawn pairs of the same users
    (`edge_prediction`); pairs with an unknown item are left out of it.

    Args:
        train: interactions that the users had before: masked with `exclude_seen`, and then not relevant either.
        test: interactions with the relevant items.
        k: list length of the table `per_user`.
        ks: further list lengths.
        segments: frame with `user_id` and one column per segmentation, or a mapping from user id to segment.
        auc: whether to compute the area under each user's ROC curve (`auc.auc_of_rows`), which takes another pass over
            all scores.
        seed: seed of the drawn pairs.

    Raises:
        ValueError: no test user has a relevant item.
    """
    options = {"k": k, "ks": ks, "segments": segments, "auc": auc, "seed": seed}
    return evaluations(model, train, test, exclude_seen=(exclude_seen,), **options)[0]


def evaluations(
    model: Recommender,
    train: Interactions,
    test: Interactions,
    *,
    exclude_seen: Sequence[bool] = (True, False),
    k: int = 20,
    ks: Sequence[int] = (),
    segments: pl.DataFrame | Mapping[Any, str] | None = None,
    auc: bool = False,
    seed: int = 0,
) -> list[Evaluation]:
    """Evaluations for several values of `exclude_seen`, in their order, from scores that are computed once."""
    k = list_length(k)
    lengths = tuple(sorted({k, *(list_length(each) for each in ks)}))
    seen = on_items(train, model.item_ids)
    tasks = {
        hidden: _Task(
            relevant_items(train, test, model.item_ids, exclude_seen=hidden),
            seen if hidden else None,
            rows_of(test.user_ids, train.user_ids, "user"),
            lengths[-1],
            auc,
            seed,
        )
        for hidden in sorted(set(exclude_seen))
    }
    user_rows = np.unique(np.concatenate([task.held.user_rows for task in tasks.values()]))
    model_rows = model.rows(test.user_ids[user_rows])
    step = block_rows(model.n_items)
    blocks = [slice(start, start + step) for start in range(0, user_rows.size, step)]
    scored = one_ahead(lambda block: model.scores(model_rows[block]), blocks)
    for block, scores in zip(blocks, scored, strict=True):
        if auc:
            ordered = SortedRows(scores)
            for task in tasks.values():
                task.take_areas(user_rows[block], ordered)
        # tasks without a mask come first: the others mask the scores in place
        for task in tasks.values():
            task.take(user_rows[block], scores)
    found = {hidden: task.result(model, seen, hidden, k, lengths, segments) for hidden, task in tasks.items()}
    return [found[hidden] for hidden in exclude_seen]


class _Task:
    """One evaluation in progress: the relevant items, and what the blocks of scores so far say about them."""

    def __init__(
        self,
        held: RelevantItems,
        hidden: sp.csr_array | None,
        seen_rows: NDArray[np.int32],
        length: int,
        auc: bool,
        seed: int,
    ) -> None:
        self.held, self._hidden = held, hidden
        self._all_seen_rows, self.seen_rows = seen_rows, seen_rows[held.user_rows]
        self.columns = np.empty((held.user_rows.size, length), np.int32)
        self.areas = np.full(held.user_rows.size, np.nan) if auc else None
        taken = held.relevant
        if hidden is not None:
            pick = np.flatnonzero(self.seen_rows >= 0)
            rows = sp.csr_array(
                (np.ones(pick.size, np.float32), (pick, self.seen_rows[pick])),
                shape=(held.user_rows.size, hidden.shape[0]),  # type: ignore[index]
            )
            taken = csr(taken + rows @ hidden)
        self._drawn = draw_non_edges(taken, np.diff(held.relevant.indptr), seed)
        self._edges: list[NDArray[np.float32]] = []
        self._non_edges: list[NDArray[np.float32]] = []

    def take_areas(self, block: NDArray[np.int64], scores: SortedRows) -> None:
        """Compute the areas under the curves of the test users `block` from their scores, before these are masked."""
        assert self.areas is not None
        at, local = self._among(block)
        relevant = csr(self.held.relevant[at])
        rows = self._all_seen_rows[block[local]]
        self.areas[at] = auc_of_rows(scores, local, relevant, self.held.unknown[at], self._hidden, rows)

    def _among(self, block: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Test users of a block with relevant items: their places among all such, and in the block."""
        at = np.searchsorted(self.held.user_rows, block)
        at = np.minimum(at, self.held.user_rows.size - 1)
        local = np.flatnonzero(self.held.user_rows[at] == block)
        return at[local], local

    def take(self, block: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Add the scores of the test users `block`; masks them in place where seen items are hidden."""
        if self._hidden is not None:
            mask_items(scores, self._hidden, self._all_seen_rows[block])
        at, local = self._among(block)
        if not at.size:
            return
        self.columns[at] = top_k(scores, self.columns.shape[1])[0][local]
        relevant, drawn = csr(self.held.relevant[at]), csr(self._drawn[at])
        real = np.diff(drawn.indptr) > 0
        for pairs, into in ((relevant, self._edges), (drawn, self._non_edges)):
            pairs = csr(pairs[real])
            times = np.repeat(np.arange(pairs.nnz), pairs.data.astype(np.int64))
            row = np.repeat(local[real], np.diff(pairs.indptr))
            into.append(scores[row[times], pairs.indices[times]])

    def result(
        self,
        model: Recommender,
        seen: sp.csr_array,
        exclude_seen: bool,
        k: int,
        lengths: tuple[int, ...],
        segments: pl.DataFrame | Mapping[Any, str] | None,
    ) -> Evaluation:
        """The finished evaluation."""
        held, columns = self.held, self.columns
        hits = hits_at_k(columns, held.relevant, np.arange(held.user_rows.size))
        metrics: dict[str, float] = {}
        at_k: dict[str, NDArray[np.float64]] = {}
        varied = diversity(columns, seen, lengths)
        for length in lengths:
            values = ranking_metrics(hits[:, :length], held.count) | {"diversity": varied[length]}
            at_k = values if length == k else at_k
            means = {name: float(array.mean()) for name, array in values.items()}
            means |= list_metrics(columns[:, :length], seen, self.seen_rows)
            metrics |= {f"{name}@{length}": value for name, value in means.items()}
        edges = np.concatenate(self._edges)
        if edges.size:
            metrics["edge_accuracy"] = edge_accuracy(edges, np.concatenate(self._non_edges))
        if self.areas is not None:
            metrics["auc"] = float(self.areas.mean())
            at_k = at_k | {"auc": self.areas}
        per_user = pl.DataFrame(
            {"user_id": held.users, "cold": model.is_cold(held.users), "relevant": held.count, **at_k}
        )
        table = None if segments is None else by_segment(per_user, segments, tuple(at_k))
        return Evaluation(
            family=model.name,
            k=k,
            exclude_seen=exclude_seen,
            metrics=metrics,
            per_user=per_user,
            segments=table,
            fairness=None if table is None else spread(table),
            n_users=held.user_rows.size,
            n_items=model.n_items,
            ks=lengths,
        )


def ranking_metrics(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]
) -> dict[str, NDArray[np.float64]]:
    """Accuracy metrics of ranked lists, per user.

    Args:
        hits: shape (n, k): whether the item at each rank is relevant.
        n_relevant: shape (n,): number of relevant items of each user, ≥ 1.
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
