"""The textbook networks: the contract, their formulas, and what features bring."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from recsys_models import GAT, GCN, Features, Interactions, Popularity, Recommender, evaluate
from tests.models.checkerboard import SIZE, checkerboard
from tests.models.contract import RecommenderContract

SMALL: dict[str, Any] = {"dim": 16, "epochs": 20, "batch": 64, "learning_rate": 0.04, "least_steps": 5}


class TestGCN(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return GCN(**{**SMALL, **params})


class TestGAT(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return GAT(**{**SMALL, **params})


def adjacency(data: Interactions) -> torch.Tensor:
    """With self-loops, dense."""
    taken = torch.from_numpy(data.user_items().toarray())
    n = data.n_users
    whole = torch.eye(n + data.n_items)
    whole[:n, n:], whole[n:, :n] = taken, taken.T
    return whole


def test_gcn_is_the_formula() -> None:
    data = checkerboard()
    layers = GCN(dim=4, dropout=0.0)._convolution(data.user_items().tocoo(), "cpu")
    nodes = torch.randn(2 * SIZE, 4, generator=torch.Generator().manual_seed(0))
    whole = adjacency(data)
    norm = whole.sum(1).rsqrt()
    smooth = whole * norm[:, None] * norm[None, :]
    first, second = layers.get_submodule("steps.0"), layers.get_submodule("steps.1")
    hidden = nodes + torch.relu(first(smooth @ nodes))
    expected = hidden + second(smooth @ hidden)
    torch.testing.assert_close(layers(nodes), expected, rtol=1e-4, atol=1e-5)


def test_gat_is_the_formula() -> None:
    data = checkerboard()
    layers = GAT(dim=4, heads=2, layers=1, dropout=0.0)._convolution(data.user_items().tocoo(), "cpu")
    nodes = torch.randn(2 * SIZE, 4, generator=torch.Generator().manual_seed(0))
    step: Any = layers.get_submodule("steps.0")
    mapped = step.map(nodes).view(-1, 2, 2)
    expected = []
    for head in range(2):
        one = mapped[:, head]
        logits = (one @ step.of_target[head])[:, None] + (one @ step.of_source[head])[None, :]
        logits = torch.nn.functional.leaky_relu(logits, 0.2).masked_fill(adjacency(data) == 0, -torch.inf)
        expected.append(torch.softmax(logits, 1) @ one)
    taken_in = torch.cat(expected, 1) + step.bias
    torch.testing.assert_close(layers(nodes), nodes + taken_in, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", [GCN, GAT])
def test_an_item_that_nobody_took_is_found_by_its_features(family: Any) -> None:
    board = checkerboard()
    wider = Interactions.from_arrays(
        board.user_ids[board.user],
        board.item_ids[board.item],
        item_ids=np.append(board.item_ids, [5000, 5001]),
    )
    table = pl.DataFrame({"item_id": wider.item_ids, "colour": ["white", "black"] * (SIZE // 2 + 1)})
    features = Features.from_frame(table, "item_id", categorical=["colour"])
    model = family(**SMALL).with_features(items=features).fit(wider)
    scores = model.score_block(np.arange(SIZE))[:, -2:]
    assert (scores[::2, 0] > scores[::2, 1]).all() and (scores[1::2, 1] > scores[1::2, 0]).all()
    assert model._learned["item_map"].shape == (2, 16)
    assert model.refit(wider)._learned["item_map"].shape == (2, 16)


@pytest.mark.parametrize("family", [GCN, GAT])
def test_what_is_bought_often_stands_out_among_many_items(family: Any) -> None:
    """A softmax over a thousand neighbours leaves nothing of a node's own vector, unless it is added."""
    draw = np.random.default_rng(0)
    chance = 1 / (np.arange(600) + 5.0)
    chance /= chance.sum()
    bought = np.concatenate([draw.choice(600, 30, replace=False, p=chance) for _ in range(200)])
    user = np.repeat(np.arange(200), 30)
    held = draw.random(user.size) < 0.3
    train = Interactions.from_arrays(user[~held], bought[~held])
    test = Interactions.from_arrays(user[held], bought[held]).within(train)
    model = family().fit(train, seed=1, device="cpu")
    most = Popularity().fit(train)
    assert evaluate(model, train, test)["ndcg"] > evaluate(most, train, test)["ndcg"] / 2


def test_heads_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="divisor of dim=10"):
        GAT(dim=10, heads=3)


def test_more_steps_at_least_than_at_most_are_refused() -> None:
    with pytest.raises(ValueError, match="least_steps: expected 1 to largest_steps=64, found 65"):
        GCN(least_steps=65)
