"""SciPy's sparse arrays with the types that its missing stubs do not give."""

from __future__ import annotations

from typing import Any, cast

import scipy.sparse as sp


def shape_of(matrix: Any) -> tuple[int, int]:
    """Rows and columns."""
    return cast("tuple[int, int]", matrix.shape)


def csr(matrix: Any) -> sp.csr_array:
    """As CSR."""
    return sp.csr_array(matrix)
