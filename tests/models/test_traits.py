"""What a family says of itself is what its fit does: what it looks at, how it learns, where a refit starts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys_models import Features, InteractionGraph, Interactions, Recommender, families
from recsys_models.data.graph import Edges
from recsys_models.training import trainer

SMALL: dict[str, dict[str, Any]] = {
    # Its members may be any families: those that between them look at everything.
    "fusion": {"members": ("content", "gcn", "gnn_r")},
    "ranker": {"trees": 5, "candidates": 10},
}
USERS, ITEMS = 60, 30


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
