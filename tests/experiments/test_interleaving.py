"""Interleaving: fair lists, repeatable, and no winner where nobody is better."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.experiments.interleaving import preference, team_draft

LISTS = st.lists(st.integers(0, 12), unique=True, max_size=8)
LONG = st.lists(st.integers(0, 12), unique=True, min_size=6, max_size=8)


@given(LISTS, LISTS, st.integers(0, 10), st.text())
def test_a_list_holds_each_item_once_in_each_team_s_order(
    first: list[int], second: list[int], length: int, seed: str
) -> None:
    picks = team_draft(first, second, length, seed)
    items = [pick.item for pick in picks]
    assert len(items) == len(set(items)) == min(length, len(set(first) | set(second)))
    assert team_draft(first, second, length, seed) == picks
    for team, own in (("a", first), ("b", second)):
        mine = [pick.item for pick in picks if pick.team == team]
        assert mine == [item for item in own if item in mine]
    sizes = [sum(pick.team == team for pick in picks) for team in ("a", "b")]
    assert abs(sizes[0] - sizes[1]) <= 1


@given(LISTS | LONG, LISTS | LONG, st.integers(1, 6))
def test_who_clicks_at_random_prefers_nobody(first: list[int], second: list[int], length: int) -> None:
    lists = [team_draft(first, second, length, seed) for seed in range(400)]
    credit = [sum({"a": 1, "b": -1, None: 0}[pick.team] for pick in picks) for picks in lists]
    assert abs(np.mean(credit)) <= 5 / np.sqrt(400)  # a list's credit is -1, 0 or 1


def test_the_better_recommender_wins() -> None:
    good, bad = list(range(10)), list(range(100, 110))
    outcomes = [preference(team_draft(good, bad, 6, seed), {0, 1, 2}) for seed in range(50)]
    assert outcomes == [1] * 50
    assert preference(team_draft(good, bad, 6, 0), {0, 100}) == 0
    assert preference(team_draft(good, bad, 6, 0), {100}) == -1
    assert preference(team_draft(good, bad, 6, 0), set()) == 0
