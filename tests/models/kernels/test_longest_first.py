"""Pruned search is exact: what `LongestFirst` finds is what sorting all inner products gives."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys_models.kernels import longest_first
from recsys_models.kernels.longest_first import LongestFirst
from tests.examples import examples

Rows = NDArray[np.int32]


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(longest_first, "FIRST", 8)
        patch.setattr(longest_first, "LARGEST_BLOCK", 16)
        yield


def sorted_items(
    vectors: NDArray[np.float32], query: NDArray[np.float32], k: int, offered: NDArray[np.bool_]
) -> tuple[list[int], list[float]]:
    """The definition: all inner products in float64, best first, equal ones by row."""
    scores = (vectors.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    best = sorted(np.flatnonzero(offered).tolist(), key=lambda row: (-scores[row], row))[:k]
    return best, scores[best].tolist()


@settings(deadline=None, max_examples=examples(120))
@given(
    n=st.integers(1, 300),
    d=st.integers(1, 6),
    k=st.integers(1, 40),
    levels=st.sampled_from([1, 2, 9]),
    power=st.sampled_from([0, 1, 4]),
    parts=st.tuples(*[st.sampled_from([0.0, 0.2, 0.9, 1.0])] * 2),
    chosen=st.sampled_from([None, 0.0, 0.1, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_best_are_those_of_all_items(
    n: int,
    d: int,
    k: int,
    levels: int,
    power: int,
    parts: tuple[float, float],
    chosen: float | None,
    seed: int,
) -> None:
    """Small whole numbers, so that sums are exact and ties are many; lengths that differ much, or not at all."""
    draw = np.random.default_rng(seed)
    lengths = 1 + np.floor(8 * draw.random((n, 1)) ** power)
    vectors = (lengths * draw.integers(-levels, levels + 1, (n, d))).astype(np.float32)
    query = draw.integers(-levels, levels + 1, d).astype(np.float32)
    judged, hidden = (draw.random(n) >= part for part in parts)
    among = None if chosen is None else np.flatnonzero(draw.random(n) < chosen).astype(np.int32)
    offered = judged & ~hidden
    if among is not None:
        offered &= np.isin(np.arange(n), among)
        among = np.concatenate([among, among[::-1]])  # in any order, and twice
    items = LongestFirst.of(vectors, judged)
    rows, values = items.best(query, k, exclude=np.flatnonzero(hidden).astype(np.int32), among=among)
    assert (rows.tolist(), values.tolist()) == sorted_items(vectors, query, k, offered)


@settings(deadline=None, max_examples=examples(40))
@given(n=st.integers(1, 300), k=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_rounding_loses_no_item(n: int, k: int, seed: int) -> None:
    """Vectors that are nearly alike, so that float32 alone could not tell which is the better one."""
    draw = np.random.default_rng(seed)
    query = draw.standard_normal(16, np.float32)
    vectors = (query + 1e-6 * draw.standard_normal((n, 16), np.float32)).astype(np.float32)
    rows, values = LongestFirst.of(vectors, np.ones(n, bool)).best(query, k)
    expected, scores = sorted_items(vectors, query, k, np.ones(n, bool))
    assert (rows.tolist(), values.tolist()) == (expected, scores)


def test_most_items_are_not_looked_at() -> None:
    """Only the products with the longest items are computed: the others may even be no numbers."""
    vectors = np.ones((200, 4), np.float32) / np.arange(1, 201, dtype=np.float32)[:, None]
    items = LongestFirst.of(vectors, np.ones(200, bool))
    items.vectors[50:] = np.nan
    assert items.best(np.ones(4, np.float32), 3)[0].tolist() == [0, 1, 2]
