"""No evidence without a link: what nothing joins to a customer stands behind all that something does, by popularity."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_models import (
    GNNR,
    Features,
    Interactions,
    MultiBehaviour,
    Recommender,
    families,
    interaction_graph,
)
from recsys_models.families import load_model
from recsys_models.fitted.fitted_model import has_evidence
from recsys_models.kernels.links import Links

TINY: dict[str, Any] = {"dim": 4, "epochs": 1}
RANKER: dict[str, Any] = {"trees": 3, "networks": 1, "network_epochs": 1, "candidates": 10}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "item_neighbours": [{}, {"power": 1.5}],
    "user_neighbours": [{}],
    "content": [{}, {"popularity_weight": 0.7}],
    "ease": [{}, {"items": 16}],
    "spectral": [{"rank": 4}],
    "ials": [{"dim": 4}],
    "matrix_factorization": [TINY],
    "lightgcn": [TINY],
    "multi_behaviour": [TINY],
    "gcn": [{**TINY, "epochs": 3}],
    "gat": [{**TINY, "epochs": 3}],
    "gnn_r": [TINY, {**TINY, "parts": "gat"}],
    "sequence": [TINY, {**TINY, "popularity": 1.0, "start": "normal"}],
    "ranker": [RANKER],
    "fusion": [
        {"members": ("ease", "spectral"), "settings": {"spectral": {"rank": 4}}},
        {"members": ("ease", "item_neighbours"), "settings": {"ease": {"items": 16}}},
        {"members": ("ease",), "settings": {"ease": {"items": 16}}},
        {"members": ("gcn", "ranker"), "settings": {"gcn": TINY, "ranker": RANKER}},
    ],
}
"""Families that judge; `popularity` tells nothing but what is popular with all."""
CASES = [(name, params) for name, several in SETTINGS.items() for params in several]


def two_shops() -> Interactions:
    """Two shops without a customer in common: even users had items 0 to 11, odd ones 12 to 23."""
    luck = np.random.default_rng(0)
    users, items = np.arange(200) % 20, luck.integers(0, 12, 200)
    items += 12 * (users % 2)
    return Interactions.from_arrays(users, items, weight=luck.integers(1, 9, 200), item_ids=np.arange(26))


def test_every_family_is_asked() -> None:
    assert families.keys() == SETTINGS.keys() | {"popularity"}


@pytest.mark.parametrize(("name", "params"), CASES)
def test_what_nothing_links_to_a_customer_is_listed_by_popularity(name: str, params: dict[str, Any]) -> None:
    data = two_shops()
    model = families[name](**params).fit(data)
    ids, scores = model.recommend(np.arange(20), 26, exclude=None)
    assert (has_evidence(scores) <= (ids // 12 == (np.arange(20) % 2)[:, None])).all()
    assert has_evidence(scores).any(1).all()
    popular = np.bincount(data.item, data.weight, 26)
    for row, listed in enumerate(ids):
        rest = listed[~has_evidence(scores[row])]
        assert rest.size >= 12
        assert rest.tolist() == sorted(rest.tolist(), key=lambda item: (-popular[item], item))
    for user in (0, 1):
        had = np.unique(data.item[data.user == user]).astype(np.int32)
        rows, values = model.answer(model.history_of(had), 26)
        told = rows[has_evidence(values)]
        assert told.size and (told // 12 == user % 2).all()
        rest = rows[~has_evidence(values)].tolist()
        assert rest == sorted(rest, key=lambda item: (-popular[item], item))


def linked(model: Recommender, user: int = 0) -> set[int]:
    """The items of which a model knows something for a user."""
    ids, scores = model.recommend([user], 26, exclude=None)
    return set(ids[has_evidence(scores)].tolist())


@pytest.mark.parametrize("other", ["item_neighbours", "spectral", "user_neighbours"])
def test_a_fusion_knows_what_its_members_know_beyond_the_items_that_ease_covers(other: str) -> None:
    data = two_shops()
    settings: dict[str, Any] = {"ease": {"items": 2}, "spectral": {"rank": 4}}
    alone = {name: families[name](**settings.get(name, {})).fit(data) for name in ("ease", other)}
    for members in (("ease",), (other, "ease")):
        fused: Any = families["fusion"]
        model = fused(members=members, settings={name: settings.get(name, {}) for name in members}).fit(data)
        asked = [name for name, weight in model.weights.items() if weight]
        for user in range(20):
            assert linked(model, user) == set().union(*(linked(alone[name], user) for name in asked))
    assert any(not linked(alone["ease"], user) for user in range(20)), "somebody had nothing that EASE covers"


@pytest.mark.parametrize("name", ["gcn", "gat"])
def test_a_feature_links_all_that_have_it(name: str) -> None:
    """Item 24, which nobody had, has the feature of item 3, and item 25 one that no item has that anybody had."""
    data = two_shops()
    kinds = {3: "shared", 24: "shared", 25: "alone"}
    frame = pl.DataFrame({"id": np.arange(26), "kind": [kinds.get(item) for item in range(26)]})
    items = Features.from_frame(frame, "id", categorical=["kind"])
    model = families[name](**TINY).with_features(items=items).fit(data)
    for each in (model, load_model(model.to_files())):
        assert linked(each) == {*range(12), 24} and linked(each, 1) == set(range(12, 24))
    frame = pl.DataFrame({"id": np.arange(20), "town": ["one" if user < 2 else None for user in range(20)]})
    users = Features.from_frame(frame, "id", categorical=["town"])
    model = families[name](**TINY).with_features(users=users).fit(data)
    assert linked(model) == linked(load_model(model.to_files())) == set(range(24))


@pytest.mark.parametrize("parts", ["both", "gcn"])
def test_a_relation_links_where_it_passes_something_on(parts: Any) -> None:
    """Item 24, which nobody had, is told by item 3; item 25 tells item 4 and is told nothing."""
    data = two_shops()
    graph = interaction_graph(data, {"like": ([3, 25], [24, 4])})
    model = GNNR(**TINY, parts=parts).with_relations(graph).fit(data)
    for each in (model, load_model(model.to_files())):
        assert linked(each) == {*range(12), *([24] if parts == "both" else [])}


def test_a_behaviour_that_is_not_asked_for_links_nothing() -> None:
    """One view joins the two shops; a cascade of purchases alone has not seen it."""
    shops = two_shops()
    data = Interactions.from_arrays(
        np.append(shops.user, 0),
        np.append(shops.item, 12),
        behaviour=[*["purchase"] * len(shops), "view"],
        item_ids=np.arange(26),
    )
    assert linked(MultiBehaviour(**TINY).fit(data)) == set(range(24))
    model = MultiBehaviour(**TINY, behaviours=["purchase"]).fit(data)
    assert linked(model) == linked(load_model(model.to_files())) == set(range(12))


@given(pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_links_are_the_chains_of_interactions(pairs: list[tuple[int, int]]) -> None:
    users, items = np.array(pairs).T
    data = Interactions.from_arrays(users, items, user_ids=np.arange(7), item_ids=np.arange(7))
    step = data.user_items().toarray() > 0
    reached = step
    for _ in range(14):
        reached = (reached @ step.T @ step > 0) | reached
    links = Links.of(data.user_items())
    found = np.broadcast_to(links.to_items(np.arange(7), 7), (7, 7))
    warm, known = step.any(1), step.any(0)
    assert (links.known == known).all()
    assert (found[np.ix_(warm, known)] == reached[np.ix_(warm, known)]).all()
    of_customers = np.broadcast_to(links.to_items(data, 7), (7, 7))
    assert (of_customers[np.ix_(warm, known)] == reached[np.ix_(warm, known)]).all()
