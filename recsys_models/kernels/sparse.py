"""SciPy's sparse arrays with the types that its missing stubs do not give."""

from __future__ import annotations

from typing import Any, cast

import scipy.sparse as sp


def shape_of(matrix: Any) -> tuple[int, int]:
    """Shape of a sparse matrix: rows and columns."""
    return cast("tuple[int, int]", matrix.shape)


def csr(matrix: Any) -> sp.csr_array:
    """The matrix as a CSR array."""
    return sp.csr_array(matrix)
