"""Metrics of recommended lists beyond accuracy: diversity, novelty, popularity, coverage of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.kernels.sparse import csr, shape_of

GRAM_CELLS = 32_000_000
"""Number of cosines in memory at once (128 MB of float32)."""
DENSE_GAIN = 100
"""Number of dense multiplications that take as long as one sparse multiplication."""


def list_metrics(
    columns: NDArray[np.int32], train: sp.csr_array, rows: NDArray[np.integer]
) -> dict[str, float]:
    """Metrics of all lists together.

    - coverage: share of the catalogue that is in any list.
    - novelty: mean of -log2(share of the train users who have the item) (Vargas & Castells 2011).
    - popularity: mean over lists of the mean share of the train users who have the item (average recommendation
      popularity, Yin et al. 2012, as a share).
    - popularity_lift: by how much the popularity of lists exceeds that of the users' own train items, relative to it
      (Abdollahpouri et al. 2020, "The connection between popularity bias, calibration, and fairness in
      recommendation"); users without train items are left out, 0 without any.
    - exposure_gini: Gini coefficient of how often each item of the catalogue is listed, 0 for all equally, towards 1
      for one item alone (Fleder & Hosanagar 2009).

    Args:
        columns: shape (n, k), items of each list, -1 for an empty place.
        train: users by items, ones.
        rows: shape (n,), row of `train` of each list's user, -1 for none.
    """
    n_items = shape_of(train)[1]
    n_users = max(1, int((np.diff(train.indptr) > 0).sum()))
    share = np.bincount(train.indices, minlength=n_items) / n_users
    real = columns >= 0
    listed = columns[real]
    exposure = np.bincount(listed, minlength=n_items)
    own = share[np.where(real, columns, 0)] * real
    length = real.sum(1)
    popularity = own.sum(1) / np.maximum(length, 1)
    profile = np.zeros(rows.size)
    size = np.where(rows >= 0, np.diff(train.indptr)[rows], 0)
    warm = (size > 0) & (length > 0)
    profile[warm] = (train[rows[warm]] @ share) / size[warm]
    usual = profile[warm].mean() if warm.any() else 0.0
    rare = 1 / (2 * n_users)
    return {
        "coverage": float((exposure > 0).mean()),
        "novelty": float(-np.log2(np.maximum(share[listed], rare)).mean()) if listed.size else 0.0,
        "popularity": float(popularity[length > 0].mean()) if listed.size else 0.0,
        "popularity_lift": float(popularity[warm].mean() / usual - 1) if usual > 0 else 0.0,
        "exposure_gini": gini(exposure),
    }


def gini(amounts: NDArray[np.integer] | NDArray[np.floating]) -> float:
    """Gini coefficient of amounts ≥ 0, shape (n,): half their mean absolute difference relative to the mean."""
    total = float(amounts.sum())
    if not total:
        return 0.0
    n = amounts.size
    weight = 2 * np.arange(1, n + 1) - n - 1
    return float((weight * np.sort(amounts).astype(np.float64)).sum() / (n * total))


def diversity(
    columns: NDArray[np.int32], train: sp.csr_array, lengths: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """Diversity of each list: the mean of 1 - cosine over its pairs (Ziegler et al. 2005, intra-list similarity; Vargas
    & Castells 2011), for the lists cut at each of `lengths`. Shape (n,) each; 0 for lists of fewer than two items.

    The cosine of two items is that of their columns of `train`: users with both / √(users with one · users with the
    other). So it depends on no model, and needs no features. Items without users are unlike all others.

    Args:
        columns: shape (n, k), items of each list, -1 for the empty places at its end.
        train: users by items, ones.
        lengths: each ≤ k.
    """
    real = columns >= 0
    items, place = np.unique(columns[real], return_inverse=True)
    index = np.zeros(columns.shape, np.int64)
    index[real] = place
    unit = csr(train.tocsc()[:, items])
    degree = np.bincount(unit.indices, minlength=items.size)
    unit.data = (1 / np.sqrt(np.maximum(degree, 1)))[unit.indices].astype(np.float32)
    alike = {length: np.zeros(columns.shape[0]) for length in lengths}
    step = max(1, GRAM_CELLS // max(1, items.size))
    for start in range(0, items.size, step):
        cosine = _products(unit, start, start + step)
        for first in range(columns.shape[1] - 1):
            own = index[:, first] - start
            mine = np.flatnonzero(real[:, first] & (own >= 0) & (own < step))
            found = cosine[own[mine, None], index[mine, first + 1 :]] * real[mine, first + 1 :]
            for length in lengths:
                alike[length][mine] += found[:, : max(0, length - first - 1)].sum(1)
    result: dict[int, NDArray[np.float64]] = {}
    for length in lengths:
        size = real[:, :length].sum(1)
        pairs = size * (size - 1) / 2
        result[length] = np.where(pairs > 0, 1 - alike[length] / np.maximum(pairs, 1), 0.0)
    return result


def _products(unit: sp.csr_array, start: int, stop: int) -> NDArray[np.float32]:
    """Inner products of the columns from `start` to `stop` with all columns, by the cheaper of two ways."""
    n_users, n_items = shape_of(unit)
    left = csr(unit[:, start:stop])
    sparse = float((np.diff(left.indptr) * np.diff(unit.indptr)).sum())
    if n_users * n_items * shape_of(left)[1] >= DENSE_GAIN * sparse:
        return np.asarray((left.T.tocsr() @ unit).toarray(), np.float32)
    rows = max(1, GRAM_CELLS // max(1, n_items))
    found = np.zeros((shape_of(left)[1], n_items), np.float32)
    for first in range(0, n_users, rows):
        found += left[first : first + rows].toarray().T @ unit[first : first + rows].toarray()
    return found
