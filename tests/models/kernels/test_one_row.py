"""A row that is made without SciPy's constructor is the one that it would make."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from recsys_models.kernels.sparse import one_row


def test_one_row_is_the_matrix_of_scipy() -> None:
    columns, values = np.array([1, 4, 8], np.int32), np.array([1, 2, 3], np.float32)
    made, known = (
        one_row(columns, values, 10),
        sp.csr_array((values, columns, np.array([0, 3], np.int32)), shape=(1, 10)),
    )
    assert made.shape == known.shape
    assert made.dtype == known.dtype
    assert (made.toarray() == known.toarray()).all()
    assert (made @ np.eye(10, dtype=np.float32) == known.toarray()).all()


def test_rows_share_nothing() -> None:
    one = one_row(np.array([1], np.int32), np.ones(1, np.float32), 10)
    other = one_row(np.array([2, 3], np.int32), np.ones(2, np.float32), 10)
    assert one.nnz == 1
    assert other.nnz == 2
    assert one_row(np.empty(0, np.int32), np.empty(0, np.float32), 10).nnz == 0
