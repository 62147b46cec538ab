"""Affinity of items: how often they come together, the strongest pairs only."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from recsys_models.kernels.degrees import degrees, inverse_power
from recsys_models.kernels.sparse import csr, shape_of

BLOCK_PRODUCTS = 8_000_000
"""Number of multiplications per block of the product of the matrix with itself, which bounds its memory."""


def item_affinity(
    seen: sp.csr_array, per_item: int, *, user_exponent: float = 0.5, item_exponent: float = 0.3
) -> sp.csr_array:
    """Affinity between items: the largest entries of D_i^-item_exponent Rᵀ D_u^-user_exponent R D_i^-item_exponent,
    its diagonal left out.

    One threshold for all pairs keeps more neighbours of items that have many. A sixth of the entries, chosen this way,
    scored as well as all of them; each item's nearest neighbours scored worse.

    Args:
        seen: users by items, ones.
        per_item: average number of entries to keep per item; about as many are kept.

    Returns:
        items by items, float32, symmetric but for rounding.
    """
    by_user, by_item = degrees(seen)
    damped = seen * inverse_power(by_item, item_exponent)[None, :]
    columns = csr((damped * inverse_power(by_user, user_exponent)[:, None]).T)
    damped = csr(damped)
    n_items = shape_of(seen)[1]
    work = np.cumsum(columns.astype(bool).astype(np.float64) @ np.diff(damped.indptr).astype(np.float64))
    limits = [0]
    while limits[-1] < n_items:
        done = work[limits[-1] - 1] if limits[-1] else 0.0
        limits.append(max(limits[-1] + 1, int(np.searchsorted(work, done + BLOCK_PRODUCTS))))
    threshold = _threshold(columns, damped, per_item)

    def block(number: int) -> sp.csr_array:
        start, stop = limits[number], limits[number + 1]
        rows = csr(columns[start:stop] @ damped)
        itself = rows.indices == np.repeat(np.arange(start, stop), np.diff(rows.indptr))
        kept = (rows.data > threshold) & ~itself
        indptr = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
        part = sp.csr_array((rows.data[kept], rows.indices[kept], indptr), shape=shape_of(rows))
        part.sort_indices()
        return part

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return csr(sp.vstack(list(pool.map(block, range(len(limits) - 1))), format="csr"))


def _threshold(columns: sp.csr_array, damped: sp.csr_array, per_item: int) -> float:
    """Threshold that about `per_item` entries per row exceed, estimated on evenly spaced rows."""
    n_items = shape_of(columns)[0]
    rows = np.arange(0, n_items, max(1, n_items // 512))
    values = np.asarray(csr(columns[rows] @ damped).data, np.float32)
    wanted = rows.size * (per_item + 1)
    if values.size <= wanted:
        return 0.0
    return float(np.partition(values, values.size - wanted)[values.size - wanted])
