"""Work on blocks of users, side by side."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from recsys_models.training.user_blocks import USERS, over_blocks


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_every_user_once_and_in_order() -> None:
    rows = np.arange(2 * USERS + 3)
    assert np.array_equal(np.concatenate(over_blocks(lambda block: block, rows)), rows)
    assert over_blocks(lambda block: block, rows[:0]) == []


def test_products_take_one_thread_meanwhile() -> None:
    before = blas_threads()
    assert over_blocks(lambda _: blas_threads(), np.arange(3)) == [{1}]
    assert blas_threads() == before


def test_the_limit_is_lifted_after_an_error() -> None:
    before = blas_threads()

    def broken(_: np.ndarray) -> None:
        raise ValueError("expected rows")

    with pytest.raises(ValueError, match="expected rows"):
        over_blocks(broken, np.arange(3))
    assert blas_threads() == before
