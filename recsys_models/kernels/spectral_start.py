"""Start embeddings of graph networks, from the singular vectors of the interaction matrix.

From this start, LightGCN's propagation returns the spectral model's scores, so training begins there.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.kernels.degrees import normalised
from recsys_models.kernels.sparse import shape_of
from recsys_models.kernels.spectral_filter import item_gain, spectral_filter
from recsys_models.kernels.truncated_svd import truncated_svd

LARGE = 10_000
"""Number of users and of items from which a shop counts as large; the meaning of "auto" depends on it."""
LARGEST_TABLE = 120_000_000
"""Largest table of embeddings, in numbers, for a dimension of "auto"; training keeps about ten such tables."""
LONGEST = 1500
"""Largest dimension for "auto"."""


def spectral_start(
    matrix: sp.csr_array,
    *,
    dim: int | str = "auto",
    longest: int = LONGEST,
    layers: int,
    exponent: float,
    filter_power: float,
    ridge: float | str | None = "auto",
    gain: float | str = "auto",
    seed: int,
) -> NDArray[np.float32]:
    """Embeddings that propagation turns into the filtered singular vectors of the matrix.

    Args:
        matrix: users by items, the weight of each edge.
        dim, longest: see `embedding_length`.
        layers: of the propagation that follows.
        exponent: rows and columns are scaled by degree^-exponent.
        filter_power, ridge: scores are U S^filter_power Vᵀ, or U w(S) Vᵀ with the ridge of `spectral_filter`; "auto" is
            None where the shop is small (`is_large`), else 4.
        gain: see `item_scale`.

    Returns:
        Shape (n_users + n_items, dim), users first; zeros in the columns beyond the rank of the matrix.
    """
    length = embedding_length(matrix, dim, longest)
    left, values, right = truncated_svd(normalised(matrix, exponent, exponent), length, seed=seed)
    if ridge == "auto":
        ridge = 4.0 if is_large(matrix) else None
    largest = values[0]
    wanted = (values / largest) ** filter_power
    if ridge is not None:
        wanted = spectral_filter(values, float(ridge))
    response = np.mean([(values / largest) ** layer for layer in range(layers + 1)], axis=0)
    half = np.sqrt(wanted) / response
    start = np.vstack([left * half, right * half]).astype(np.float32)
    start = np.pad(start, ((0, 0), (0, max(0, length - start.shape[1]))))
    scale = item_scale(matrix, gain)
    items = right if scale is None else right * scale
    return start * logit_scale(matrix, left * np.sqrt(wanted), items, seed)


def is_large(matrix: sp.csr_array) -> bool:
    """Whether there are at least `LARGE` users and as many items."""
    return min(shape_of(matrix)) >= LARGE


def embedding_length(matrix: sp.csr_array, dim: int | str, longest: int = LONGEST) -> int:
    """The dimension of the embeddings. "auto" is 64 where the shop is small, else `longest`, or less where the table
    would hold more than `LARGEST_TABLE` numbers."""
    if dim != "auto":
        return int(dim)
    if not is_large(matrix):
        return 64
    return min(longest, max(64, LARGEST_TABLE // sum(shape_of(matrix))))


def item_scale(matrix: sp.csr_array, gain: float | str) -> NDArray[np.float32] | None:
    """Factors of the items' smoothed vectors: degree^gain, divided by their mean; None where all are 1.

    Args:
        gain: "auto" is 0 where the shop is small, else 0.2.

    Returns:
        Shape (n_items, 1).
    """
    power = (0.2 if is_large(matrix) else 0.0) if gain == "auto" else float(gain)
    if not power:
        return None
    scale = item_gain(matrix, power)
    return scale / scale.mean()


def logit_scale(
    matrix: sp.csr_array, user: NDArray[np.float32], item: NDArray[np.float32], seed: int, sample: int = 1024
) -> float:
    """Factor for both sides' vectors with which a softmax over their inner products fits the interactions best.

    This is √c for the best c in softmax(c · user · itemᵀ), found on a sample of pairs and of items.
    """
    generator = np.random.default_rng(seed)
    pairs = matrix.tocoo()
    at = generator.integers(0, pairs.nnz, sample)
    other = generator.integers(0, shape_of(matrix)[1], sample)
    right = (user[pairs.row[at]] * item[pairs.col[at]]).sum(1)
    wrong = user[pairs.row[at]] @ item[other].T
    spread = float(np.abs(right).mean()) or 1.0
    best, scale = np.inf, 1.0
    for power in np.arange(-2, 8, 0.5):
        c = 2.0**power / spread
        logits = c * np.column_stack([right, wrong])
        peak = logits.max(1)
        loss = float((peak + np.log(np.exp(logits - peak[:, None]).sum(1)) - logits[:, 0]).mean())
        if loss < best:
            best, scale = loss, c
    return float(np.sqrt(scale))
