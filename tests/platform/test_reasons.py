"""Reasons: what a customer did, and what the family used of it."""

from __future__ import annotations

import numpy as np
import pytest

from recsys_assets.assets.reasons import (
    PERSONAL,
    POPULAR,
    TOGETHER,
    evidence_of,
    in_words,
    nearest_in_history,
)
from recsys_models import Interactions
from recsys_models.families import families

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


def test_popularity_names_no_item_of_the_customer() -> None:
    model, history = fitted("popularity")
    assert evidence_of(model) == POPULAR
    items, _ = model.recommend(["u0", "u1"], 3)
    assert nearest_in_history(model, history, ["u0", "u1"], items) == [[None] * 3] * 2


def test_item_neighbours_name_the_item_with_the_largest_share_of_the_score() -> None:
    model, history = fitted("item_neighbours")
    weights = getattr(model, "_similarity")  # noqa: B009
    assert evidence_of(model) == PERSONAL
    users = history.user_ids.tolist()
    items, scores = model.recommend(users, 2)
    found = nearest_in_history(model, history, users, items)
    had = {user: {item for who, item in PAIRS if who == user} for user in users}
    for user, row, named, reached in zip(users, items, found, scores, strict=True):
        for item, like, score in zip(row, named, reached, strict=True):
            if item is None or not np.isfinite(score) or score <= 0:
                assert like is None
                continue
            assert like in had[user]
            alone = {}
            for one in had[user]:
                only = model.item_ids.tolist().index(one), model.item_ids.tolist().index(item)
                alone[one] = float(weights[only])
            assert alone[like] == max(alone.values())


def test_an_item_that_was_viewed_is_no_reason_for_itself() -> None:
    model, history = fitted("spectral")
    users = ["u0", "u1"]
    own = np.array([[item for who, item in PAIRS if who == user][:2] for user in users], object)
    found = nearest_in_history(model, history, users, own)
    assert all(
        like != item
        for row, named in zip(own, found, strict=True)
        for item, like in zip(row, named, strict=True)
    )
