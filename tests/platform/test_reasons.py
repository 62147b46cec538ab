"""Reasons: what a customer did, and what the family used of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.serving import reasons
from recsys_assets.assets.serving import served_tables as serving
from recsys_assets.assets.serving.reasons import (
    PERSONAL,
    POPULAR,
    TOGETHER,
    evidence_of,
    furthest_behaviours,
    in_words,
    nearest_in_history,
)
from recsys_assets.assets.serving.served_tables import ExplainedLists
from recsys_assets.shop.shop_rules import BEHAVIOURS
from recsys_models import Interactions
from recsys_models.families import families
from tests.examples import examples

TITLES = {"a": "Apples"}
PAIRS = [
    (f"u{user}", f"i{(user % 2) + 2 * item}") for user in range(12) for item in range(6) if (user + item) % 5
]


@pytest.mark.parametrize(
    ("like", "behaviour", "evidence", "words"),
    [
        ("a", "purchase", PERSONAL, "because you bought Apples"),
        ("a", "view", PERSONAL, "because you viewed Apples"),
        ("a", "cart", PERSONAL, "because you put Apples into the cart"),
        ("a", "stream", PERSONAL, "because you chose Apples (stream)"),
        ("b", "buy", PERSONAL, "because you bought b"),
        ("a", "purchase", TOGETHER, "customers who chose Apples chose it too"),
        (None, None, PERSONAL, "popular with customers like you"),
        (None, None, POPULAR, "popular with other customers"),
    ],
)
def test_a_reason_says_what_happened(like, behaviour, evidence: str, words: str) -> None:
    assert in_words(False, like, behaviour, TITLES, evidence) == words
    assert "popular with other customers" in in_words(True, like, behaviour, TITLES, evidence)


def fitted(family: str):
    interactions = Interactions.from_arrays(*zip(*PAIRS, strict=True))
    return families[family]().fit(interactions), interactions


def named(model, history: Interactions, users: list[str], items) -> list[list[str | None]]:
    """What `nearest_in_history` finds, as ids; `items` are rows of the model."""
    rows = {user: row for row, user in enumerate(history.user_ids.tolist())}
    place = nearest_in_history(model, history, np.array([rows.get(user, -1) for user in users]), items)
    own = history.user_items().indices
    return [[None if at < 0 else str(history.item_ids[own[at]]) for at in row] for row in place]


def test_popularity_names_no_item_of_the_customer() -> None:
    model, history = fitted("popularity")
    assert evidence_of(model) == POPULAR
    items, _ = model.ranked(["u0", "u1"], 3)
    assert named(model, history, ["u0", "u1"], items) == [[None] * 3] * 2


def test_item_neighbours_name_the_item_with_the_largest_share_of_the_score() -> None:
    model, history = fitted("item_neighbours")
    weights = getattr(model, "_similarity")  # noqa: B009
    assert evidence_of(model) == PERSONAL
    users = history.user_ids.tolist()
    items, scores = model.ranked(users, 2)
    found = named(model, history, users, items)
    had = {user: {item for who, item in PAIRS if who == user} for user in users}
    for user, row, named_items, reached in zip(users, items, found, scores, strict=True):
        for item, like, score in zip(row, named_items, reached, strict=True):
            if item < 0 or not np.isfinite(score) or score <= 0:
                assert like is None
                continue
            assert like in had[user]
            alone = {one: float(weights[model.item_ids.tolist().index(one), item]) for one in had[user]}
            assert alone[like] == max(alone.values())


def test_an_item_that_was_viewed_is_no_reason_for_itself() -> None:
    model, history = fitted("spectral")
    users = ["u0", "u1"]
    row_of = {item: row for row, item in enumerate(model.item_ids.tolist())}
    own = np.array([[row_of[item] for who, item in PAIRS if who == user][:2] for user in users])
    found = named(model, history, users, own)
    assert all(
        model.item_ids[item] != like
        for row, likes in zip(own, found, strict=True)
        for item, like in zip(row, likes, strict=True)
    )


# --- against one customer after the other -------------------------------------------------------------------


def plain_nearest(model, history: Interactions, users: list[str], items: Any) -> list[list[str | None]]:
    """`nearest_in_history` customer by customer, in ids."""
    if evidence_of(model) == POPULAR:
        return [[None] * items.shape[1] for _ in users]
    matrix, names = history.user_items(), history.item_ids.tolist()
    of_model = {name: row for row, name in enumerate(model.item_ids.tolist())}
    of_history = {name: row for row, name in enumerate(names)}
    to_model = np.array([of_model.get(name, -1) for name in names])
    vectors = worth = np.empty((0, 0), np.float32)
    if model.name == "item_neighbours":
        weights = getattr(model, "_similarity").toarray()  # noqa: B009
        worth = weights[to_model][:, to_model] * (to_model >= 0)[:, None]
    elif model.embeddings() is not None:
        vectors = model.embeddings().item[to_model] * (to_model >= 0)[:, None]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    else:
        columns = matrix.T.tocsr()
        lengths = np.sqrt(columns.multiply(columns).sum(1))
        worth = sp.diags_array(1 / np.maximum(np.asarray(lengths).ravel(), 1e-12)) @ columns
        worth = np.asarray((worth @ worth.T).todense())
    found: list[list[str | None]] = []
    for user, row in zip(users, items, strict=True):
        own = matrix.indices[:0]
        if user in history.user_ids.tolist():
            who = history.user_ids.tolist().index(user)
            own = matrix.indices[matrix.indptr[who] : matrix.indptr[who + 1]]
        wanted = np.array([of_history.get(model.item_ids[item], -1) if item >= 0 else -1 for item in row])
        if model.name != "item_neighbours" and model.embeddings() is not None:
            alike = vectors[wanted] @ vectors[own].T
        else:
            alike = worth[own][:, wanted].T.copy()
        alike[wanted[:, None] == own[None, :]] = -1
        found.append(
            [
                names[own[alike[place].argmax()]]
                if item >= 0 and own.size and alike[place].max() > 0
                else None
                for place, item in enumerate(wanted)
            ]
        )
    return found


def plain_table(
    model, history: Interactions, users: list[str], k: int, titles: Mapping[str, str]
) -> list[tuple]:
    """The rows of `recommendations`, customer by customer."""
    ids, scores = model.recommend(users, k)
    items, _ = model.ranked(users, k)
    likes = plain_nearest(model, history, users, items)
    cold = model.is_cold(users)
    steps = {name: BEHAVIOURS.index(name) if name in BEHAVIOURS else -1 for name in history.behaviour_names}
    done: dict[tuple[str, str], list[str]] = {}
    assert history.behaviour is not None
    for who, what, code in zip(history.user, history.item, history.behaviour, strict=True):
        done.setdefault((str(history.user_ids[who]), str(history.item_ids[what])), []).append(
            history.behaviour_names[code]
        )
    rows = []
    for n, user in enumerate(users):
        for place in range(k):
            item, like = ids[n, place], likes[n][place]
            if item is None or not np.isfinite(scores[n, place]):
                continue
            did = None if like is None else max(done[user, like], key=lambda name: (steps[name], 0))
            reason = in_words(bool(cold[n]), like, did, titles, evidence_of(model))
            rows.append(
                (
                    user,
                    place + 1,
                    item,
                    titles.get(item),
                    float(scores[n, place]),
                    reason,
                    like,
                    bool(cold[n]),
                )
            )
    return rows


FAMILIES = ["item_neighbours", "user_neighbours", "spectral", "lightgcn", "popularity", "ials"]
events = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 9), st.sampled_from(["view", "cart", "purchase"])),
    min_size=3,
    max_size=60,
)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=examples(25), deadline=None)
@given(known=events, more=events, block=st.integers(1, 5), cells=st.integers(1, 40))
def test_blocks_give_the_rows_that_customer_by_customer_gives(family, known, more, block, cells) -> None:
    """Whatever the size of blocks, and where history has customers and items that the model does not know."""

    def interactions(rows: list[tuple[int, int, str]]) -> Interactions:
        columns = zip(*rows, strict=True)
        users, items, behaviours = columns
        return Interactions.from_arrays(
            [f"u{user}" for user in users], [f"i{item}" for item in items], behaviour=list(behaviours)
        )

    titles = {f"i{item}": f"Item {item}" for item in range(0, 10, 2)}
    model = families[family](**({"epochs": 1} if family == "lightgcn" else {})).fit(interactions(known))
    history = interactions([*more, *known])
    users = [*history.user_ids.tolist(), "u9"]
    items, scores = model.ranked(users, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "BLOCK_CUSTOMERS", block)
        patch.setattr(reasons, "CELLS", cells)
        lists = ExplainedLists(model, history, pl.Series(users), items, scores, model.is_cold(users), titles)
        table = pl.concat(lists.blocks())
    assert table.rows() == plain_table(model, history, users, 4, titles)


def test_what_was_done_is_the_furthest() -> None:
    history = Interactions.from_arrays(
        ["a", "a", "a", "b"], ["x", "x", "y", "y"], behaviour=["purchase", "view", "view", "cart"]
    )
    did = [history.behaviour_names[code] for code in furthest_behaviours(history)]
    assert did == ["purchase", "view", "cart"]
