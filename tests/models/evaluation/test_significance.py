"""Significance tests on differences whose answer is known."""

import numpy as np
import pytest

from recsys_models import compare, holm, paired_bootstrap, wilcoxon


def test_a_clear_difference_is_found_and_none_is_not() -> None:
    generator = np.random.default_rng(0)
    base = generator.random(400)
    clear = paired_bootstrap(base + 0.1 + generator.normal(0, 0.1, 400), base)
    assert clear.low > 0 and clear.p < 0.01 and clear.mean == pytest.approx(0.1, abs=0.02)
    noise = paired_bootstrap(base + generator.normal(0, 0.1, 400), base)
    assert noise.low < 0 < noise.high and noise.p > 0.05
    assert wilcoxon(base + 0.1, base) < 1e-6
    assert wilcoxon(base, base) == 1.0
    assert paired_bootstrap(base, base).p == 1.0


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(100):
        sample = generator.exponential(1.0, 200) - 1.0
        low, high = paired_bootstrap(sample, np.zeros(200), samples=400, seed=seed)[1:3]
        covered += low <= 0 <= high
    assert 87 <= covered <= 100


def test_the_same_seed_gives_the_same_answer() -> None:
    a, b = np.random.default_rng(2).random((2, 50))
    assert paired_bootstrap(a, b, seed=5) == paired_bootstrap(a, b, seed=5)


def test_holm_by_hand() -> None:
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError, match="same users"):
        paired_bootstrap([1.0], [1.0, 2.0])


def test_models_are_compared_over_seeds_user_by_user() -> None:
    generator = np.random.default_rng(3)
    base = generator.random((5, 300))
    better = base + 0.05 + generator.normal(0, 0.02, base.shape)
    found = compare({"base": base, "same": base, "better": better, "once": base[0]}, "base")
    assert found["model"].to_list()[0] == "better"
    rows = {row["model"]: row for row in found.iter_rows(named=True)}
    assert rows["better"]["low"] > 0 and rows["better"]["p"] < 0.01 and rows["better"]["p_wilcoxon"] < 0.01
    assert rows["same"]["p"] == rows["same"]["p_wilcoxon"] == 1 and rows["same"]["difference"] == 0
    assert rows["better"]["deviation"] == pytest.approx(better.mean(1).std(ddof=1))
    assert (rows["once"]["seeds"], rows["once"]["deviation"]) == (1, None)
    plain = paired_bootstrap(better.mean(0), base.mean(0))
    assert rows["better"]["p"] == pytest.approx(min(1.0, 3 * plain.p))
    with pytest.raises(ValueError, match="baseline"):
        compare({"base": base}, "other")
