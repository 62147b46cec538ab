"""Folding in: what moments, weights and behaviours of a history count, and how near the scores come to the fit's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_models import (
    History,
    Interactions,
    ItemNeighbours,
    MultiBehaviour,
    Recommender,
    UserNeighbours,
    families,
    load_model,
)
from recsys_models.data.recency import DAY
from recsys_models.fitted.folding import Folding
from recsys_models.kernels.top_items import mask_items
from tests.examples import examples
from tests.models.checkerboard import histories, overlap
from tests.models.file_contract import before_folding
from tests.models.test_traits import ITEMS, TINY, USERS, crowd

EXACT: list[tuple[str, Mapping[str, Any]]] = [
    ("popularity", {}),
    ("item_neighbours", {"feedback": "log_count", "half_life_days": 20.0}),
    ("item_neighbours", {"feedback": "recent_28"}),
    ("item_neighbours", {"feedback": "binary", "neighbours": 5}),
    ("user_neighbours", {"half_life_days": 20.0, "neighbours": 10}),
    ("user_neighbours", {"rarity": 0.0, "power": 1.0, "popularity_damping": 0.0}),
    ("ease", {"items": 20}),
    ("content", {"feedback": "log_count"}),
    ("content", {"feedback": "recent_28", "popularity_weight": 0.3}),
    ("spectral", {"half_life_days": 20.0, "rank": 8, "iterations": 20}),
    ("sequence", {"popularity": 0.5, "length": 5, **TINY}),
    ("sequence", {"encoder": "attention", **TINY}),
    ("fusion", {"members": ("item_neighbours", "user_neighbours", "ease")}),
]
"""Families whose scores follow from the user's row alone, in settings where columns of the row count."""
NEARLY: list[tuple[str, Mapping[str, Any]]] = [
    ("lightgcn", TINY),
    ("multi_behaviour", TINY),
    ("gnn_r", TINY),
    ("ials", {"dim": 4, "iterations": 12}),
    ("ranker", {"trees": 3, "networks": 0, "candidates": 10}),
]
"""Families that know a little more of their users than the rows say; their lists have most items in common."""


def seen_masked(model: Recommender, *tables: np.ndarray[Any, Any]) -> None:
    for table in tables:
        mask_items(table, model.seen, np.arange(USERS))


@pytest.mark.parametrize(("name", "params"), EXACT)
def test_the_row_of_the_fit_gives_the_scores_of_the_fit(name: str, params: Mapping[str, Any]) -> None:
    data = crowd(weight=np.random.default_rng(3).integers(1, 9, USERS * 8))
    model = families[name](**params).fit(data, device="cpu")
    folded, scores = model.fold_in(histories(data)), model.scores(np.arange(USERS))
    spread = float(scores[scores > -1e6].std()) + 1e-9
    np.testing.assert_allclose(folded / spread, scores / spread, rtol=1e-4, atol=2e-3)
    seen_masked(model, folded, scores)
    assert overlap(folded, scores, 5) == 1.0


@pytest.mark.parametrize(("name", "params"), NEARLY)
def test_vectors_of_trained_users_are_found_again_nearly(name: str, params: Mapping[str, Any]) -> None:
    data = crowd()
    model = families[name](**params).fit(data, device="cpu")
    folded, scores = model.fold_in(histories(data)), model.scores(np.arange(USERS))
    older = load_model(before_folding(model.to_files())).fold_in(histories(data))
    seen_masked(model, folded, scores, older)
    assert overlap(folded, scores, 5) > 0.8
    assert overlap(older, scores, 5) > 0.6


@pytest.mark.parametrize("name", families)
def test_every_family_folds_in_or_says_why(name: str) -> None:
    assert families[name]._fold_scores is not Folding._fold_scores
    model = families[name](**{**dict([*NEARLY, *EXACT]).get(name, TINY)}).fit(crowd(), device="cpu")
    try:
        scores = model.fold_in(histories(crowd())[:3])
    except NotImplementedError as error:
        assert str(error).startswith(f"{name}: ")
    else:
        assert scores.shape == (3, ITEMS) and np.isfinite(scores).all()


def recent() -> ItemNeighbours:
    return ItemNeighbours(feedback="recent_28").fit(crowd())


def test_ages_count_from_now_which_is_by_default_the_latest_moment_of_the_fit() -> None:
    model = recent()
    assert model.latest is not None
    items = np.array([0, 2], np.int32)
    fresh = model.fold_in([History(items)])
    at = np.full(2, model.latest, np.int64)
    np.testing.assert_array_equal(model.fold_in([History(items, timestamps=at)]), fresh)
    later = model.fold_in([History(items, timestamps=at)], now=model.latest + 28 * DAY)
    known = fresh > 0
    np.testing.assert_allclose(later[known], fresh[known] / 2, rtol=1e-5)
    old = model.fold_in([History(items, timestamps=at - 28 * DAY)])
    np.testing.assert_array_equal(old, later)


def test_what_is_later_than_now_counts_as_now() -> None:
    model = recent()
    items, at = np.array([0, 2], np.int32), np.array([model.latest] * 2, np.int64)
    tonight = History(items, timestamps=at + DAY)
    np.testing.assert_array_equal(model.fold_in([tonight]), model.fold_in([History(items)]))


