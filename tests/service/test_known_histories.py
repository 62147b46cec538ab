"""What a customer did since the fit joins what they did before it, event by event."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.answers.known_histories import Action, CustomerHistory, KnownHistories

NAMES = ("click", "purchase")
ITEM_ROWS = {f"i{row}": row for row in range(6)}


ROWS = {"user_id": pl.String, "item_id": pl.String, "behaviour": pl.String, "count": pl.Int64,
        "last_time": pl.Datetime("us"), "is_target": pl.Boolean}  # fmt: skip
EPOCH = datetime(1970, 1, 1)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u2", "u10"]),
            st.sampled_from(["i1", "i0", "of another model"]),
            st.sampled_from(["view", "purchase"]),
            st.integers(1, 9),
            st.none() | st.integers(-5, 5).map(lambda second: EPOCH + timedelta(seconds=second)),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_a_history_has_a_row_for_each_item_and_behaviour(
    rows: list[tuple[str, str, str, int, datetime | None, bool]],
) -> None:
    histories = KnownHistories.of_rows(
        pl.DataFrame(rows, schema=ROWS, orient="row"), items := ["i2", "i1", "i0"]
    )
    told: dict[str, dict[tuple[int, str], list[tuple[int, datetime | None, bool]]]] = {}
    for user, item, behaviour, count, moment, bought in rows:
        if item in items:
            told.setdefault(user, {}).setdefault((items.index(item), behaviour), []).append(
                (count, moment, bought)
            )
    assert list(histories.rows) == sorted(told)
    for user, of_user in told.items():
        past = histories.of(user)
        names = [histories.names[place] for place in past.behaviours.tolist()]
        assert list(zip(past.items.tolist(), names, strict=True)) == sorted(of_user)
        for place, (_, known) in enumerate(sorted(of_user.items())):
            last = max((moment for _, moment, _ in known if moment is not None), default=EPOCH)
            assert past.weights[place] == sum(count for count, _, _ in known)
            assert past.times[place] == (last - EPOCH) // timedelta(microseconds=1)
            assert past.bought[place] == any(bought for _, _, bought in known)
    assert [each.dtype for each in histories.past] == [np.int32, np.int16, np.int64, np.float32, np.bool_]


@given(
    past=st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 1)), st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=8
    ),
    actions=st.lists(
        st.builds(
            Action,
            st.sampled_from([*ITEM_ROWS, "unknown"]),
            st.sampled_from(["view", "click", "cart", "purchase", "buy"]),
            st.integers(0, 12),
        ),
        max_size=12,
    ),
)  # fmt: skip
def test_a_history_grows_event_by_event(
    past: dict[tuple[int, int], tuple[int, int]], actions: list[Action]
) -> None:
    rows = sorted(past.items())
    before = CustomerHistory(
        np.array([item for (item, _), _ in rows], np.int32),
        np.array([kind for (_, kind), _ in rows], np.int16),
        np.array([time for _, (time, _) in rows], np.int64),
        np.array([weight for _, (_, weight) in rows], np.float32),
        np.array([kind == 1 for (_, kind), _ in rows], bool),
    )
    histories = KnownHistories({}, np.zeros(1, np.int64), before, NAMES, "purchase")
    grown, names = histories.grown(before, actions, ITEM_ROWS)

    meant = {"view": "click", "buy": "purchase"}
    counted = {(item, NAMES[kind]): known for (item, kind), known in rows}
    for each in actions:
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
