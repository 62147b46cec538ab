"""Off-policy evaluation: true on made-up logs, honest about what a log cannot tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.experiments.off_policy import doubly_robust, inverse_propensity, self_normalised

ITEMS = 12
RATES = np.linspace(0.02, 0.3, ITEMS)
LOGGED = np.arange(1, ITEMS + 1)[::-1] / np.arange(1, ITEMS + 1).sum()
TARGET = np.arange(1, ITEMS + 1) / np.arange(1, ITEMS + 1).sum()
TRUTH = float(RATES @ TARGET)


def _log(seed: int, exposures: int = 3_000):
    generator = np.random.default_rng(seed)
    item = generator.choice(ITEMS, exposures, p=LOGGED)
    return item, (generator.random(exposures) < RATES[item]).astype(float)


@pytest.mark.parametrize("wrong_model", [False, True])
def test_the_truth_lies_in_the_interval_as_often_as_promised(wrong_model: bool) -> None:
    inside = {"ips": 0, "snips": 0, "dr": 0}
    estimates = {name: [] for name in inside}
    model = np.full(ITEMS, 0.5) if wrong_model else RATES
    for seed in range(200):
        item, reward = _log(seed)
        given_to = (reward, LOGGED[item], TARGET[item])
        expected, of_target = model[item], np.full(item.size, model @ TARGET)
        for name, value in (
            ("ips", inverse_propensity(*given_to)),
            ("snips", self_normalised(*given_to)),
            ("dr", doubly_robust(*given_to, expected, of_target)),
        ):
            inside[name] += value.low <= TRUTH <= value.high
            estimates[name].append(value.estimate)
            assert value.weights_fit
    for name, found in estimates.items():
        assert abs(np.mean(found) - TRUTH) < 4 * np.std(found) / np.sqrt(200) + 2e-3, name
        assert inside[name] >= 178, name  # 95 % of 200, less four standard errors
    if not wrong_model:
        assert np.std(estimates["dr"]) < np.std(estimates["ips"])


def test_a_model_of_the_reward_saves_what_wrong_propensities_spoil() -> None:
    item, reward = _log(1, 60_000)
    wrong = np.full(item.size, 1 / ITEMS)
    plain = inverse_propensity(reward, wrong, TARGET[item])
    robust = doubly_robust(reward, wrong, TARGET[item], RATES[item], np.full(item.size, TRUTH))
    assert abs(robust.estimate - TRUTH) < 0.005 < abs(plain.estimate - TRUTH)
    assert not plain.weights_fit  # and the log says that its propensities are not true


@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
def test_self_normalised_values_never_leave_the_range_of_rewards(seed: int, exposures: int) -> None:
    generator = np.random.default_rng(seed)
    reward = generator.normal(size=exposures)
    value = self_normalised(
        reward, generator.uniform(1e-3, 1, exposures), generator.uniform(1e-3, 1, exposures)
    )
    assert reward.min() - 1e-9 <= value.estimate <= reward.max() + 1e-9
    assert 0 < value.effective <= exposures + 1e-9


def test_the_policy_that_was_logged_is_worth_what_it_earned() -> None:
    item, reward = _log(2)
    for value in (
        inverse_propensity(reward, LOGGED[item], LOGGED[item]),
        self_normalised(reward, LOGGED[item], LOGGED[item]),
    ):
        assert value.estimate == pytest.approx(reward.mean())
        assert value.effective == pytest.approx(reward.size)


def test_exposures_of_one_customer_count_as_one() -> None:
    item, reward = _log(3, 500)
    thrice = [np.repeat(each, 3) for each in (reward, LOGGED[item], TARGET[item])]
    alone = inverse_propensity(reward, LOGGED[item], TARGET[item])
    together = inverse_propensity(*thrice, groups=np.repeat(np.arange(500), 3))
    assert together.high - together.low == pytest.approx(alone.high - alone.low)
    taken_apart = inverse_propensity(*thrice)
    assert taken_apart.high - taken_apart.low < 0.6 * (alone.high - alone.low)


@pytest.mark.parametrize(
    ("reward", "propensity", "target", "words"),
    [
        ([], [], [], "one number an exposure"),
        ([1.0], [0.0], [0.5], "exposure 0"),
        ([1.0, 1.0], [0.5, 1.5], [0.5, 0.5], "exposure 1"),
        ([1.0], [0.5], [-0.1], "exposure 0"),
        ([float("nan")], [0.5], [0.1], "exposure 0"),
        ([1.0, 0.0], [0.5], [0.5, 0.5], "one number an exposure"),
    ],
)
def test_what_is_no_log_is_refused_with_the_place(
    reward: list, propensity: list, target: list, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        inverse_propensity(reward, propensity, target)


def test_a_log_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot evaluate it"):
        self_normalised([1.0, 0.0], [0.5, 0.5], [0.0, 0.0])
