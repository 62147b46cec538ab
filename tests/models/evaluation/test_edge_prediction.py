"""Edges against drawn pairs: the draw meets no edge, the accuracy is known where it is plain."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_models.evaluation.edge_prediction import draw_non_edges, edge_accuracy
from tests.examples import examples


@settings(deadline=None, max_examples=examples(50))
@given(st.integers(1, 30), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_draws_are_as_many_as_asked_and_never_edges(n: int, m: int, density: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    edges = sp.csr_array((generator.random((n, m)) < density).astype(np.float32))
    count = generator.integers(0, 9, n)
    drawn = draw_non_edges(edges, count, seed)
    full = np.diff(edges.indptr) == m
    assert drawn.sum(axis=1).astype(int).tolist() == np.where(full, 0, count).tolist()
    assert not drawn.multiply(edges).nnz


def test_the_one_free_item_of_many_is_found() -> None:
    row = np.ones((1, 2000), np.float32)
    row[0, 1234] = 0
    assert draw_non_edges(sp.csr_array(row), np.array([3])).indices.tolist() == [1234]


def test_the_same_seed_draws_the_same() -> None:
    edges = sp.csr_array(np.eye(20, dtype=np.float32))
    count = np.full(20, 3)
    first, again, other = (draw_non_edges(edges, count, seed).toarray() for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_known_accuracies() -> None:
    high, low = np.array([3.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0])
    assert edge_accuracy(high, low) == 1
    assert edge_accuracy(low, high) == 0
    assert edge_accuracy(np.ones(7), np.ones(7)) == 0.5
    assert edge_accuracy(np.array([3.0, 0.0]), np.array([1.0, 2.0])) == 0.5
    assert edge_accuracy(np.array([1.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0])) == pytest.approx(
        (3 / 2 + 1 / 2 + 2) / 6
    )


def test_both_kinds_are_needed() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        edge_accuracy(np.ones(2), np.empty(0))
