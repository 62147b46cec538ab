"""Two stages as shops run them: candidates, then trees and networks over what is known of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.ids import as_ids, rows_of
from recsys_models.data.interactions import Interactions
from recsys_models.ranker.first_stage import FirstStage, FirstStageSettings
from recsys_models.ranker.labelled_lists import LabelledLists
from recsys_models.ranker.listwise import Listwise, ListwiseSettings
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.holdout import hold_out
from recsys_models.training.user_blocks import over_blocks
from recsys_models.training.validation import hits_at_k

if TYPE_CHECKING:
    import lightgbm

AT_LEAST = (("bags", 1), ("networks", 0), ("network_width", 1), ("network_epochs", 1), ("folds", 0))
ABOVE_THE_REST = 100.0
"""Scores of candidates are far smaller: an item that is no candidate always comes after those that are."""
NETWORKS_WEIGHT = 3.0
"""Of the networks' scores beside the forests'; 1 and 2 order worse."""


@dataclass(kw_only=True, eq=False)
class Ranker(Recommender):
    """Candidates by spectral and user-neighbour scores, ordered by their features: LightGBM and a network.

    Both learn from held-out interactions: the first stage is fitted on `interactions`, its candidates are
    labelled by `validation`. Without validation a part of the interactions is held out for that, and the first stage
    is then fitted on all. `retrained` fits the first stage on more interactions and keeps trees and networks.

    Items that are no candidates, and items that the user has, come after the candidates in the first stage's order.

    Args:
        candidates: how many a user.
        rank, scoring_rank: singular vectors for features, and for the candidates' scores.
        user_neighbours: how many nearest users to keep for each.
        item_neighbours: how many affine items to keep for each on average.
        half_life_days: age weighting of the spectral model where there are timestamps; None for none.
        users: from how many users' labels they learn.
        folds: further parts of as many interactions as there are labels, from which they learn too: each is held out of
            a first stage of its own.
        negative_share: share of the candidates without label that the trees learn from.
        trees, leaves, learning_rate: of LightGBM.
        bags: forests, each from other candidates without label, whose scores are averaged.
        networks: that look at all candidates of a user at once. The mean of their scores, standardised for each
            user, is added to the forests'.
        network_width, network_epochs: of each.
    """

    family: ClassVar[str] = "ranker"
    learns_by_gradient: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    candidates: int = 120
    rank: int = 1000
    scoring_rank: int = 600
    user_neighbours: int = 500
    item_neighbours: int = 128
    half_life_days: float | None = 28.0
    users: int = 20_000
    negative_share: float = 0.12
    trees: int = 300
    leaves: int = 15
    learning_rate: float = 0.06
    bags: int = 1
    networks: int = 1
    network_width: int = 64
    network_epochs: int = 10
    folds: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in AT_LEAST:
            if getattr(self, name) < least:
                raise ValueError(
                    f"{self.family}: {name}: expected at least {least}, found {getattr(self, name)}"
                )
        self._stage: FirstStage | None = None
        self._trees: list[str] = []
        self._networks: list[Listwise] = []
        self._boosters: list[lightgbm.Booster] | None = None

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        if validation is not None:
            self._stage = self._first_stage(interactions, run.seed)
            self._learn(self._stage, interactions, validation, run)
            return
        known, held = hold_out(interactions, share=0.2, seed=run.seed)
        stage = self._first_stage(known, run.seed)
        self._learn(stage, known, held, run)
        self._stage = self._first_stage(interactions, run.seed, stage.right)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        stage = before.stage
        row = rows_of(self.item_ids, before.item_ids, "item")
        warm = stage.right[np.maximum(row, 0)] * (row >= 0)[:, None]
        self._stage = self._first_stage(interactions, run.seed, warm)
        if validation is None:
            self._trees, self._networks = before._trees, before._networks
        else:
            self._learn(self._stage, interactions, validation, run)

    def _retrain(self, interactions: Interactions, run: FitRun, before: Any) -> None:
        self._refit(interactions, None, run, before)

    @property
    def stage(self) -> FirstStage:
        """The fitted first stage."""
        if self._stage is None:
            raise ValueError("ranker: expected a fitted model, found one without data; call fit first")
        return self._stage

    def _first_stage(
        self, interactions: Interactions, seed: int, warm: NDArray[np.float32] | None = None
    ) -> FirstStage:
        timed = interactions.timestamp is not None
        n = min(interactions.n_users, interactions.n_items)
        settings = FirstStageSettings(
            rank=min(self.rank, max(64, n // 4)),
            scoring_rank=self.scoring_rank,
            user_neighbours=self.user_neighbours,
            item_neighbours=self.item_neighbours,
            half_life_days=self.half_life_days if timed else None,
        )
        return FirstStage.fit(interactions, settings, seed, warm)

    def _learn(self, stage: FirstStage, known: Interactions, labels: Interactions, run: FitRun) -> None:
        self._boosters, self._trees, self._networks = None, [], []
        lists = LabelledLists.joined(self._lists(stage, known, labels, run.seed))
        if lists is None or lists.hit.all():
            return
        self._grow(stage, lists, run.seed)
        for number in range(self.networks):
            own = replace(run, seed=run.seed + number, identity=f"{run.identity}-network-{number}")
            settings = ListwiseSettings(width=self.network_width, epochs=self.network_epochs)
            network = Listwise.fit(lists.features, lists.hit, settings, own)
            self._networks.append(network)
            done = len(self.history)
            self.history += [{**row, "epoch": done + row["epoch"]} for row in network.history]
            self.incidents += network.incidents

    def _lists(
        self, stage: FirstStage, known: Interactions, labels: Interactions, seed: int
    ) -> Iterator[LabelledLists | None]:
        """Of the labels, then of further parts of as many interactions, one after another.

        With timestamps each part is what came before the last; without, each is drawn from all, labels too.
        """
        sizes = {"candidates": self.candidates, "users": self.users, "seed": seed}
        yield LabelledLists.of(stage, labels, **sizes)
        whole = known.merged(labels) if known.timestamp is None else known
        for number in range(self.folds):
            share = min(0.5, len(labels) / max(1, len(whole)))
            rest, held = hold_out(whole, share=share, seed=seed + 1 + number)
            # not from the stage's vectors, which have seen what is held out here
            yield LabelledLists.of(self._first_stage(rest, seed), held, **sizes)
            if whole.timestamp is not None:
                whole = rest

    def _grow(self, stage: FirstStage, lists: LabelledLists, seed: int) -> None:
        import lightgbm

        parameters = {
            "objective": "rank_xendcg",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "lambda_l2": 10.0,
            "min_data_in_leaf": int(min(100, max(1, lists.hit.sum() // 4))),
            "feature_fraction": 0.5,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "max_bin": 127,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": os.cpu_count() or 1,
            "verbosity": -1,
        }
        names, generator = list(stage.feature_names()), np.random.default_rng(seed)
        for number in range(self.bags):
            features, target, group = lists.sample(self.negative_share, generator)
            data = lightgbm.Dataset(features, target.astype(np.int8), group=group, feature_name=names)
            grown = lightgbm.train({**parameters, "seed": seed + number}, data, num_boost_round=self.trees)
            self._trees.append(grown.model_to_string())

    def _order(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """What orders the candidates: shape (users, candidates, features) in, (users, candidates) out."""
        forests = self._forest_scores(features.reshape(-1, features.shape[2])).reshape(features.shape[:2])
        if not self._networks:
            return forests
        networks = np.mean([network.scores(features) for network in self._networks], axis=0)
        return _standardised(forests) + NETWORKS_WEIGHT * _standardised(networks)

    def _forest_scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shape (rows, features) in, (rows,) out."""
        if not self._trees:
            return np.zeros(features.shape[0])
        scores = [np.asarray(booster.predict(features, raw_score=True)) for booster in self._forests()]
        return np.asarray(np.mean(scores, axis=0), np.float64)

    def _forests(self) -> list[lightgbm.Booster]:
        import lightgbm

        if self._boosters is None:
            self._boosters = [lightgbm.Booster(model_str=trees) for trees in self._trees]
        return self._boosters

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        scores = over_blocks(self._score, user_rows)
        return np.concatenate(scores) if scores else np.empty((0, self.n_items), np.float32)

    def _score(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        stage = self.stage
        total = stage.combined(rows)
        items, described = stage.features(rows, self.candidates, total)
        # the first stage decides where nothing else sees a difference
        order = self._order(described) + 1e-4 * np.take_along_axis(total, items, 1)
        total -= ABOVE_THE_REST
        real = ~hits_at_k(items.astype(np.int32), stage.seen, rows)
        chosen = np.where(real, order, np.take_along_axis(total, items, 1))
        np.put_along_axis(total, items, chosen.astype(np.float32), 1)
        return total

    def explain(self, user: int | str, item: int | str) -> dict[str, tuple[float, float]]:
        """Feature → (its value, what it adds to what orders the candidates), largest effect first.

        Forests by TreeSHAP (Lundberg et al. 2020), networks by integrated gradients (Sundararajan et al. 2017); where
        there are both, each over the deviation of its scores among the user's candidates, as they are added up.

        Raises:
            ValueError: user or item is unknown, or the item is no candidate for the user.
        """
        row = int(rows_of(as_ids([user], "user"), self.user_ids, "user")[0])
        column = int(rows_of(as_ids([item], "item"), self.item_ids, "item")[0])
        if row < 0 or column < 0:
            raise ValueError(f"expected a known user and item, found user {user!r} and item {item!r}")
        items, described = self.stage.features(np.array([row]), self.candidates)
        at = np.flatnonzero(items[0] == column)
        if not at.size or self.stage.seen[[row]][:, [column]].nnz:
            raise ValueError(
                f"item {item!r}: expected a candidate for user {user!r}, found one of the other items"
            )
        values = described[0, at[0]]
        effects = self._effects(described[0], int(at[0]))
        named = zip(self.stage.feature_names(), values.tolist(), effects.tolist(), strict=True)
        ordered = sorted(named, key=lambda entry: -abs(entry[2]))
        return {name: (value, effect) for name, value, effect in ordered}

    def _effects(self, features: NDArray[np.float32], at: int) -> NDArray[np.float64]:
        """Of the candidate `at` among a user's, shape (candidates, features) in, (features,) out."""
        effects = np.zeros(features.shape[1])
        if self._trees:
            row = features[at : at + 1]
            added = [np.asarray(booster.predict(row, pred_contrib=True))[0] for booster in self._forests()]
            effects = np.mean(added, axis=0)[:-1]
        if not self._networks:
            return effects
        scores = np.mean([network.scores(features[None])[0] for network in self._networks], axis=0)
        by_networks = np.mean([network.effects(features, at) for network in self._networks], axis=0)
        forests = _per_deviation(self._forest_scores(features))
        return effects * forests + NETWORKS_WEIGHT * by_networks * _per_deviation(scores)

    def _state(self) -> dict[str, NDArray[Any]]:
        networks = {
            f"network.{number}.{name}": array
            for number, network in enumerate(self._networks)
            for name, array in network.arrays.items()
        }
        return {**self.stage.state(), "trees": np.array(self._trees, np.str_), **networks}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._trees = [trees for trees in state["trees"].tolist() if trees]
        self._boosters = None
        self._stage = FirstStage.from_state(state, sp.csr_array(self.seen))
        named: dict[int, dict[str, NDArray[Any]]] = {}
        for key, array in state.items():
            if key.startswith("network."):
                _, number, name = key.split(".", 2)
                named.setdefault(int(number), {})[name] = array
        self._networks = [Listwise(named[number]) for number in sorted(named)]


def _standardised(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each row with mean 0 and deviation 1; a row without spread is all zeros."""
    return (scores - scores.mean(1, keepdims=True, dtype=np.float64)) * _per_deviation(scores)


def _per_deviation(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """1 / deviation along the last axis, which stays with length 1; 0 without spread."""
    deviation = scores.std(-1, keepdims=True, dtype=np.float64)
    return 1 / np.where(deviation > 1e-9, deviation, np.inf)
