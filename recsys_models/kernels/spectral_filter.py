"""Weights of singular directions and of items in the scores of spectral models."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.kernels.degrees import degrees


def spectral_filter(values: NDArray[np.float32], ridge: float) -> NDArray[np.float32]:
    """Filtered singular values w(s) = s · s² / (s² + ridge), shape (r,)."""
    square = values.astype(np.float64) ** 2
    return (values * square / np.maximum(square + ridge, 1e-30)).astype(np.float32)


def item_gain(matrix: sp.csr_array, power: float) -> NDArray[np.float32]:
    """Gain of each item, its degree^power, shape (n_items, 1)."""
    _, by_item = degrees(matrix)
    return (np.maximum(by_item, 1e-6) ** power).astype(np.float32)[:, None]
