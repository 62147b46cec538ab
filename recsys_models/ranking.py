"""The one order of items: by score descending, and items of equal score by row number ascending."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

BLOCK_CELLS = 32_000_000
"""Cells of a score block (128 MB of float32): how many users are ranked at once follows from the number of items."""


def block_rows(n_items: int) -> int:
    """How many users to score at once."""
    return max(1, min(4096, BLOCK_CELLS // max(1, n_items)))


def mask_items(scores: NDArray[np.float32], items: sp.csr_array, rows: NDArray[np.integer]) -> None:
    """Set to -inf, in place, the scores of the items that each of the users `rows` of `items` has.

    Args:
        scores: shape (len(rows), n_items).
        items: users by items; only its pattern counts.
        rows: row of `items` for each row of `scores`, -1 for none.
    """
    known = np.flatnonzero(rows >= 0)
    chosen = items[rows[known]]
    at = np.repeat(known, np.diff(chosen.indptr))
    scores[at, chosen.indices] = -np.inf


def top_k(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k best columns of each row and their scores, in the one order.

    Args:
        scores: shape (n, m). -inf marks what must not come back.

    Returns:
        Columns (-1 where fewer than k are left) and scores (-inf there), both of shape (n, k).

    Raises:
        ValueError: a score is NaN.
    """
    import torch

    n, m = scores.shape
    kept = min(k, m)
    columns = np.full((n, k), -1, np.int32)
    values = np.full((n, k), -np.inf, np.float32)
    if not n or not kept:
        return columns, values
    wider = min(kept + 1, m)
    best, at = torch.topk(torch.from_numpy(np.ascontiguousarray(scores, np.float32)), wider, dim=1)
    best, at = best.numpy(), at.numpy()
    if np.isnan(best).any():
        raise ValueError(
            f"expected finite scores or -inf, found NaN in row {int(np.isnan(best).any(1).argmax())}"
        )
    if wider > kept:
        tied = (best[:, kept - 1] == best[:, kept]) & (best[:, kept - 1] > -np.inf)
        for row in np.flatnonzero(tied):
            limit = best[row, kept - 1]
            above = np.flatnonzero(scores[row] > limit)
            level = np.flatnonzero(scores[row] == limit)[: kept - above.size]
            at[row, :kept] = np.concatenate([above, level])
            best[row, :kept] = scores[row, at[row, :kept]]
    best, at = best[:, :kept], at[:, :kept]
    order = np.lexsort((at, -best), axis=1)
    values[:, :kept] = np.take_along_axis(best, order, 1)
    columns[:, :kept] = np.take_along_axis(at, order, 1)
    columns[values == -np.inf] = -1
    return columns, values
