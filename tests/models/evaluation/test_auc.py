"""The area under the ROC curve, against the Mann-Whitney statistic of SciPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import mannwhitneyu

from recsys_models.evaluation.auc import SORTED_FROM, auc_of_rows


def of(scores: list[float], relevant: list[int], *, unknown: int = 0, masked: int = 0) -> float:
    table = np.array([scores], np.float32)
    wanted = np.zeros(table.shape, np.float32)
    wanted[0, relevant] = 1
    return float(auc_of_rows(table, sp.csr_array(wanted), np.array([unknown]), np.array([masked]))[0])


def test_known_values() -> None:
    assert of([3, 2, 1, 0], [0]) == 1
    assert of([3, 2, 1, 0], [3]) == 0
    assert of([3, 2, 1, 0], [1]) == pytest.approx(2 / 3)
    assert of([1, 1, 1, 1], [2]) == 0.5
    assert of([3, 2, 1, 0], [0, 3]) == 0.5


def test_masked_items_are_compared_with_nothing() -> None:
    hidden = -np.inf
    assert of([hidden, 2, 1, 3], [1], masked=1) == 0.5
    # an item that the model gives no score at all ties with others like it, and not with masked ones
    assert of([hidden, hidden, hidden, 3], [1], masked=1) == pytest.approx(0.25)


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
    found = auc_of_rows(scores, sp.csr_array(wanted), np.zeros(150, int), np.zeros(150, int))
    expected = [
        mannwhitneyu(row[hit > 0], row[hit == 0]).statistic / (hit.sum() * (hit == 0).sum())
        for row, hit in zip(scores, wanted, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-9, rtol=0)
