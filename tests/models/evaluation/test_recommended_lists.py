"""What lists are like: values by hand, and by the definition on drawn lists."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_models.evaluation import recommended_lists
from recsys_models.evaluation.recommended_lists import diversity, gini, list_metrics

TRAIN = sp.csr_array(np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]], np.float32))


def test_lists_by_hand() -> None:
    found = list_metrics(np.array([[0, 1], [0, -1], [2, 0]]), TRAIN, np.array([0, 1, -1]))
    assert found["coverage"] == pytest.approx(3 / 4)
    # shares of the three users who have anything: 1, 2/3, 0, 1/3
    assert found["popularity"] == pytest.approx(((1 + 2 / 3) / 2 + 1 + 0.5) / 3)
    assert found["popularity_lift"] == pytest.approx(((5 / 6 + 1) / 2) / ((5 / 6 + 1) / 2) - 1)
    assert found["novelty"] == pytest.approx((3 * 0 - np.log2(2 / 3) - np.log2(1 / 6)) / 5)
    assert found["exposure_gini"] == pytest.approx(gini(np.array([3, 1, 1, 0])))


def test_lift_says_how_much_more_popular_lists_are_than_profiles() -> None:
    found = list_metrics(np.array([[0, 0]]), TRAIN, np.array([2]))
    assert found["popularity_lift"] == pytest.approx(1 / ((1 + 2 / 3 + 1 / 3) / 3) - 1)


def test_empty_lists_and_users_without_a_profile() -> None:
    found = list_metrics(np.full((2, 3), -1), TRAIN, np.array([-1, 3]))
    assert set(found.values()) == {0.0}


def test_gini_by_its_definition() -> None:
    amounts = np.random.default_rng(0).integers(0, 9, 30)
    pairs = np.abs(amounts[:, None] - amounts[None, :]).mean()
    assert gini(amounts) == pytest.approx(pairs / 2 / amounts.mean())
    assert gini(np.ones(5)) == 0
    assert gini(np.array([0, 0, 0, 7])) == pytest.approx(3 / 4)
    assert gini(np.zeros(3)) == 0


def test_diversity_by_hand() -> None:
    lists = np.array([[0, 1, 2], [0, 3, -1], [0, -1, -1], [-1, -1, -1]])
    found = diversity(lists, TRAIN, [2, 3])
    alike = 2 / np.sqrt(3 * 2)
    np.testing.assert_allclose(found[2], [1 - alike, 1 - 1 / np.sqrt(3), 0, 0], atol=1e-6)
    np.testing.assert_allclose(found[3], [1 - alike / 3, 1 - 1 / np.sqrt(3), 0, 0], atol=1e-6)


@pytest.mark.parametrize("gain", [0.0, 1e9])
@pytest.mark.parametrize("cells", [50, 10**6])
def test_diversity_by_its_definition(monkeypatch: pytest.MonkeyPatch, gain: float, cells: int) -> None:
    monkeypatch.setattr(recommended_lists, "DENSE_GAIN", gain)
    monkeypatch.setattr(recommended_lists, "GRAM_CELLS", cells)
    generator = np.random.default_rng(0)
    train = (generator.random((50, 30)) < 0.2).astype(np.float64)
    lists = np.array([generator.permutation(30)[:6] for _ in range(20)], np.int32)
    lists[:5, 4:] = -1
    found = diversity(lists, sp.csr_array(train.astype(np.float32)), [4, 6])
    norm = train / np.maximum(np.linalg.norm(train, axis=0), 1e-12)
    for length in (4, 6):
        for row, value in zip(lists[:, :length], found[length], strict=True):
            pairs = itertools.combinations([item for item in row if item >= 0], 2)
            assert value == pytest.approx(np.mean([1 - norm[:, a] @ norm[:, b] for a, b in pairs]), abs=1e-6)
