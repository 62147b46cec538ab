"""Prepared lists: what the night wrote down for a customer, then what is popular, of what may be shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.answers import prepared
from recsys_assets.service.answers.prepared import Prepared

ITEMS = 12
ROWS = st.lists(st.integers(0, ITEMS - 1), max_size=ITEMS)


@given(
    own=st.lists(st.integers(0, ITEMS - 1), max_size=6, unique=True),
    popular=st.permutations(range(ITEMS)),
    excluded=ROWS,
    among=st.none() | ROWS,
    k=st.integers(1, ITEMS + 2),
    known=st.booleans(),
    pairs=st.sampled_from((0, 20, prepared.PAIRS)),
)
def test_a_list_is_the_customers_own_and_then_what_is_popular(
    own: list[int],
    popular: list[int],
    excluded: list[int],
    among: list[int] | None,
    k: int,
    known: bool,
    pairs: int,
) -> None:
    lists = Prepared(
        0, {"ann": 0}, np.array([0, len(own)]), np.array(own, np.int32), np.array(popular, np.int32)
    )
    with pytest.MonkeyPatch.context() as few:
        few.setattr(prepared, "PAIRS", pairs)
        found = lists.ranked(
            "ann" if known else "bob",
            k,
            np.array(excluded, np.int32),
            None if among is None else np.array(among, np.int32),
        )
    order = dict.fromkeys([*(own if known else []), *popular])
    may = [row for row in order if row not in excluded and (among is None or row in among)]
    assert found.tolist() == may[:k] and found.dtype == np.int32
