"""Validation: quick NDCG on held-out interactions, by which families choose their parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.kernels.sparse import csr, shape_of
from recsys_models.kernels.top_items import block_rows, mask_items, top_k
from recsys_models.training.user_blocks import one_ahead

Score = Callable[[NDArray[np.integer]], NDArray[np.float32]]


def hits_at_k(
    columns: NDArray[np.int32], relevant: sp.csr_array, rows: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Hits among the ranked columns. Shapes: columns (n, k), rows (n,) into `relevant`, result (n, k)."""
    m = shape_of(relevant)[1]
    wanted = relevant[rows]
    keys = np.repeat(np.arange(rows.size, dtype=np.int64), np.diff(wanted.indptr)) * m + wanted.indices
    keys.sort()
    pairs = np.arange(rows.size, dtype=np.int64)[:, None] * m + columns
    if not keys.size:
        return np.zeros(columns.shape, bool)
    at = np.minimum(np.searchsorted(keys, pairs), keys.size - 1)
    return (keys[at] == pairs) & (columns >= 0)


def ndcg_of_hits(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """NDCG@k of binary relevance, the ideal list cut at k. Shapes: hits (n, k), n_relevant (n,), result (n,)."""
    k = hits.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(n_relevant, k)]
    return np.divide(hits @ discount, ideal, out=np.zeros(hits.shape[0]), where=ideal > 0)


def unseen(validation: Interactions, seen: sp.csr_array) -> sp.csr_array:
    """Validation pairs that the users have not seen, as CSR of ones."""
    relevant = validation.user_items()
    fresh = csr(relevant - relevant.multiply(seen))
    fresh.eliminate_zeros()
    return fresh


def validation_ndcg(
    score: Score,
    seen: sp.csr_array,
    validation: Interactions,
    *,
    k: int = 20,
    max_users: int = 10_000,
    seed: int = 0,
) -> float:
    """Mean NDCG@k over the users of the validation (at most `max_users` of them, drawn once), seen items masked.

    Where every validation interaction repeats a seen one, nothing is masked.
    """

    def listed(
        blocks: Sequence[NDArray[np.integer]], hidden: sp.csr_array | None
    ) -> Iterator[NDArray[np.int32]]:
        for users, scores in zip(blocks, one_ahead(score, blocks), strict=True):
            if hidden is not None:
                mask_items(scores, hidden, users)
            yield top_k(scores, k)[0]

    return _mean_ndcg(listed, seen, validation, max_users, seed)


def ranking_ndcg(
    score: NDArray[np.float32],
    seen: sp.csr_array,
    validation: Interactions,
    *,
    k: int = 20,
    max_users: int = 10_000,
    seed: int = 0,
) -> float:
    """`validation_ndcg` of scores that are the same for all users, shape (n_items,), from which each takes the first
    items that they have not seen."""
    order = np.argsort(-score, kind="stable").astype(np.int32)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)

    def of_users(users: NDArray[np.integer], hidden: sp.csr_array | None) -> NDArray[np.int32]:
        own = csr(hidden[users]) if hidden is not None else None
        longest = 0 if own is None else int(np.diff(own.indptr).max())
        taken = np.zeros((users.size, min(order.size, longest + k)), bool)
        if own is not None:
            row, column = np.repeat(np.arange(users.size), np.diff(own.indptr)), place[own.indices]
            near = column < taken.shape[1]
            taken[row[near], column[near]] = True
        first = np.argsort(taken, axis=1, kind="stable")[:, :k]
        columns = np.where(np.take_along_axis(taken, first, 1), -1, order[first])
        return np.pad(columns, ((0, 0), (0, k - columns.shape[1])), constant_values=-1)

    def listed(
        blocks: Sequence[NDArray[np.integer]], hidden: sp.csr_array | None
    ) -> Iterator[NDArray[np.int32]]:
        return (of_users(users, hidden) for users in blocks)

    return _mean_ndcg(listed, seen, validation, max_users, seed)


def _mean_ndcg(
    listed: Callable[[Sequence[NDArray[np.integer]], sp.csr_array | None], Iterator[NDArray[np.int32]]],
    seen: sp.csr_array,
    validation: Interactions,
    max_users: int,
    seed: int,
) -> float:
    """Mean NDCG of the lists that `listed` returns for blocks of users, given the items to hide."""
    relevant, hidden = unseen(validation, seen), seen
    if not relevant.nnz:
        relevant, hidden = validation.user_items(), None
    counts = np.diff(relevant.indptr)
    warm = np.diff(seen.indptr) > 0
    users = np.flatnonzero((counts > 0) & warm)
    if users.size > max_users:
        users = np.sort(np.random.default_rng(seed).choice(users, max_users, replace=False))
    if not users.size:
        return 0.0
    total = 0.0
    step = block_rows(shape_of(seen)[1])
    blocks = [users[start : start + step] for start in range(0, users.size, step)]
    for block, columns in zip(blocks, listed(blocks, hidden), strict=True):
        total += float(ndcg_of_hits(hits_at_k(columns, relevant, block), counts[block]).sum())
    return total / users.size


def choices(
    parameter: float | str, candidates: tuple[float, ...], search: bool, default: float
) -> tuple[float, ...]:
    """Values to try for a parameter: itself, or where it is "auto" the candidates with validation, else the default."""
    if parameter != "auto":
        return (float(parameter),)
    return candidates if search else (default,)
