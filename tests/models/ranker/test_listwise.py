"""The network that looks at all candidates of a user at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recsys_models.ranker.listwise import Listwise, ListwiseSettings
from recsys_models.training.fit_run import FitRun

SETTINGS = ListwiseSettings(width=16, epochs=6, batch=32)


def lists(users: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The hit is the candidate nearest to the mean of its list: no candidate alone tells whether it is."""
    generator = np.random.default_rng(seed)
    level = generator.normal(0, 3, (users, 1, 1))
    features = (level + generator.normal(0, 1, (users, 10, 3))).astype(np.float32)
    features[:, :, 2] = 7.0
    distance = np.abs(features[:, :, 0] - features[:, :, 0].mean(1, keepdims=True))
    hit = distance == distance.min(1, keepdims=True)
    return features, hit


def test_it_learns_what_only_the_other_candidates_tell() -> None:
    features, hit = lists(3000)
    model = Listwise.fit(features, hit, replace(SETTINGS, epochs=12), FitRun(seed=1))
    assert [row["epoch"] for row in model.history] == list(range(1, 13))
    unknown, wanted = lists(500, seed=9)
    found = np.take_along_axis(wanted, model.scores(unknown).argmax(1)[:, None], 1).mean()
    assert found > 0.3, "by chance 0.1"


def test_the_order_of_candidates_does_not_matter() -> None:
    features, hit = lists(200)
    model = Listwise.fit(features, hit, SETTINGS, FitRun())
    turned = model.scores(features[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(turned, model.scores(features), atol=1e-4)
    assert model.scores(features[:0]).shape == (0, 10)


def test_threads_that_score_first_all_use_the_learned_network(monkeypatch: pytest.MonkeyPatch) -> None:
    features, hit = lists(200)
    model = Listwise.fit(features, hit, SETTINGS, FitRun())
    expected = model.scores(features)
    load = torch.nn.Module.load_state_dict

    def slow(*arguments: Any, **named: Any) -> Any:
        time.sleep(0.2)
        return load(*arguments, **named)

    monkeypatch.setattr(torch.nn.Module, "load_state_dict", slow)
    fresh = Listwise(model.arrays)
    with ThreadPoolExecutor(4) as pool:
        parts = [pool.submit(fresh.scores, features)]
        time.sleep(0.1)
        parts += [pool.submit(fresh.scores, features) for _ in range(3)]
        for part in parts:
            np.testing.assert_array_equal(part.result(), expected)


def test_a_feature_without_spread_and_far_values_do_no_harm() -> None:
    features, hit = lists(200)
    features[0, 0, 1] = 1e30
    model = Listwise.fit(features, hit, SETTINGS, FitRun())
    assert np.isfinite(model.scores(features)).all()


def test_effects_sum_to_what_a_candidate_of_median_features_would_lose() -> None:
    features, hit = lists(500)
    model = Listwise.fit(features, hit, SETTINGS, FitRun(seed=1))
    for at in range(10):
        told = model.effects(features[0], at)
        median = features[0].copy()
        median[at] = model.arrays["middle"]
        expected = model.scores(features[:1])[0, at] - model.scores(median[None])[0, at]
        assert told.shape == (3,) and told.sum() == pytest.approx(expected, rel=0.02, abs=1e-4)
        assert told[2] == 0, "a feature without spread"


def test_fewer_candidates_a_step_keep_every_hit() -> None:
    features, hit = lists(400)
    seen: list[torch.Tensor] = []
    whole = torch.log_softmax

    def kept(scores: torch.Tensor, dim: int) -> torch.Tensor:
        seen.append(scores.detach())
        return whole(scores, dim=dim)

    settings = replace(SETTINGS, candidates=4, epochs=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "log_softmax", kept)
        model = Listwise.fit(features, hit, settings, FitRun(seed=1))
    assert {scores.shape[1] for scores in seen} == {4}
    assert all(0.5 < row["loss"] < 1.6 for row in model.history), "a list without its hit has no loss"


def test_an_interrupted_fit_ends_with_the_same_bits(tmp_path: Path) -> None:
    features, hit = lists(400)

    def stop(epoch: int, _: dict[str, Any]) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    whole = Listwise.fit(features, hit, SETTINGS, FitRun(seed=2))
    with pytest.raises(KeyboardInterrupt):
        Listwise.fit(
            features, hit, SETTINGS, FitRun(seed=2, checkpoint=tmp_path, identity="a", on_epoch=stop)
        )
    assert list(tmp_path.iterdir()), "a checkpoint"
    told: list[int] = []
    run = FitRun(seed=2, checkpoint=tmp_path, identity="a", on_epoch=lambda epoch, _: told.append(epoch))
    again = Listwise.fit(features, hit, SETTINGS, run)
    assert told == [1, 2, 3, 4, 5, 6]
    assert whole.arrays.keys() == again.arrays.keys()
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array, err_msg=name)
