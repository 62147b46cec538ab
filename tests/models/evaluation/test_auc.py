"""The area under the ROC curve, against the Mann-Whitney statistic of SciPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import mannwhitneyu

from recsys_models.evaluation.auc import SORTED_FROM, SortedRows, auc_of_rows


def ones(n_items: int, items: list[int]) -> sp.csr_array:
    row = np.zeros((1, n_items), np.float32)
    row[0, items] = 1
    return sp.csr_array(row)


def of(scores: list[float], relevant: list[int], *, unknown: int = 0, masked: tuple[int, ...] = ()) -> float:
    table, at = SortedRows(np.array([scores], np.float32)), np.array([0])
    wanted, hidden = ones(len(scores), relevant), ones(len(scores), list(masked))
    return float(auc_of_rows(table, at, wanted, np.array([unknown]), hidden, at)[0])


def test_known_values() -> None:
    assert of([3, 2, 1, 0], [0]) == 1
    assert of([3, 2, 1, 0], [3]) == 0
    assert of([3, 2, 1, 0], [1]) == pytest.approx(2 / 3)
    assert of([1, 1, 1, 1], [2]) == 0.5
    assert of([3, 2, 1, 0], [0, 3]) == 0.5


def test_masked_items_are_compared_with_nothing() -> None:
    assert of([9, 2, 1, 3], [1], masked=(0,)) == 0.5
    assert of([2, 2, 1, 3], [1], masked=(0,)) == 0.5
    # an item that the model gives no score at all ties with others like it, and not with masked ones
    never = -np.inf
    assert of([never, never, never, 3], [1], masked=(0,)) == pytest.approx(0.25)
    assert of([3, 2, 1], [1], masked=(0, 2)) == 0.5


def test_relevant_items_outside_the_catalogue_rank_last() -> None:
    assert of([3, 2, 1, 0], [0], unknown=1) == 0.5
    assert of([3, 2], [], unknown=2) == 0


def test_nothing_to_compare_with() -> None:
    assert of([3, 2], [0, 1]) == 0.5


@pytest.mark.parametrize("levels", [3, 10**6])
@pytest.mark.parametrize("density", [0.02, 0.4])
def test_values_equal_those_of_scipy(levels: int, density: float) -> None:
    generator = np.random.default_rng(1)
    scores = generator.integers(0, levels, (150, 90)).astype(np.float32)
    wanted = (generator.random(scores.shape) < density).astype(np.float32)
    wanted[np.arange(150), generator.integers(0, 90, 150)] = 1
    counts = wanted.sum(1)
    assert (counts.max() < SORTED_FROM) == (density == 0.02)
    hidden = (generator.random(scores.shape) < 0.1) & (wanted == 0)
    table, everyone, unknown = SortedRows(scores), np.arange(150), np.zeros(150, int)
    for masked in (None, sp.csr_array(hidden.astype(np.float32))):
        found = auc_of_rows(table, everyone, sp.csr_array(wanted), unknown, masked, everyone)
        expected = [
            mannwhitneyu(row[hit > 0], row[other]).statistic / (hit.sum() * other.sum())
            for row, hit, other in zip(
                scores, wanted, (wanted == 0) & ~(hidden * (masked is not None)), strict=True
            )
        ]
        np.testing.assert_allclose(found, expected, atol=1e-9, rtol=0)


def test_a_user_of_whom_nothing_is_masked_and_rows_in_another_order() -> None:
    scores = SortedRows(np.array([[1, 2, 3], [3, 2, 1]], np.float32))
    relevant, masked = sp.csr_array(np.eye(3, dtype=np.float32)[[0, 0]]), ones(3, [2])
    found = auc_of_rows(scores, np.array([1, 0]), relevant, np.zeros(2, int), masked, np.array([-1, 0]))
    np.testing.assert_array_equal(found, [1, 0])
