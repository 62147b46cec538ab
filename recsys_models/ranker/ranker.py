"""The ranker, a two-stage recommender: candidates, ordered by forests and networks over their features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights
from recsys_models.data.ids import as_ids, rows_of
from recsys_models.data.interactions import Interactions
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.fold_map import FoldMap
from recsys_models.kernels.near_rows import NearRows
from recsys_models.parameters.parameters import (
    Above0,
    Count,
    Range,
    Rounds,
    RoundsOrNone,
    Several,
    SeveralOrNone,
    Share,
    Width,
)
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.holdout import hold_out
from recsys_models.training.user_blocks import over_blocks
from recsys_models.training.validation import hits_at_k

if TYPE_CHECKING:
    from recsys_models.ranker.candidate_generator import CandidateGenerator, Customers
    from recsys_models.ranker.forests import Forests
    from recsys_models.ranker.labelled_lists import LabelledLists
    from recsys_models.ranker.listwise import Listwise

ABOVE_THE_REST = 100.0
"""Offset between candidates and other items; candidates' scores are far smaller, so all other items come after them."""
NETWORKS_WEIGHT = 3.0
"""Weight of the networks' scores relative to the forests'; 1 and 2 order worse."""


@dataclass(kw_only=True, eq=False)
class Ranker(Recommender):
    """Two-stage recommender: candidates by spectral and user-neighbour scores, ordered by forests and networks.

    Forests and networks learn from held-out interactions: the candidate generator is fitted on `interactions`, and its
    candidates are labelled by `validation`. Without validation a part of the interactions is held out for that, and the
    candidate generator is then fitted on all. `retrained` fits the candidate generator on more interactions and keeps
    forests and networks.

    Items that are no candidates, and items that the user has, follow the candidates in the candidate generator's order.

    Args:
        candidates: number of candidates per user.
        rank: number of singular vectors for the features.
        scoring_rank: number of singular vectors for the candidates' scores.
        user_neighbours: number of nearest users kept for each user.
        item_neighbours: average number of affine items kept for each item.
        half_life_days: age at which an interaction counts half in the spectral model; None: no decay. Without
            timestamps nothing decays.
        users: largest number of users whose labels are learned from.
        folds: number of further parts, of as many interactions as there are labels, that are learned from as well; each
            is held out of a candidate generator of its own.
        negative_share: share of the unlabelled candidates that a forest learns from.
        trees, leaves, learning_rate: number of trees, leaves per tree and learning rate of LightGBM.
        bags: number of forests whose scores are averaged; each learns from another draw of unlabelled candidates.
        networks: number of networks, which look at all candidates of a user at once. The mean of their scores,
            standardised for each user, is added to the forests'.
        network_width, network_epochs: width of the hidden layers and number of passes of each network.
    """

    family: ClassVar[str] = "ranker"
    needs_links: ClassVar[bool] = True
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp", "weight"})
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    candidates: Count = 120
    rank: Count = 1000
    scoring_rank: Count = 600
    user_neighbours: Count = 500
    item_neighbours: Count = 128
    half_life_days: Above0 | None = 28.0
    users: Count = 20_000
    negative_share: Share = 0.12
    trees: RoundsOrNone = 300
    leaves: Annotated[int, Range(2, 131_072, why="LightGBM knows no more")] = 15
    learning_rate: Above0 = 0.06
    bags: Several = 1
    networks: SeveralOrNone = 1
    network_width: Width = 64
    network_epochs: Rounds = 10
    folds: SeveralOrNone = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._generator: CandidateGenerator | None = None
        self._trees: list[str] = []
        self._networks: list[Listwise] = []
        self._grown: Forests | None = None
        self._fold_map: FoldMap | None = None
        self._near: NearRows | None = None

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        if validation is not None:
            self._generator = self._generator_for(interactions, run.seed)
            self._learn(self._generator, interactions, validation, run)
            return
        known, held = hold_out(interactions, share=0.2, seed=run.seed)
        generator = self._generator_for(known, run.seed)
        self._learn(generator, known, held, run)
        self._generator = self._generator_for(interactions, run.seed, generator.right)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        generator = before.generator
        row = rows_of(self.item_ids, before.item_ids, "item")
        warm = generator.right[np.maximum(row, 0)] * (row >= 0)[:, None]
        self._generator = self._generator_for(interactions, run.seed, warm)
        if validation is None:
            self._trees, self._networks = before._trees, before._networks
        else:
            self._learn(self._generator, interactions, validation, run)

    def _retrain(self, interactions: Interactions, run: FitRun, before: Any) -> None:
        self._refit(interactions, None, run, before)

    @property
    def generator(self) -> CandidateGenerator:
        """The fitted candidate generator."""
        if self._generator is None:
            raise ValueError("ranker: expected a fitted model, found one without data; call fit first")
        return self._generator

    def _generator_for(
        self, interactions: Interactions, seed: int, warm: NDArray[np.float32] | None = None
    ) -> CandidateGenerator:
        from recsys_models.ranker.candidate_generator import CandidateGenerator, CandidateGeneratorSettings

        timed = interactions.timestamp is not None
        n = min(interactions.n_users, interactions.n_items)
        settings = CandidateGeneratorSettings(
            rank=min(self.rank, max(64, n // 4)),
            scoring_rank=self.scoring_rank,
            user_neighbours=self.user_neighbours,
            item_neighbours=self.item_neighbours,
            half_life_days=self.half_life_days if timed else None,
        )
        return CandidateGenerator.fit(interactions, settings, seed, warm)

    def _learn(
        self, generator: CandidateGenerator, known: Interactions, labels: Interactions, run: FitRun
    ) -> None:
        from recsys_models.ranker.labelled_lists import LabelledLists
        from recsys_models.ranker.listwise import Listwise, ListwiseSettings

        self._grown, self._trees, self._networks = None, [], []
        lists = LabelledLists.joined(self._lists(generator, known, labels, run.seed))
        if lists is None or lists.hit.all():
            return
        self._grow(generator, lists, run.seed)
        for number in range(self.networks):
            own = replace(run, seed=run.seed + number, identity=f"{run.identity}-network-{number}")
            settings = ListwiseSettings(width=self.network_width, epochs=self.network_epochs)
            network = Listwise.fit(lists.features, lists.hit, settings, own)
            self._networks.append(network)
            done = len(self.history)
            self.history += [{**row, "epoch": done + row["epoch"]} for row in network.history]
            self.incidents += network.incidents

    def _lists(
        self, generator: CandidateGenerator, known: Interactions, labels: Interactions, seed: int
    ) -> Iterator[LabelledLists | None]:
        """Training lists: of the labels, then of `folds` further parts of as many interactions, one after another.

        With timestamps each part lies before the previous one; without, each is drawn from all interactions and labels.
        """
        from recsys_models.ranker.labelled_lists import LabelledLists

        sizes = {"candidates": self.candidates, "users": self.users, "seed": seed}
        yield LabelledLists.of(generator, labels, **sizes)
        whole = known.merged(labels) if known.timestamp is None else known
        for number in range(self.folds):
            share = min(0.5, len(labels) / max(1, len(whole)))
            rest, held = hold_out(whole, share=share, seed=seed + 1 + number)
            # no warm start from the generator's vectors, which have seen what is held out here
            yield LabelledLists.of(self._generator_for(rest, seed), held, **sizes)
            if whole.timestamp is not None:
                whole = rest

    def _grow(self, generator: CandidateGenerator, lists: LabelledLists, seed: int) -> None:
        """Grow the forests on the lists."""
        from recsys_models.ranker.forests import ForestSettings, grown_forest

        settings = ForestSettings(self.trees, self.leaves, self.learning_rate)
        names, rng = list(generator.feature_names()), np.random.default_rng(seed)
        for number in range(self.bags if self.trees else 0):
            forest = grown_forest(
                lists, names, settings, share=self.negative_share, rng=rng, seed=seed + number
            )
            self._trees.append(forest)

    def _order(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores that order the candidates. Shape (users, candidates, features) in, (users, candidates) out."""
        forests = self._forest_scores(features.reshape(-1, features.shape[2])).reshape(features.shape[:2])
        if not self._networks:
            return forests
        networks = np.mean([network.scores(features) for network in self._networks], axis=0)
        return _standardised(forests) + NETWORKS_WEIGHT * _standardised(networks)

    def _forest_scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of the forests, zeros without any. Shape (rows, features) in, (rows,) out."""
        return self._forests().scores(features) if self._trees else np.zeros(features.shape[0])

    def _forests(self) -> Forests:
        from recsys_models.ranker.forests import Forests

        if self._grown is None:
            self._grown = Forests(self._trees)
        return self._grown

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        scores = over_blocks(lambda rows: self._score(self.generator.customers(rows)), user_rows)
        return np.concatenate(scores) if scores else np.empty((0, self.n_items), np.float32)

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        generator = self.generator
        if self._near is None or self._near.rows is not generator.seen:
            self._near = generator.near_rows(self.user_neighbours)
        if self._fold_map is None:
            self._fold_map = self._fold_map_of(generator.seen)
        edges = edge_weights(customers, self.half_life_days)
        left = self._fold_map.vectors([edges], generator.right)
        folded = generator.folded(customers.user_items(), left, self._near)
        places = np.arange(customers.n_users)
        return np.concatenate(over_blocks(lambda block: self._score(folded.take(block)), places))

    def _fold_map_of(self, edges: sp.csr_array) -> FoldMap:
        from recsys_models.ranker.candidate_generator import EXPONENT

        left, right = self.generator.left, self.generator.right
        return FoldMap.learned([edges], left, right, item_exponents=(EXPONENT,), user_exponents=(EXPONENT,))

    def _learn_folding(self, interactions: Interactions) -> None:
        self._fold_map = self._fold_map_of(edge_weights(interactions, self.half_life_days))

    def _score(self, customers: Customers) -> NDArray[np.float32]:
        generator = self.generator
        total = generator.combined(customers)
        items, described = generator.features(customers, self.candidates, total)
        # the candidate generator decides where forests and networks see no difference
        order = self._order(described) + 1e-4 * np.take_along_axis(total, items, 1)
        total -= ABOVE_THE_REST
        real = ~hits_at_k(items.astype(np.int32), customers.seen, np.arange(len(items)))
        chosen = np.where(real, order, np.take_along_axis(total, items, 1))
        np.put_along_axis(total, items, chosen.astype(np.float32), 1)
        return total

    def explain(self, user: int | str, item: int | str) -> dict[str, tuple[float, float]]:
        """Explanation of a recommendation: feature → (its value, what it adds to the ordering score), largest first.

        Effects on forests are by TreeSHAP (Lundberg et al. 2020), on networks by integrated gradients (Sundararajan et
        al. 2017). Where there are both, each is divided by the deviation of its scores among the user's candidates, as
        the scores are when they are added.

        Raises:
            ValueError: user or item is unknown, or the item is no candidate for the user.
        """
        row = int(rows_of(as_ids([user], "user"), self.user_ids, "user")[0])
        column = int(rows_of(as_ids([item], "item"), self.item_ids, "item")[0])
        if row < 0 or column < 0:
            raise ValueError(f"expected a known user and item, found user {user!r} and item {item!r}")
        items, described = self.generator.features(np.array([row]), self.candidates)
        at = np.flatnonzero(items[0] == column)
        if not at.size or self.generator.seen[[row]][:, [column]].nnz:
            raise ValueError(
                f"item {item!r}: expected a candidate for user {user!r}, found one of the other items"
            )
        values = described[0, at[0]]
        effects = self._effects(described[0], int(at[0]))
        named = zip(self.generator.feature_names(), values.tolist(), effects.tolist(), strict=True)
        ordered = sorted(named, key=lambda entry: -abs(entry[2]))
        return {name: (value, effect) for name, value, effect in ordered}

    def _effects(self, features: NDArray[np.float32], at: int) -> NDArray[np.float64]:
        """Effects of the features of the candidate at this place, shape (candidates, features) in, (features,) out."""
        effects = np.zeros(features.shape[1])
        if self._trees:
            effects = self._forests().effects(features[at])
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
        folding = {} if self._fold_map is None else self._fold_map.state()
        return {**self.generator.state(), "trees": np.array(self._trees, np.str_), **networks, **folding}

    def _folds_at_once(self) -> bool:
        return self._fold_map is not None

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        from recsys_models.ranker.candidate_generator import CandidateGenerator
        from recsys_models.ranker.listwise import Listwise

        must_be(state["trees"], "trees", shape=(None,), kind="U")
        self._trees = [trees for trees in state["trees"].tolist() if trees]
        self._grown = None
        self._generator = CandidateGenerator.from_state(state, sp.csr_array(self.seen))
        self._fold_map = FoldMap.from_state(state, self.item_ids.size, self._generator.values.size)
        named: dict[int, dict[str, NDArray[Any]]] = {}
        for key, array in state.items():
            if key.startswith("network."):
                _, number, name = key.split(".", 2)
                named.setdefault(int(number), {})[name] = array
        self._networks = [Listwise(named[number]) for number in sorted(named)]


def _standardised(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores with mean 0 and deviation 1 in each row; a row without spread is all zeros."""
    return (scores - scores.mean(1, keepdims=True, dtype=np.float64)) * _per_deviation(scores)


def _per_deviation(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Inverse deviation along the last axis, which is kept with length 1; 0 without spread."""
    deviation = scores.std(-1, keepdims=True, dtype=np.float64)
    return 1 / np.where(deviation > 1e-9, deviation, np.inf)
