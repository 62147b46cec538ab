"""Nearest columns of a sparse matrix by cosine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.fitted.state_arrays import sparse
from recsys_models.kernels.sparse import csr, shape_of

BLOCK_PRODUCTS = 1_000_000
"""Number of multiplications per block of the similarity product, which bounds its memory. Blocks this small reuse the
same memory; fresh pages would cost more than the product."""


def cosine_neighbours(
    matrix: sp.csr_array, neighbours: int, *, length: NDArray[np.float64] | None = None
) -> sp.csr_array:
    """Cosines between columns: the `neighbours` largest for each column, and that of the column with itself.

    Args:
        matrix: users by items, numbers > 0.
        length: divisor of each column, by default its Euclidean length; with another these are no cosines, but inner
            products over both lengths, and that of a column with itself is not 1.

    Returns:
        items by items, float32: column i holds the neighbours of item i. Equal cosines are kept by item row ascending.
    """
    if length is None:
        length = np.sqrt(np.asarray(matrix.power(2).sum(axis=0), np.float64).ravel())
    normed = sp.csr_array(matrix * (1 / np.maximum(length, 1e-12))[None, :].astype(np.float32))
    columns = normed.T.tocsr()
    work = np.cumsum(columns.astype(bool).astype(np.float64) @ np.diff(matrix.indptr).astype(np.float64))
    n_items = shape_of(matrix)[1]
    ranges: list[tuple[int, int]] = []
    start = 0
    while start < n_items:
        done = work[start - 1] if start else 0.0
        stop = max(start + 1, int(np.searchsorted(work, done + BLOCK_PRODUCTS)))
        ranges.append((start, stop))
        start = stop
    # the product adds up in one place a column: where those of most users stand together, they stay in the cache
    item_of = np.argsort(-np.diff(columns.indptr), kind="stable").astype(np.int32)
    place_of = np.empty_like(item_of)
    place_of[item_of] = np.arange(n_items, dtype=np.int32)
    placed = csr(normed[:, item_of])
    placed.sort_indices()

    def block(limits: tuple[int, int]) -> sp.csr_array:
        rows = csr(columns[limits[0] : limits[1]] @ placed)
        return largest_of_rows(rows, neighbours, place_of[limits[0] : limits[1]], item_of)

    # SciPy's products release the interpreter lock; more threads than this only cost memory.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return sp.vstack(list(pool.map(block, ranges)), format="csr").T.tocsr()


def largest_of_rows(
    rows: sp.csr_array,
    n: int,
    itself: NDArray[np.int32] | None = None,
    names: NDArray[np.int32] | None = None,
) -> sp.csr_array:
    """The n largest entries of each row, equal ones by column ascending.

    Args:
        rows: float32.
        itself: for each row a column that it has, whose entry is kept besides the n largest others.
        names: for each column of `rows` its number in the result, by which equal entries are in order; None: its own.
    """
    values = np.asarray(rows.data, np.float32)
    taken = n if itself is None else n + 1
    kept: list[NDArray[np.int64]] = []
    for row, (start, stop) in enumerate(pairwise(np.asarray(rows.indptr).tolist())):
        if stop - start <= taken:
            kept.append(np.arange(start, stop))
            continue
        own = values[start:stop].copy()
        if itself is not None:
            own[rows.indices[start:stop] == itself[row]] = np.inf
        least = np.partition(own, stop - start - taken)[stop - start - taken]
        chosen = np.flatnonzero(own >= least)
        if chosen.size > taken:
            last = own[chosen] == least
            larger, equal = chosen[~last], chosen[last]
            columns = rows.indices[start + equal]
            first = np.argsort(columns if names is None else names[columns])[: taken - larger.size]
            chosen = np.sort(np.concatenate([larger, equal[first]]))
        kept.append(start + chosen)
    at = np.concatenate(kept)
    indptr = np.concatenate([[0], np.cumsum([chosen.size for chosen in kept])])
    columns = rows.indices[at]
    return sp.csr_array(
        (rows.data[at], columns if names is None else names[columns], indptr), shape=shape_of(rows)
    )


def sparse_state(name: str, matrix: sp.csr_array) -> dict[str, NDArray[Any]]:
    """A CSR matrix as three arrays for a model file."""
    return {
        f"{name}.data": matrix.data.astype(np.float32),
        f"{name}.indices": matrix.indices.astype(np.int32),
        f"{name}.indptr": matrix.indptr.astype(np.int64),
    }


def sparse_from_state(name: str, state: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> sp.csr_array:
    """The CSR matrix that `sparse_state` turned into arrays.

    Raises:
        ValueError: the arrays are no CSR matrix of this shape.
    """
    data, indices, indptr = (state[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    return sparse(name, data, indices, indptr, shape)