def test_a_history_without_moments_beside_others_happened_just_now() -> None:
    model = recent()
    one = History(np.array([0], np.int32))
    other = History(np.array([4], np.int32), timestamps=np.array([0], np.int64))
    np.testing.assert_array_equal(model.fold_in([one, other])[0], model.fold_in([one])[0])


def test_behaviours_of_a_cascade_count_apart_and_none_is_the_target() -> None:
    model = MultiBehaviour(**TINY).fit(
        crowd(behaviour=np.random.default_rng(1).choice(["view", "purchase"], 480))
    )
    items = np.array([0, 2, 4], np.int32)
    bought, viewed, untold = model.fold_in(
        [History(items, ["purchase"] * 3), History(items, ["view"] * 3), History(items)]
    )
    assert not np.allclose(bought, viewed)
    np.testing.assert_array_equal(bought, untold)
    alone = model.fold_in([History(items)])[0]
    np.testing.assert_allclose(alone, bought, rtol=1e-4, atol=1e-5)


rows = st.lists(st.integers(-1, ITEMS - 1), max_size=8).map(lambda found: np.array(found, np.int32))
wider_rows = st.lists(st.integers(-1, ITEMS + 2), max_size=8).map(lambda found: np.array(found, np.int32))
SHOP = ItemNeighbours(neighbours=4).fit(crowd())


@settings(max_examples=examples(60), deadline=None)
@given(had=rows, new=st.integers(0, ITEMS - 1))
def test_one_more_item_raises_its_neighbours_and_nothing_falls(had: np.ndarray[Any, Any], new: int) -> None:
    before, after = SHOP.fold_in([History(had), History(np.append(had, new).astype(np.int32))])
    near = SHOP._similarity[[new]].indices
    if (had >= 0).any():
        assert (after >= before).all()
    if new in had:
        np.testing.assert_array_equal(after, before)
    else:
        assert (after[near] > np.where((had >= 0).any(), before[near], 0)).all()


@settings(max_examples=examples(100), deadline=None)
@given(had=rows, k=st.integers(1, ITEMS + 3), exclude=st.none() | rows, among=st.none() | rows)
def test_an_answer_is_what_the_folded_scores_rank(
    had: np.ndarray[Any, Any],
    k: int,
    exclude: np.ndarray[Any, Any] | None,
    among: np.ndarray[Any, Any] | None,
) -> None:
    """The neighbours' quick way gives what sorting all scores gives, item by item."""
    (scores,) = SHOP.fold_in([History(had)])
    offered = set(range(ITEMS)) if among is None else set(among.tolist())
    offered -= {-1, *([] if exclude is None else exclude.tolist())}
    expected = sorted(offered, key=lambda item: (-scores[item], item))[:k]
    found, values = SHOP.answer(History(had), k, exclude=exclude, among=among)
    assert found.tolist() == expected + [-1] * (k - len(expected))
    np.testing.assert_array_equal(values[: len(expected)], scores[expected])


UNJUDGED = 3
WIDER = replace(crowd(), item_ids=np.append(crowd().item_ids, 10_000 + np.arange(UNJUDGED)), _rows={})
"""Three more items, which nobody had."""
VECTORS = [
    families[name](**params).fit(WIDER)
    for name, params in (("ials", {"dim": 4, "iterations": 2}), ("spectral", {"rank": 4, "iterations": 2}))
]


@pytest.mark.parametrize("model", VECTORS, ids=lambda model: model.family)
@settings(max_examples=examples(60), deadline=None)
@given(had=rows, k=st.integers(1, ITEMS + 9), exclude=st.none() | rows, among=st.none() | wider_rows)
def test_an_answer_by_vectors_is_what_the_folded_scores_rank(
    model: Recommender,
    had: np.ndarray[Any, Any],
    k: int,
    exclude: np.ndarray[Any, Any] | None,
    among: np.ndarray[Any, Any] | None,
) -> None:
    """The pruned search gives what sorting all scores gives; scores that rounding alone tells apart may swap."""
    (scores,) = model.fold_in([History(had)])
    offered = set(range(ITEMS + UNJUDGED)) if among is None else set(among.tolist())
    offered -= {-1, *([] if exclude is None else exclude.tolist())}
    expected = sorted(offered, key=lambda item: (-scores[item], item))[:k]
    found, values = model.answer(History(had), k, exclude=exclude, among=among)
    some = len(expected)
    assert set(found[:some].tolist()) <= offered and len(set(found[:some].tolist())) == some
    assert found[some:].tolist() == [-1] * (k - some)
    np.testing.assert_allclose(values[:some], scores[expected], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(values[:some], scores[found[:some]], rtol=1e-5, atol=1e-6)


def test_a_trained_customer_who_is_one_of_several_alike_counts_once() -> None:
    """Three customers have the same items: to each, the two others are neighbours, to a new one as well."""
    data = Interactions.from_arrays([1, 1, 2, 2, 3, 3, 4, 4, 4], [5, 6, 5, 6, 5, 6, 5, 6, 7])
    model = UserNeighbours(neighbours=2, power=1.0).fit(data)
    given = histories(data)
    np.testing.assert_allclose(model.fold_in(given), model.scores(np.arange(4)), rtol=1e-5)
