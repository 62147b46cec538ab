"""A search tries the defaults first, proposes the same for the same seed, and its spaces fit the families."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from recsys_models import Interactions, Popularity, Recommender, families
from recsys_models.training.tuning import SPACES, Between, OneOf, Trial, best, tune


def shop(subset: int) -> Interactions:
    """Forty users with tastes for one of four kinds of items."""
    generator = np.random.default_rng(subset)
    user = np.repeat(np.arange(40), 8)
    item = (user % 4) + 4 * generator.integers(0, 10, user.size)
    time = (1_700_000_000 + 86_400 * (item + 40 * subset)) * 1_000_000
    ids = np.arange(40)
    return Interactions.from_arrays(user, item, timestamp=time, user_ids=ids, item_ids=ids)


TRAIN, VALID = shop(0), shop(1)


def ends(where: Between | OneOf) -> list[Any]:
    return [where.low, where.high] if isinstance(where, Between) else list(where.values)


@pytest.mark.parametrize("family", SPACES)
def test_a_space_names_parameters_that_the_family_has(family: str) -> None:
    assert SPACES[family].keys() <= families[family]().params().keys()


CASES = [
    (family, name, value)
    for family, space in SPACES.items()
    for name, where in space.items()
    for value in ends(where)
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("family", "name", "value"), CASES)
def test_a_model_can_be_fitted_at_every_end_of_a_space(family: str, name: str, value: Any) -> None:
    small: dict[str, dict[str, Any]] = {
        "lightgcn": {"dim": 8, "epochs": 1},
        "matrix_factorization": {"dim": 8, "epochs": 1},
        "ranker": {"trees": 5},
        "spectral": {"rank": 8},
        "gcn": {"dim": 8, "epochs": 1},
        "gat": {"dim": 8, "epochs": 1},
        "gnn_r": {"dim": 8, "epochs": 1, "steps": 1},
        "sequence": {"dim": 8, "epochs": 1, "length": 5},
        "multi_behaviour": {"dim": 8, "epochs": 1},
        "ials": {"iterations": 1},
    }
    model = families[family](**{**small.get(family, {}), name: value})
    model.fit(TRAIN, validation=VALID, device="cpu")
    assert np.isfinite(model.scores(np.arange(5))).all()


def make(params: Mapping[str, Any]) -> Recommender:
    return Popularity(**params)


def search(**options: Any) -> list[Trial]:
    return tune(make, SPACES["popularity"], TRAIN, VALID, device="cpu", **options)


def test_the_first_trial_has_the_defaults_and_the_best_is_no_worse() -> None:
    trials = search(trials=6, seed=1)
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4, 5]
    assert trials[0].params == {}
    assert all(trial.params.keys() == SPACES["popularity"].keys() for trial in trials[1:])
    winner = best(trials)
    assert winner.ndcg is not None and trials[0].ndcg is not None
    assert winner.ndcg == max(trial.ndcg or 0 for trial in trials) >= trials[0].ndcg


def test_the_same_seed_proposes_the_same_and_another_does_not() -> None:
    def proposed(seed: int) -> list[tuple[Mapping[str, Any], float | None]]:
        return [(trial.params, trial.ndcg) for trial in search(trials=4, seed=seed)]

    assert proposed(1) == proposed(1)
    assert proposed(1) != proposed(2)


def test_an_interrupted_search_goes_on_as_if_it_had_not_stopped() -> None:
    whole = search(trials=6, seed=3)
    fitted: list[Trial] = []
    resumed = search(trials=6, seed=3, known=whole[:4], on_trial=fitted.append)
    assert [trial.number for trial in fitted] == [4, 5]
    assert [(t.params, t.ndcg) for t in resumed] == [(t.params, t.ndcg) for t in whole]


def test_trials_that_took_all_the_minutes_are_not_lost() -> None:
    whole = search(trials=4, seed=3)
    resumed = search(trials=6, seed=3, known=whole, minutes=1e-9)
    assert [(t.params, t.ndcg) for t in resumed] == [(t.params, t.ndcg) for t in whole]


def test_trials_of_another_search_are_not_taken_over() -> None:
    fitted: list[Trial] = []
    known = search(trials=4, seed=4)
    resumed = search(trials=4, seed=3, known=known, on_trial=fitted.append)
    assert [trial.number for trial in fitted] == [1, 2, 3]
    assert [t.params for t in resumed] == [t.params for t in search(trials=4, seed=3)]


def test_after_its_minutes_no_trial_starts() -> None:
    seen: list[Trial] = []
    assert len(search(trials=50, minutes=1e-9, on_trial=seen.append)) == len(seen) == 1


def test_a_trial_that_fails_is_kept_with_its_error_and_never_wins() -> None:
    def fails(params: Mapping[str, Any]) -> Recommender:
        if params:
            raise ValueError("a loss that is no number")
        return Popularity()

    trials = tune(fails, SPACES["popularity"], TRAIN, VALID, trials=3, device="cpu")
    assert [trial.state for trial in trials] == ["complete", "failed", "failed"]
    assert trials[2].error == "a loss that is no number" and trials[2].ndcg is None
    assert best(trials).number == 0
    with pytest.raises(ValueError, match="a loss that is no number"):
        best(trials[1:])


def test_without_optuna_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"recsys-platform\[tuning\]"):
        search(trials=2)
