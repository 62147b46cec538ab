"""The cascade of behaviours."""

from __future__ import annotations

import numpy as np
import pytest

from recsys_models import Interactions, LightGCN, MultiBehaviour
from recsys_models.multi_behaviour import behaviour_order
from recsys_models.training.validation import validation_ndcg

USERS, ITEMS, TASTES = 400, 240, 8
SETTINGS = {"dim": 32, "epochs": 2, "batch": 256, "learning_rate": 0.003}


def shop(seed: int) -> tuple[Interactions, Interactions]:
    """Users view what is to their taste, and buy little, of the third of it that sells; and what they buy later."""
    luck = np.random.default_rng(seed)
    rows: list[tuple[int, int, str]] = []
    later: list[tuple[int, int]] = []
    for user in range(USERS):
        liked = np.arange(luck.integers(TASTES), ITEMS, TASTES)
        viewed = [*luck.choice(liked, 12, replace=False), *luck.integers(0, ITEMS, 6)]
        bought = luck.choice(liked[(liked // TASTES) % 3 == 0], 5, replace=False)
        rows += [(user, int(item), "view") for item in viewed] + [(user, int(bought[0]), "purchase")]
        later += [(user, int(item)) for item in bought[1:]]
    users, items, names = (np.array(column) for column in zip(*rows, strict=True))
    data = Interactions.from_arrays(
        users, items, behaviour=names, user_ids=np.arange(USERS), item_ids=np.arange(ITEMS)
    )
    return data, Interactions.from_arrays(*np.array(later).T, like=data)


@pytest.mark.parametrize("seed", range(3))
def test_where_views_predict_purchases_it_beats_lightgcn(seed: int) -> None:
    data, later = shop(seed)
    bought = data.with_behaviour("purchase")

    def ndcg(model: LightGCN) -> float:
        return validation_ndcg(model.score_block, bought.user_items(), later)

    cascade = ndcg(MultiBehaviour(**SETTINGS).fit(data))
    assert cascade > ndcg(LightGCN(**SETTINGS).fit(bought)) + 0.1
    assert cascade > ndcg(LightGCN(**SETTINGS).fit(data)) + 0.1


@pytest.mark.parametrize("named", [True, False])
def test_with_one_behaviour_it_is_lightgcn(named: bool) -> None:
    data, _ = shop(0)
    rows = data.with_behaviour("view")
    if not named:
        rows = Interactions.from_arrays(rows.user, rows.item)
    one, two = (family(**SETTINGS).fit(rows, device="cpu") for family in (MultiBehaviour, LightGCN))
    np.testing.assert_array_equal(one.embeddings().item, two.embeddings().item)
    np.testing.assert_array_equal(one.embeddings().user, two.embeddings().user)


def test_the_maps_between_the_blocks_learn_and_are_refitted() -> None:
    data, _ = shop(0)
    model = MultiBehaviour(**SETTINGS).fit(data, device="cpu")
    assert model._maps.shape == (1, 32, 32)
    assert not np.array_equal(model._maps[0], np.eye(32))
    again = MultiBehaviour(**{**SETTINGS, "epochs": 0}).fit(data, device="cpu")
    again._restore(model._state())
    np.testing.assert_array_equal(again.refit(data, device="cpu")._maps, model._maps)


def test_validation_asks_for_the_target_alone_viewed_items_included() -> None:
    data, later = shop(0)
    viewed = data.with_behaviour("view")
    every = Interactions.from_arrays(
        np.append(later.user, viewed.user),
        np.append(later.item, viewed.item),
        behaviour=np.repeat(["purchase", "view"], [len(later), len(viewed)]),
        like=data,
    )
    model = MultiBehaviour(**SETTINGS).fit(data, validation=every, device="cpu")
    bought = data.with_behaviour("purchase").user_items()
    best = max(row["ndcg"] for row in model.history)
    if model.chosen["epochs"]:
        assert best == validation_ndcg(model.score_block, bought, every.with_behaviour("purchase"))
    only = MultiBehaviour(**SETTINGS).fit(data, validation=later, device="cpu")
    assert [row["ndcg"] for row in model.history] == [row["ndcg"] for row in only.history]
    assert model.chosen["behaviours"] == ["view", "purchase"]
    with pytest.raises(ValueError, match="validation rows of the target 'purchase', found none"):
        MultiBehaviour(**SETTINGS).fit(data, validation=viewed)


def test_users_without_a_past_get_what_is_bought_not_what_is_viewed() -> None:
    data = Interactions.from_arrays(
        [1, 1, 2, 2, 3], [7, 8, 7, 9, 9], behaviour=["view", "view", "view", "purchase", "purchase"]
    )
    ids, _ = MultiBehaviour(dim=4, epochs=1).fit(data).recommend([99], 1)
    assert ids.tolist() == [[9]]


def test_a_behaviour_of_which_the_rows_are_gone_is_none() -> None:
    """The names of behaviours outlive their rows where interactions are cut or weigh nothing."""
    n = 40
    data = Interactions.from_arrays(
        np.arange(n) % 8,
        np.arange(n) % 5,
        behaviour=np.where(np.arange(n) < 4, "cart", np.where(np.arange(n) % 2, "view", "purchase")),
        timestamp=np.arange(n) * 10**6,
    )
    left = data.subset(np.arange(n) >= 4)
    assert "cart" in left.behaviour_names
    model = MultiBehaviour(dim=4, epochs=1).fit(left, device="cpu")
    bought = model.history_of([1, 2], behaviours=["purchase", "purchase"], timestamps=[10**6, 2 * 10**6])
    assert np.isfinite(model.fold_in([bought])).all()


def interactions(**rows: int) -> Interactions:
    names = np.repeat(list(rows), list(rows.values()))
    return Interactions.from_arrays(np.arange(names.size), np.arange(names.size), behaviour=names)


def test_the_order_is_the_known_one_else_that_of_frequency() -> None:
    assert behaviour_order(interactions(purchase=9, add_to_cart=1, view=3)) == [
        "view",
        "add_to_cart",
        "purchase",
    ]
    assert behaviour_order(interactions(purchase=9, redeem=1, view=3)) == ["purchase", "view", "redeem"]
    assert behaviour_order(interactions(purchase=9, view=3), ["purchase"]) == ["purchase"]
    assert behaviour_order(Interactions.from_arrays([1], [1])) == []


@pytest.mark.parametrize("asked", [["view", "rent"], ["view", "view"], []])
def test_an_order_that_cannot_be_is_refused(asked: list[str]) -> None:
    with pytest.raises(ValueError, match=r"behaviours: expected some of \['purchase', 'view'\]"):
        behaviour_order(interactions(purchase=9, view=3), asked)


def test_an_order_for_interactions_without_behaviours_is_refused() -> None:
    with pytest.raises(ValueError, match="without behaviours; pass behaviour="):
        MultiBehaviour(behaviours=["view"]).fit(Interactions.from_arrays([1], [1]))
