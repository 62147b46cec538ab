"""Truncated singular value decomposition of a large sparse matrix."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, qr
from scipy.linalg.blas import ssyrk, strmm  # pyright: ignore[reportAttributeAccessIssue]
from scipy.linalg.lapack import dtrtri  # pyright: ignore[reportAttributeAccessIssue]

from recsys_models.kernels.sparse import shape_of
from recsys_models.training.threads import blas

PRODUCT_ROWS = 4096
"""Number of rows of a sparse product that one thread computes at once."""


def truncated_svd(
    matrix: sp.csr_array,
    rank: int,
    *,
    iterations: int = 3,
    seed: int = 0,
    warm: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The largest singular values and vectors by randomised subspace iteration (Halko et al. 2011, algorithm 4.4).

    Args:
        warm: shape (m, w), columns near the right singular vectors to start from.

    Returns:
        U (n, r), s (r,) descending, V (m, r), float32, r = min(rank, n, m). The largest entry of each column of V is
        positive, so that signs do not depend on the machine. The last bits depend on the number of BLAS's threads.
    """
    with blas():
        return _truncated_svd(matrix, rank, iterations, seed, warm)


def _truncated_svd(
    matrix: sp.csr_array, rank: int, iterations: int, seed: int, warm: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    n, m = shape_of(matrix)
    rank = min(rank, n, m)
    width = min(rank + max(32, rank // 20), n, m)
    transposed = matrix.T.tocsr()
    near = np.empty((m, 0), np.float32) if warm is None else warm[:, :width]
    drawn = np.random.default_rng(seed).standard_normal((m, width - near.shape[1]), dtype=np.float32)
    start = np.hstack([near, drawn])
    basis = product(matrix, start)
    for step in range(iterations):
        basis = product(matrix, product(transposed, basis))
        if step < iterations - 1:
            basis = spanning(basis)
    basis = orthonormal(basis)
    projected = product(transposed, basis)
    values, rotation = np.linalg.eigh((projected.T @ projected).astype(np.float64))
    order = np.argsort(values)[::-1][:rank]
    singular = np.sqrt(np.maximum(values[order], 0)).astype(np.float32)
    rotation = rotation[:, order].astype(np.float32)
    right = np.asarray((projected @ rotation) / np.maximum(singular, 1e-7), np.float32)
    left = np.asarray(basis @ rotation, np.float32)
    sign = np.where(-right.min(axis=0) > right.max(axis=0), -1, 1).astype(np.float32)
    return left * sign, singular, right * sign


def product(matrix: sp.csr_array, block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Product matrix @ block, computed by parts of the rows on all cores; the bits do not depend on their number."""
    n = shape_of(matrix)[0]
    result = np.empty((n, block.shape[1]), np.float32)

    def part(start: int) -> None:
        rows = slice(start, start + PRODUCT_ROWS)
        result[rows] = matrix[rows] @ block

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(part, range(0, n, PRODUCT_ROWS)))
    return result


def orthonormal(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """An orthonormal basis of the columns of a tall block: Cholesky QR twice, Householder where that fails."""
    for _ in range(2):
        try:
            block = _cholesky_qr(block)
        except LinAlgError:
            return np.asarray(qr(block, mode="economic")[0], np.float32)
    return block


def spanning(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """A nearly orthonormal basis at half the work of `orthonormal`, enough between two steps of an iteration."""
    try:
        return _cholesky_qr(block)
    except LinAlgError:
        return orthonormal(block)


def _cholesky_qr(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Q of one Cholesky QR; BLAS's triangular routines do half the work of full products."""
    transposed = np.ascontiguousarray(block).T
    gram = ssyrk(1.0, transposed, lower=1).astype(np.float64)
    factor = cholesky(gram, lower=True)
    inverse, info = dtrtri(factor, lower=1)
    if info:
        raise LinAlgError("expected a regular factor")
    return strmm(1.0, np.asfortranarray(np.tril(inverse), np.float32), transposed, lower=1).T
