"""What a family says of itself is what its fit does: what it looks at, how it learns, where a refit starts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys_models import Features, InteractionGraph, Interactions, Recommender, evaluate, families
from recsys_models.data.graph import Edges
from recsys_models.data.recency import DAY
from recsys_models.training import trainer

SMALL: dict[str, dict[str, Any]] = {
    # Its members may be any families: those that between them look at everything.
    "fusion": {"members": ("content", "gcn", "gnn_r")},
    "ranker": {"trees": 5, "candidates": 10},
}
USERS, ITEMS = 60, 30
TINY: dict[str, Any] = {"dim": 4, "epochs": 1}


def shop() -> Interactions:
    """Two halves of users, each with a taste for one half of the items."""
    luck = np.random.default_rng(0)
    users = np.repeat(np.arange(USERS), 8)
    items = (luck.integers(0, ITEMS // 2, users.size) * 2 + users % 2) % ITEMS
    return Interactions.from_arrays(users, items, timestamp=luck.integers(1, 10**6, users.size))


def watched(known: Any, looked_at: set[str], name: str) -> Any:
    """A copy that notes when anything of it is looked at."""

    class Watched(type(known)):
        def __getattribute__(self, attribute: str) -> Any:
            if not attribute.startswith("__"):
                looked_at.add(name)
            return super().__getattribute__(attribute)

    other = copy.copy(known)
    object.__setattr__(other, "__class__", Watched)
    return other


def observed(family: type[Recommender], monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], int]:
    """The side information that a fit and a refit look at, and how many epochs ran."""
    data, looked_at, epochs = shop(), set[str](), []
    held = Interactions.from_arrays(np.arange(USERS), (np.arange(USERS) * 7) % ITEMS, like=data)
    frame = pl.DataFrame({"id": data.user_ids, "group": [f"g{i % 2}" for i in data.user_ids]})
    users = Features.from_frame(frame, "id", categorical=("group",))
    frame = pl.DataFrame({"id": data.item_ids, "group": [f"g{i % 2}" for i in data.item_ids]})
    items = Features.from_frame(frame, "id", categorical=("group",))
    rows = np.arange(data.n_items, dtype=np.int32)
    edges = Edges(rows, np.roll(rows, 1), np.ones(rows.size, np.float32))
    relations = InteractionGraph(data.user_ids, data.item_ids, {("item", "like", "item"): edges})
    true_epoch = trainer._one_epoch

    def epoch(*arguments: Any) -> float:
        epochs.append(1)
        return true_epoch(*arguments)

    monkeypatch.setattr(trainer, "_one_epoch", epoch)
    model = family(**SMALL.get(family.family, {}))
    model.with_features(
        users=watched(users, looked_at, "user_features"), items=watched(items, looked_at, "item_features")
    )
    model.with_relations(watched(relations, looked_at, "relations"))
    model.fit(data, validation=held, device="cpu").refit(data, validation=held, device="cpu")
    return looked_at, len(epochs)


@pytest.mark.parametrize("name", families)
def test_a_family_is_what_it_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = families[name]
    looked_at, epochs = observed(family, monkeypatch)
    assert looked_at == family.side_information
    assert bool(epochs) == family.learns_by_gradient
    assert (family._refit is not Recommender._refit) == family.starts_from_before


COLUMNS = {
    "weight": lambda luck, n: {"weight": luck.integers(1, 9, n)},
    "timestamp": lambda luck, n: {"timestamp": luck.integers(0, 200, n) * DAY},
    "behaviour": lambda luck, n: {"behaviour": luck.choice(["view", "purchase"], n, p=[0.7, 0.3])},
}
WHERE_IT_COUNTS: dict[str, list[dict[str, Any]]] = {
    # Settings in which a column may count that by default does not, without validation.
    "item_neighbours": [{"feedback": "log_count", "half_life_days": 20.0}],
    "user_neighbours": [{"half_life_days": 20.0}],
    "content": [{"feedback": "log_count"}, {"feedback": "recent_28"}],
    "spectral": [{"half_life_days": 20.0, "rank": 8}],
    "fusion": [{"members": ("popularity", "multi_behaviour"), "settings": {"multi_behaviour": TINY}}],
    "sequence": [{"popularity": 0.5, **TINY}],
    "gnn_r": [TINY],
    "lightgcn": [TINY],
    "multi_behaviour": [TINY],
    "gcn": [TINY],
    "gat": [TINY],
    "matrix_factorization": [TINY],
    "ials": [{"dim": 4, "iterations": 2}],
    "ranker": [{"trees": 3, "networks": 0, "candidates": 10}],
}


def crowd(**columns: Any) -> Interactions:
    """A shop with two halves of tastes and repeats; by default all weights are 1, all days differ, all is bought."""
    luck = np.random.default_rng(0)
    users = np.repeat(np.arange(USERS), 8)
    items = (luck.integers(0, ITEMS // 2, users.size) * 2 + users % 2) % ITEMS
    usual = {name: make(luck, users.size) for name, make in COLUMNS.items()}
    given = {key: value for part in usual.values() for key, value in part.items()}
    return Interactions.from_arrays(users, items, **{**given, **columns})


def learned(model: Recommender) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in model._state().items()}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", families)
def test_what_counts_of_an_interaction_is_what_the_family_says(name: str) -> None:
    def states(data: Interactions) -> list[dict[str, bytes]]:
        variants = WHERE_IT_COUNTS.get(name, [{}])
        return [learned(families[name](**params).fit(data, device="cpu")) for params in variants]

    usual = states(crowd())
    luck = np.random.default_rng(1)
    counted = {column for column, make in COLUMNS.items() if states(crowd(**make(luck, USERS * 8))) != usual}
    assert counted == families[name].counted_columns


@pytest.mark.parametrize("name", families)
def test_a_row_of_weight_0_is_no_interaction(name: str) -> None:
    params = {**WHERE_IT_COUNTS.get(name, [{}])[0]}
    luck = np.random.default_rng(2)
    kept = luck.random(USERS * 8) < 0.8
    data = crowd()
    zeroed = crowd(weight=np.where(kept, data.weight, 0.0))
    held = Interactions.from_arrays(np.arange(USERS), (np.arange(USERS) * 7) % ITEMS, like=data)
    unheld = Interactions.from_arrays(
        np.arange(USERS), np.arange(USERS) % 5, weight=np.zeros(USERS), like=data
    )
    left_out, as_zero = (
        families[name](**params).fit(rows, validation=valid, device="cpu")
        for rows, valid in ((data.subset(kept), held), (zeroed, held.merged(unheld)))
    )
    assert as_zero.to_files() == left_out.to_files()
    assert as_zero.seen.nnz == data.subset(kept).user_items().nnz
    for exclude in (data.subset(~kept), crowd(weight=np.where(kept, 0.0, 1.0))):
        ids, _ = as_zero.recommend([3], ITEMS, exclude=exclude)
        hidden = data.item_ids[data.item[~kept & (data.user == 3)]]
        assert set(hidden.tolist()) == set(data.item_ids.tolist()) - set(ids[ids >= 0].tolist())


def test_evaluation_counts_no_row_of_weight_0() -> None:
    data = crowd(weight=np.ones(USERS * 8))
    kept = np.random.default_rng(2).random(len(data)) < 0.7
    model = families["item_neighbours"]().fit(data.subset(kept))
    found = [
        evaluate(model, data.subset(kept), data.subset(~kept)),
        evaluate(model, crowd(weight=kept), crowd(weight=~kept)),
    ]
    assert found[0].metrics == found[1].metrics


@pytest.mark.parametrize("name", families)
def test_weights_that_float32_does_not_hold_are_refused_before_a_fit(name: str) -> None:
    model = families[name](**WHERE_IT_COUNTS.get(name, [{}])[0])
    with pytest.raises(ValueError, match=f"{name}: expected weights whose sum is within float32"):
        model.fit(crowd(weight=np.full(USERS * 8, 3e38)), device="cpu")


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("popularity", {"power": 1e6}),
        ("lightgcn", {**TINY, "item_gain": 1e6}),
        ("matrix_factorization", {**TINY, "epochs": 2, "learning_rate": 1e30}),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_fit_that_ends_without_numbers_is_an_error(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected (a )?finite"):
        families[name](**params).fit(crowd(), device="cpu")
