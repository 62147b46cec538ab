"""What a customer did since the fit joins what they did before it, event by event."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.answers.known_histories import Did, KnownHistories, Past

NAMES = ("click", "purchase")
ITEM_ROWS = {f"i{row}": row for row in range(6)}


@given(
    past=st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 1)), st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=8
    ),
    did=st.lists(
        st.builds(
            Did,
            st.sampled_from([*ITEM_ROWS, "unknown"]),
            st.sampled_from(["view", "click", "cart", "purchase", "buy"]),
            st.integers(0, 12),
        ),
        max_size=12,
    ),
)  # fmt: skip
def test_a_history_grows_event_by_event(past: dict[tuple[int, int], tuple[int, int]], did: list[Did]) -> None:
    rows = sorted(past.items())
    before = Past(
        np.array([item for (item, _), _ in rows], np.int32),
        np.array([kind for (_, kind), _ in rows], np.int16),
        np.array([time for _, (time, _) in rows], np.int64),
        np.array([weight for _, (_, weight) in rows], np.float32),
        np.array([kind == 1 for (_, kind), _ in rows], bool),
    )
    histories = KnownHistories({}, np.zeros(1, np.int64), before, NAMES, "purchase")
    grown, names = histories.grown(before, did, ITEM_ROWS)

    meant = {"view": "click", "buy": "purchase"}
    counted = {(item, NAMES[kind]): known for (item, kind), known in rows}
    for each in did:
        if each.item in ITEM_ROWS:
            pair = ITEM_ROWS[each.item], meant.get(each.behaviour, each.behaviour)
            time, weight = counted.get(pair, (each.time, 0))
            counted[pair] = max(time, each.time), weight + 1
    told = [names[kind] for kind in grown.behaviours.tolist()]
    found = zip(grown.items.tolist(), told, strict=True)
    assert (
        dict(zip(found, zip(grown.times.tolist(), grown.weights.tolist(), strict=True), strict=True))
        == counted
    )
    assert grown.items.size == len(counted)
    assert list(grown.bought) == [name == "purchase" for name in told]
    assert [each.dtype for each in grown] == [each.dtype for each in before]
