"""SciPy's sparse arrays with the types that its missing stubs do not give."""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


def shape_of(matrix: Any) -> tuple[int, int]:
    """Shape of a sparse matrix: rows and columns."""
    return cast("tuple[int, int]", matrix.shape)


def csr(matrix: Any) -> sp.csr_array:
    """The matrix as a CSR array."""
    return sp.csr_array(matrix)


def one_row(columns: NDArray[np.int32], values: NDArray[np.float32], n_columns: int) -> sp.csr_array:
    """A matrix of one row, shape (1, n_columns), of ascending columns, each once.

    It is a copy of an empty matrix with these arrays, because SciPy's constructor checks far more than a customer's few
    items need.
    """
    row = copy(_empty_row(n_columns))
    row.data, row.indices = values, columns
    row.indptr = np.array([0, columns.size], np.int32)
    return row


@lru_cache(maxsize=8)
def _empty_row(n_columns: int) -> sp.csr_array:
    return sp.csr_array((1, n_columns), dtype=np.float32)
