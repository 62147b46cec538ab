"""Gradient-boosted forests that order candidates by their features, grown by LightGBM."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recsys_models.ranker.labelled_lists import LabelledLists


@dataclass(frozen=True)
class ForestSettings:
    """Settings of LightGBM for one forest; see `Ranker`."""

    trees: int
    leaves: int
    learning_rate: float


class Forests:
    """Forests whose scores are averaged.

    Args:
        texts: LightGBM's text of each forest.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        for text in texts:
            _must_be_whole(text)
        self._boosters = [lightgbm.Booster(model_str=text) for text in texts]

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean score of the forests. Shape (rows, features) in, (rows,) out."""
        scores = [np.asarray(booster.predict(features, raw_score=True)) for booster in self._boosters]
        return np.asarray(np.mean(scores, axis=0), np.float64)

    def effects(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Contribution of each feature to the score: TreeSHAP (Lundberg et al. 2020), shape (features,) in and out."""
        added = [np.asarray(booster.predict(row[None], pred_contrib=True))[0] for booster in self._boosters]
        return np.mean(added, axis=0)[:-1]


def _must_be_whole(text: str) -> None:
    """Raise ValueError for a truncated text, because LightGBM reads past its end."""
    sizes = next((line[11:].split() for line in text.splitlines() if line.startswith("tree_sizes=")), None)
    begin, end = text.find("Tree=0"), text.find("end of trees")
    if not text.startswith("tree\n") or sizes is None or min(begin, end) < 0:
        raise ValueError(f"trees: expected the text of a LightGBM forest, found {text[:40]!r}")
    if sum(map(int, sizes)) != end - begin:
        raise ValueError(f"trees: expected {sum(map(int, sizes))} characters of trees, found {end - begin}")


def grown_forest(
    lists: LabelledLists,
    names: list[str],
    settings: ForestSettings,
    *,
    share: float,
    rng: np.random.Generator,
    seed: int,
) -> str:
    """LightGBM's text of a forest that learns to rank the hits of each list first (Bruch et al. 2021, XE-NDCG).

    Args:
        names: of the features.
        share: share of the candidates without a hit that the forest learns from, drawn with `rng`.
    """
    features, target, group = lists.sample(share, rng)
    parameters = {
        "objective": "rank_xendcg",
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "lambda_l2": 10.0,
        "min_data_in_leaf": int(min(100, max(1, lists.hit.sum() // 4))),
        "feature_fraction": 0.5,
        # LightGBM rounds down, and a bag of nothing ends it
        "bagging_fraction": 0.7 if len(features) > 1 else 1.0,
        "bagging_freq": 1,
        "max_bin": 127,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": os.cpu_count() or 1,
        "verbosity": -1,
        "seed": seed,
    }
    data = lightgbm.Dataset(features, target.astype(np.int8), group=group, feature_name=names)
    return lightgbm.train(parameters, data, num_boost_round=settings.trees).model_to_string()
