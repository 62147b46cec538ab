"""The one order of items: `top_k` is a stable sort of every row, whatever its ties, gaps and shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys_models.kernels import top_items
from recsys_models.kernels.top_items import top_k
from tests.examples import examples


def sorted_rows(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The definition: sort each row by score descending, equal ones by column ascending, and leave out -inf."""
    columns = np.full((scores.shape[0], k), -1, np.int32)
    values = np.full(columns.shape, -np.inf, np.float32)
    for row, line in enumerate(scores.tolist()):
        order = sorted((-score, column) for column, score in enumerate(line) if score > -np.inf)[:k]
        columns[row, : len(order)] = [column for _, column in order]
        values[row, : len(order)] = [-score for score, _ in order]
    return columns, values


def same(scores: NDArray[np.float32], k: int) -> None:
    before = scores.copy()
    found, expected = top_k(scores, k), sorted_rows(scores, k)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(scores, before)


@settings(deadline=None, max_examples=examples(150))
@given(
    n=st.integers(1, 5),
    m=st.integers(1, 3000),
    k=st.integers(1, 60),
    levels=st.sampled_from([1, 2, 5, 100, 10**6]),
    missing=st.sampled_from([0.0, 0.3, 0.99, 1.0]),
    trend=st.sampled_from([0.0, 1.0, -1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_top_k_is_a_full_stable_sort(
    n: int, m: int, k: int, levels: int, missing: float, trend: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(-levels, levels, (n, m)).astype(np.float32)
    scores += trend * np.arange(m, dtype=np.float32)
    scores[generator.random((n, m)) < missing] = -np.inf
    same(scores, k)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=7, max_size=7), min_size=1, max_size=4),
    st.integers(1, 9),
)
def test_any_numbers(rows: list[list[float]], k: int) -> None:
    same(np.array(rows, np.float32), k)


def test_ties_go_to_the_smaller_column() -> None:
    columns, values = top_k(np.array([[1, 2, 1, 1, 1], [0, 0, 0, 0, 0]], np.float32), 3)
    assert columns.tolist() == [[1, 0, 2], [0, 1, 2]]
    assert values.tolist() == [[2, 1, 1], [0, 0, 0]]


def test_the_best_in_one_stripe() -> None:
    scores = np.zeros((2, 4096), np.float32)
    width = 4096 // (4096 // (8 * 21))
    scores[:, ::width] = np.arange(scores[0, ::width].size)
    same(scores, 20)


def test_rows_that_threads_share() -> None:
    scores = np.random.default_rng(0).integers(0, 50, (40, 300)).astype(np.float32)
    whole = top_k(scores, 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top_items, "PART_CELLS", 1000)
        parts = top_k(scores, 10)
        with pytest.raises(ValueError, match="NaN in row 31"):
            scores[31, 299] = np.nan
            top_k(scores, 10)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])


@pytest.mark.parametrize("column", [0, 63, 2999])
def test_nan_is_refused_wherever_it_stands(column: int) -> None:
    scores = np.ones((3, 3000), np.float32)
    scores[1, column] = np.nan
    with pytest.raises(ValueError, match="NaN in row 1"):
        top_k(scores, 2)


def test_views_and_empty_shapes() -> None:
    scores = np.random.default_rng(0).random((50, 6)).astype(np.float32)
    same(scores.T, 4)
    assert top_k(np.empty((0, 5), np.float32), 3)[0].shape == (0, 3)
    assert top_k(np.empty((2, 0), np.float32), 3)[0].tolist() == [[-1] * 3] * 2
