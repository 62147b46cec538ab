"""Each family in closed form gives what its docstring says, computed anew with dense float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from recsys_models import (
    IALS,
    Content,
    Ease,
    Features,
    Interactions,
    ItemNeighbours,
    Popularity,
    Recommender,
    Spectral,
    UserNeighbours,
)
from recsys_models.data.recency import DAY
from recsys_models.fitted.fitted_model import has_evidence

USERS, ITEMS, ROWS = 23, 17, 150
Dense = NDArray[np.float64]


def shop() -> Interactions:
    luck = np.random.default_rng(4)
    items = np.minimum(luck.geometric(0.2, ROWS), ITEMS) - 1
    return Interactions.from_arrays(
        luck.integers(0, USERS, ROWS),
        items,
        weight=luck.integers(1, 6, ROWS) / 2,
        timestamp=luck.integers(0, 100, ROWS) * DAY,
        user_ids=np.arange(USERS),
        item_ids=np.arange(ITEMS),
    )


def ages(data: Interactions) -> Dense:
    assert data.timestamp is not None
    return (data.timestamp.max() - data.timestamp) / DAY


def had(data: Interactions) -> Dense:
    table = np.zeros((USERS, ITEMS))
    table[data.user, data.item] = 1
    return table


def latest(data: Interactions, half_life: float | None) -> Dense:
    """2^(-age of the latest interaction / half-life) of each pair, 0 without an interaction."""
    table = np.zeros((USERS, ITEMS))
    if half_life is None:
        return had(data)
    for user, item, age in zip(data.user, data.item, ages(data), strict=True):
        table[user, item] = max(table[user, item], 2 ** (-age / half_life))
    return table


def feedback(data: Interactions, name: str) -> Dense:
    if name == "log_count":
        table = np.zeros((USERS, ITEMS))
        np.add.at(table, (data.user, data.item), data.weight)
        return np.log1p(table)
    return had(data) if name == "binary" else latest(data, 28.0)


def power(base: Dense, exponent: float) -> Dense:
    return np.where(base > 0, np.where(base > 0, base, 1.0) ** exponent, 0.0)


def nearest(similarity: Dense, n: int) -> Dense:
    """Of each column the n largest entries beside the diagonal, and the diagonal; equal ones by row."""
    kept = np.zeros_like(similarity)
    for column in range(similarity.shape[1]):
        values = similarity[:, column].copy()
        values[column] = -1
        rows = [*np.argsort(-values, kind="stable")[:n], column]
        kept[rows, column] = similarity[rows, column]
    return kept


def popularity(data: Interactions, half_life: float | None, exponent: float) -> Dense:
    score = np.zeros(ITEMS)
    age = ages(data) if half_life is not None else np.zeros(len(data))
    life = half_life or 1.0
    for user in range(USERS):
        for item in range(ITEMS):
            rows = (data.user == user) & (data.item == item)
            if rows.any():
                last = age[rows].min()
                inner = (data.weight[rows] * 2 ** (-(age[rows] - last) / life)).sum()
                score[item] += 2 ** (-last / life) * inner**exponent
    return np.tile(score, (USERS, 1))


@pytest.mark.parametrize("half_life", [None, 9.0])
@pytest.mark.parametrize("exponent", [0.0, 0.3, 1.0, 2.0])
def test_popularity(half_life: float | None, exponent: float) -> None:
    same(Popularity(half_life_days=half_life, power=exponent), popularity(shop(), half_life, exponent))


def test_with_power_0_the_latest_interaction_decides_whatever_the_weights() -> None:
    data = Interactions.from_arrays(
        [1, 1, 2], [7, 7, 8], weight=[90, 0.1, 1], timestamp=np.array([0, 9, 9]) * DAY
    )
    scores = Popularity(half_life_days=9.0, power=0.0).fit(data).score_block(np.array([0]))
    np.testing.assert_array_equal(scores, [[1, 1]])


@pytest.mark.parametrize("how", ["binary", "log_count", "recent_28"])
@pytest.mark.parametrize("half_life", [None, 20.0])
@pytest.mark.parametrize("neighbours", [3, 100])
def test_item_neighbours(how: Any, half_life: float | None, neighbours: int) -> None:
    data = shop()
    table = latest(data, half_life)
    unit = table / np.maximum(np.linalg.norm(table, axis=0), 1e-12)
    similarity = power(nearest(unit.T @ unit, neighbours), 1.5)
    model = ItemNeighbours(neighbours=neighbours, power=1.5, feedback=how, half_life_days=half_life)
    same(model, feedback(data, how) @ similarity)


@pytest.mark.parametrize("rarity", [0.0, 0.3])
@pytest.mark.parametrize("half_life", [None, 20.0])
@pytest.mark.parametrize("neighbours", [4, 100])
def test_user_neighbours(rarity: float, half_life: float | None, neighbours: int) -> None:
    data = shop()
    table = had(data)
    by_item = table.sum(0)
    shared = (table * power(by_item, -2 * rarity)) @ table.T
    size = np.sqrt(np.maximum(table.sum(1), 1e-12))
    similarity = nearest(shared / size[:, None] / size[None, :], neighbours).T ** 2
    expected = similarity @ (latest(data, half_life) * power(by_item, -0.3))
    model = UserNeighbours(
        neighbours=neighbours, power=2.0, rarity=rarity, popularity_damping=0.3, half_life_days=half_life
    )
    same(model, expected)
    if rarity == 0:
        np.testing.assert_allclose(np.diag(similarity)[table.any(1)], 1)


@pytest.mark.parametrize("items", [ITEMS, 5])
def test_ease(items: int) -> None:
    data = shop()
    table = had(data)
    kept = np.sort(np.argsort(-table.sum(0), kind="stable")[:items])
    gram = table[:, kept].T @ table[:, kept]
    inverse = np.linalg.inv(gram + 2.0 * np.trace(gram) / items * np.eye(items))
    weights = np.eye(items) - inverse / np.diag(inverse)
    np.testing.assert_allclose(np.diag(weights), 0, atol=1e-12)
    inside = table[:, kept] @ weights
    least = np.minimum(inside.min(1, keepdims=True), 0)
    expected = least + 1e-3 * (table.sum(0) / (table.sum(0).max() + 1) - 1)
    expected[:, kept] = inside
    same(Ease(items=items, penalty=2.0), expected)


@pytest.mark.parametrize("half_life", [None, 20.0])
@pytest.mark.parametrize("rank", [3, ITEMS])
def test_spectral(half_life: float | None, rank: int) -> None:
    data = shop()
    table = latest(data, half_life)
    normal = power(table.sum(1), -0.3)[:, None] * table * power(table.sum(0), -0.3)
    left, values, right = np.linalg.svd(normal, full_matrices=False)
    filtered = values * values**2 / (values**2 + 4.0)
    expected = (left[:, :rank] * filtered[:rank]) @ (right[:rank] * table.sum(0) ** 0.2)
    same(Spectral(rank=rank, ridge=4.0, item_scale=0.2, half_life_days=half_life, iterations=30), expected)


def test_ials() -> None:
    """Users' vectors minimise equation 3, the items' held fixed, and in the last half-step items' likewise."""
    data = shop()
    table = had(data)
    model = IALS(dim=5, iterations=1, unobserved=0.2, penalty=0.05)
    items = np.random.default_rng(0).standard_normal((ITEMS, 5)) / np.sqrt(5) * 0.1
    users = least_squares(table, items)
    found = model.fit(data).embeddings()
    assert found is not None
    np.testing.assert_allclose(found.user, users, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.item, least_squares(table.T, users), rtol=1e-3, atol=1e-4)


