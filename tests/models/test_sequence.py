"""Histories, and the family that reads them."""

from __future__ import annotations

import numpy as np
import pytest

from recsys_models import Interactions, SequenceEncoder
from recsys_models.data.recency import DAY
from recsys_models.sequence.histories import Histories
from tests.models.checkerboard import checkerboard

CIRCLE = 30


def walks(length: int = 6) -> tuple[Interactions, np.ndarray]:
    """Users who walk round a circle of items, half of them forwards and half backwards, and where each goes next."""
    luck = np.random.default_rng(1)
    begin, way = luck.integers(0, CIRCLE, 600), luck.choice([-1, 1], 600)
    steps = (begin[:, None] + way[:, None] * np.arange(length + 1)) % CIRCLE
    users = np.repeat(np.arange(600), length)
    moments = np.tile(np.arange(length), 600) * DAY
    mixed = luck.permutation(users.size)
    data = Interactions.from_arrays(
        users[mixed],
        steps[:, :-1].ravel()[mixed],
        timestamp=moments[mixed],
        user_ids=np.arange(600),
        item_ids=np.arange(CIRCLE),
    )
    return data, steps[:, -1]


def test_a_history_holds_the_latest_rows_in_order_of_time() -> None:
    data = Interactions.from_arrays(
        ["a", "a", "b", "a", "a"], [5, 6, 6, 5, 7], timestamp=np.array([30, 10, 5, 20, 40]) * DAY
    )
    block = Histories.of(data, 3).block(np.array([0, 1]))
    assert data.item_ids[block.item].tolist() == [[5, 5, 7], [6, 6, 6]]
    assert block.day.tolist() == [[-20, -10, 0], [-35, -35, -35]]
    assert block.first.tolist() == [[0, 0, 2], [0, 0, 0]]
    assert block.length.tolist() == [3, 1]


def test_an_item_met_before_the_history_began_is_not_new() -> None:
    data = Interactions.from_arrays(["a"] * 4, [5, 6, 7, 5])
    block = Histories.of(data, 2).block(np.array([0]))
    assert data.item_ids[block.item].tolist() == [[7, 5]]
    assert block.first.tolist() == [[0, -2]]


def test_without_timestamps_the_order_is_that_of_the_rows() -> None:
    data = Interactions.from_arrays(["a", "b", "a", "a"], [3, 9, 1, 2])
    assert data.item_ids[Histories.of(data, 9).block(np.array([0])).item].tolist() == [[3, 1, 2]]


@pytest.mark.parametrize("encoder", ["gru", "attention"])
def test_the_encoder_learns_what_only_the_order_tells(encoder: str) -> None:
    data, right = walks()
    settings = {"dim": 16, "horizon": 1, "encoder": encoder, "half_life_days": None, "learning_rate": 0.01}

    def found(encoder_rate: float) -> float:
        model = SequenceEncoder(**settings, encoder_rate=encoder_rate, epochs=12).fit(data, device="cpu")
        ids, _ = model.recommend(np.arange(600), 1)
        return float((ids[:, 0] == right).mean())

    assert found(1e-12) < 0.6
    assert found(0.01) > 0.9


def test_validation_chooses_popularity_where_it_helps() -> None:
    luck = np.random.default_rng(0)
    items = (luck.power(0.2, 8000) * 60).astype(int)
    data = Interactions.from_arrays(luck.integers(0, 500, 8000), items)
    liked = Interactions.from_arrays(
        luck.integers(0, 500, 4000), (luck.power(0.2, 4000) * 60).astype(int), like=data
    )
    model = SequenceEncoder(dim=8, epochs=0, start="normal").fit(data, validation=liked)
    assert model.chosen["popularity"] == 1.0
    assert model.chosen_model().popularity == 1.0


def test_new_items_start_from_their_neighbours() -> None:
    board = checkerboard()
    model = SequenceEncoder(dim=8, epochs=0).fit(board)
    white = np.array([100, 102, 104, 106])
    more = board.merged(Interactions.from_arrays(white, np.full(4, 1998)))
    ids, _ = model.refit(more).similar_items([1998], 5)
    assert (ids % 2 == 0).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"encoder": "lstm"}, "encoder: expected one of"),
        ({"length": 0}, "length: expected a whole number ≥ 1 and ≤ 4096 .*, found 0"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceEncoder(**wrong)  # type: ignore[arg-type]
