"""Degrees of users and items, and the interaction matrix scaled by powers of them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.kernels.sparse import csr


def degrees(matrix: sp.csr_array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Degrees of users and items: row and column sums, shape (n_users,) and (n_items,)."""
    return (
        np.asarray(matrix.sum(axis=1), np.float64).ravel(),
        np.asarray(matrix.sum(axis=0), np.float64).ravel(),
    )


def inverse_power(degree: NDArray[np.float64], exponent: float) -> NDArray[np.float32]:
    """Powers degree^-exponent, 0 for degree 0."""
    positive = degree > 0
    if positive.all():
        return (degree**-exponent).astype(np.float32)
    return np.where(positive, np.where(positive, degree, 1.0) ** -exponent, 0.0).astype(np.float32)


def normalised(matrix: sp.csr_array, user_exponent: float, item_exponent: float) -> sp.csr_array:
    """The matrix scaled by degrees, D_u^-user_exponent R D_i^-item_exponent, float32."""
    by_user, by_item = degrees(matrix)
    left, right = inverse_power(by_user, user_exponent), inverse_power(by_item, item_exponent)
    scaled = csr(matrix.astype(np.float32))
    scaled.data = scaled.data * np.repeat(left, np.diff(matrix.indptr)) * right[matrix.indices]
    return scaled
