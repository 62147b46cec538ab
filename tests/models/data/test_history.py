"""A history whose behaviours are given by codes is the one that names them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_models.data.history import CodedNames, History, as_interactions

ITEM_IDS = np.arange(9)


@given(
    names=st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True),
    rows=st.lists(st.tuples(st.integers(-1, 8), st.integers(0, 4), st.integers(0, 2)), max_size=12),
)
def test_codes_say_what_names_say(names: list[str], rows: list[tuple[int, int, int]]) -> None:
    items = np.array([item for item, _, _ in rows], np.int32)
    codes = np.array([code % len(names) for _, code, _ in rows], np.int16)
    weights = np.array([weight for *_, weight in rows], np.float32)
    coded, named = (
        as_interactions([History(items, behaviours, None, weights)], ITEM_IDS, None)
        for behaviours in (CodedNames(names, codes), [names[code] for code in codes.tolist()])
    )
    assert coded.behaviour_names == named.behaviour_names
    assert coded.behaviour is not None and named.behaviour is not None
    for ours, theirs in (
        (coded.item, named.item),
        (coded.behaviour, named.behaviour),
        (coded.weight, named.weight),
    ):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_codes_of_another_length_are_refused_as_names_are() -> None:
    with pytest.raises(ValueError, match="behaviours: expected 2 values"):
        as_interactions([History(np.array([1, 2]), CodedNames(["view"], np.array([0])))], ITEM_IDS, None)
