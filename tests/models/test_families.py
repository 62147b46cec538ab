"""The contract, for every family."""

from typing import Any

import numpy as np

from recsys_models import (
    IALS,
    Content,
    Ease,
    Fusion,
    Interactions,
    ItemNeighbours,
    LightGCN,
    MatrixFactorization,
    MultiBehaviour,
    Popularity,
    Ranker,
    Recommender,
    SequenceEncoder,
    Spectral,
    UserNeighbours,
)
from tests.models.checkerboard import checkerboard
from tests.models.contract import RecommenderContract


class TestPopularity(RecommenderContract):
    personal = False
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return Popularity(**params)


class TestItemNeighbours(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return ItemNeighbours(**params)


class TestLightGCN(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return LightGCN(**{"dim": 8, "epochs": 2, "batch": 64, **params})


class TestLightGCNAsPublished(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return LightGCN.paper(**{"dim": 16, "epochs": 30, "batch": 64, "learning_rate": 0.05, **params})


class TestUserNeighbours(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return UserNeighbours(**params)


class TestSpectral(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return Spectral(**{"rank": 8, **params})


class TestRanker(RecommenderContract):
    # its features are ranks of candidates too, which rounding decides on a board of equals
    folds_within = 0.1

    def make(self, **params: Any) -> Recommender:
        return Ranker(**{"trees": 10, **params})


class TestMatrixFactorization(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return MatrixFactorization(**{"dim": 8, "epochs": 20, "batch": 32, "learning_rate": 0.05, **params})


class TestMatrixFactorizationLogistic(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        settings = {"dim": 8, "epochs": 20, "batch": 32, "learning_rate": 0.05, "loss": "logistic"}
        return MatrixFactorization(**{**settings, **params})


class TestMatrixFactorizationSquared(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        settings = {"dim": 8, "epochs": 20, "batch": 32, "learning_rate": 0.05, "loss": "squared"}
        return MatrixFactorization(**{**settings, **params})


class TestEase(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return Ease(**params)


class TestIALS(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return IALS(**{"dim": 4, **params})


class TestContent(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return Content(**params)


class TestFusion(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return Fusion(**{"settings": {"spectral": {"rank": 8}}, **params})


class TestSequenceEncoder(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return SequenceEncoder(**{"dim": 8, "epochs": 2, "batch": 8, **params})


class TestSequenceEncoderWithAttention(RecommenderContract):
    folds_exactly = True

    def make(self, **params: Any) -> Recommender:
        return SequenceEncoder(**{"dim": 8, "epochs": 2, "batch": 8, "encoder": "attention", **params})


class TestMultiBehaviour(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return MultiBehaviour(**{"dim": 8, "epochs": 2, "batch": 64, **params})


class TestMultiBehaviourOfThree(TestMultiBehaviour):
    def data(self) -> Interactions:
        board = checkerboard()
        names = np.array(["view", "cart", "purchase"])
        users, items = board.user_ids[board.user], board.item_ids[board.item]
        return Interactions.from_arrays(
            np.tile(users, 3), np.tile(items, 3), behaviour=np.repeat(names, len(board))
        )