def least_squares(table: Dense, other: Dense) -> Dense:
    solved = np.zeros((table.shape[0], other.shape[1]))
    for row, taken in enumerate(table):
        if taken.any():
            weight = taken + 0.2
            strength = 0.05 * (taken.sum() + 0.2 * table.shape[1])
            left = (other * weight[:, None]).T @ other + strength * np.eye(other.shape[1])
            solved[row] = np.linalg.solve(left, other.T @ taken)
    return solved


@pytest.mark.parametrize("how", ["binary", "log_count", "recent_28"])
@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.parametrize("described", [True, False])
def test_content(how: Any, weight: float, described: bool) -> None:
    data = shop()
    model = Content(feedback=how, popularity_weight=weight)
    table = had(data).T
    if described:
        frame = pl.DataFrame({"id": data.item_ids, "kind": [f"k{i % 4}" for i in data.item_ids]})
        features = Features.from_frame(frame, "id", categorical=["kind"])
        model.with_features(items=features)
        table = np.asarray(features.of(data.item_ids).todense(), np.float64)
    profile = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    liked = feedback(data, how)
    preference = liked / np.maximum(liked.sum(1, keepdims=True), 1e-12) @ profile
    share = had(data).sum(0) / USERS
    same(model, (preference - profile.mean(0)) @ profile.T + weight * share)


def same(model: Recommender, expected: Any) -> None:
    found = model.fit(shop()).score_block(np.arange(USERS))
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_ease_knows_nothing_of_items_that_it_does_not_cover() -> None:
    """The rare items are left out of its square: who has only these, and what is among these, goes by popularity."""
    luck = np.random.default_rng(0)
    users = np.append(np.arange(200) % 20, [20, 21])
    data = Interactions.from_arrays(users, np.append(luck.integers(0, 10, 200), [10, 11]))
    ids, scores = Ease(items=10).fit(data).recommend([0, 20], 12, exclude=None)
    assert (has_evidence(scores[0]) <= (ids[0] < 10)).all() and has_evidence(scores[0]).any()
    assert not has_evidence(scores[1]).any()
    popular = np.bincount(data.item, minlength=12)
    assert ids[1].tolist() == sorted(range(12), key=lambda item: (-popular[item], item))
