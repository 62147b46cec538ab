"""Interleaving: fair lists, repeatable, and no winner where nobody is better."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.experiments.interleaving import Pick, preference, team_draft
from tests.examples import examples

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
    sizes = [sum(pick.credit == team for pick in picks) for team in ("a", "b")]
    assert abs(sizes[0] - sizes[1]) <= 1


@settings(max_examples=examples(50))
@given(LISTS | LONG, LISTS | LONG, st.integers(1, 6))
def test_who_clicks_at_random_prefers_nobody(first: list[int], second: list[int], length: int) -> None:
    lists = [team_draft(first, second, length, seed) for seed in range(400)]
    credit = [sum({"a": 1, "b": -1, None: 0}[pick.credit] for pick in picks) for picks in lists]
    assert abs(np.mean(credit)) <= 5 / np.sqrt(400)  # a list's credit is -1, 0 or 1


def test_the_better_recommender_wins() -> None:
    good, bad = list(range(10)), list(range(100, 110))
    outcomes = [preference(team_draft(good, bad, 6, seed), {0, 1, 2}) for seed in range(50)]
    assert outcomes == [1] * 50
    assert preference(team_draft(good, bad, 6, 0), {0, 100}) == 0
    assert preference(team_draft(good, bad, 6, 0), {100}) == -1
    assert preference(team_draft(good, bad, 6, 0), set()) == 0


def _at_most_two(item: int, picks: Sequence[Pick]) -> bool:
    """Items fall into four groups, of each of which two may be in a list."""
    return sum(hash(pick.item) % 4 == item % 4 for pick in picks) < 2


@settings(max_examples=examples(20))
@given(LISTS | LONG, LISTS | LONG, st.integers(1, 6), st.sampled_from([0.0, 0.3, 1.0]), st.integers(2, 5))
def test_a_propensity_is_how_often_an_item_follows_those_above(
    first: list[int], second: list[int], length: int, share: float, among: int
) -> None:
    lists = [
        team_draft(first, second, length, seed, fits=_at_most_two, share=share, among=among)
        for seed in range(300)
    ]
    told: dict[tuple[int, ...], dict[int, float]] = {}
    seen: dict[tuple[int, ...], Counter[int]] = {}
    for picks in lists:
        for at, pick in enumerate(picks):
            above = tuple(hash(each.item) for each in picks[:at])
            seen.setdefault(above, Counter())[hash(pick.item)] += 1
            assert told.setdefault(above, {}).setdefault(hash(pick.item), pick.propensity) == pytest.approx(
                pick.propensity
            )
    for above, counts in seen.items():
        lists_so_far = sum(counts.values())
        for item, count in counts.items():
            share = told[above][item]
            assert (
                abs(count - lists_so_far * share) <= 5.5 * np.sqrt(lists_so_far * share * (1 - share)) + 1e-6
            )


def _all_lists(
    first: list[int], second: list[int], length: int, share: float, among: int
) -> dict[tuple[int, ...], float]:
    """Each list that there can be, with its probability by the definition: rounds, coins and lots told apart."""
    found: dict[tuple[int, ...], float] = {}

    def go(placed: tuple[int, ...], order: str, weight: float) -> None:
        free = {
            team: [item for item in own if item not in placed] for team, own in (("a", first), ("b", second))
        }
        if len(placed) == length or not (free["a"] or free["b"]):
            found[placed] = found.get(placed, 0.0) + weight
            return
        pool = {*free["a"][:among], *free["b"][:among]}
        for item in pool if share else ():
            go((*placed, item), order, weight * share / len(pool))
        for throw in (order,) if order else ("ab", "ba"):
            left = throw
            while not free[left[0]]:
                left = left[1:] or "ab"  # the coin of a new round matters not: one of both has nothing left
            go((*placed, free[left[0]][0]), left[1:], weight * (1 - share) * (1.0 if order else 0.5))

    go((), "", 1.0)
    return found


@settings(max_examples=examples(20))
@given(LISTS, LISTS, st.integers(1, 3), st.sampled_from([0.0, 0.4]))
def test_the_propensities_of_a_list_multiply_to_its_probability(
    first: list[int], second: list[int], length: int, share: float
) -> None:
    probability = _all_lists(first, second, length, share, 3)
    for seed in range(30):
        picks = team_draft(first, second, length, seed, share=share, among=3)
        told = float(np.prod([pick.propensity for pick in picks]))
        assert told == pytest.approx(probability[tuple(hash(pick.item) for pick in picks)])


@settings(max_examples=examples(30))
@given(LISTS | LONG, LISTS | LONG, st.integers(1, 6))
def test_what_is_drawn_by_lot_is_nobody_s_and_favours_nobody(
    first: list[int], second: list[int], length: int
) -> None:
    lists = [team_draft(first, second, length, seed, share=0.4, among=4) for seed in range(400)]
    for picks in lists:
        assert len({pick.item for pick in picks}) == len(picks) == min(length, len({*first, *second}))
        assert all(pick.credit is None for pick in picks if pick.explored)
    credit = [sum({"a": 1, "b": -1, None: 0}[pick.credit] for pick in picks) for picks in lists]
    assert abs(np.mean(credit)) <= 5 / np.sqrt(400)


@settings(max_examples=examples(20))
@given(st.permutations(range(16)), st.permutations(range(16)))
def test_a_limit_holds_for_the_whole_list_and_favours_nobody(first: list[int], second: list[int]) -> None:
    def alone(ranking: list[int]) -> list[int]:
        return [hash(pick.item) for pick in team_draft(ranking, [], 5, 0, fits=_at_most_two)]

    lists = [team_draft(alone(first), alone(second), 5, seed, fits=_at_most_two) for seed in range(100)]
    for picks in lists:
        assert max(Counter(hash(pick.item) % 4 for pick in picks).values()) <= 2
        assert len(picks) == 5 and all(pick.counts for pick in picks)
    credit = [sum({"a": 1, "b": -1}[pick.team] for pick in picks) for picks in lists]
    assert abs(np.mean(credit)) <= 5 / np.sqrt(100)
