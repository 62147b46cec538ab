"""Interleaving: two recommenders share one list, and the customer's clicks say which of them is better."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)
Team = Literal["a", "b"]


class Pick(NamedTuple):
    """An item of an interleaved list, and the recommender whose pick it counts as; None where it counts as nobody's."""

    item: Hashable
    team: Team | None


def team_draft(first: Sequence[Item], second: Sequence[Item], length: int, seed: int | str) -> list[Pick]:
    """One list out of two, picked in turns as captains pick teams (Radlinski, Kurup and Joachims 2008).

    In each round a coin says who picks first; each picks its best item that is not yet there. Of customers who click at
    random, neither recommender wins; so that this holds, picks count for nobody in a list that one of the two could not
    have filled alone: there, who runs out first depends on the coin.

    Args:
        first, second: the items of the recommenders a and b, best first, each once.
        length: of the list.
        seed: of the coin, such as the id of the query, so that the same list can be made again.
    """
    coin = Random(seed)
    counts = min(len(first), len(second)) >= length
    picks: list[Pick] = []
    taken: set[Hashable] = set()
    lists: dict[Team, Iterator[Item]] = {"a": iter(first), "b": iter(second)}
    while len(picks) < length:
        order: tuple[Team, Team] = ("a", "b") if coin.random() < 0.5 else ("b", "a")
        before = len(picks)
        for team in order:
            item = next((item for item in lists[team] if item not in taken), None)
            if item is not None:
                taken.add(item)
                picks.append(Pick(item, team if counts else None))
        if len(picks) == before:
            break
    return picks[:length]


def preference(picks: Sequence[Pick], clicked: Collection[Hashable]) -> int:
    """Who won one list: 1 where more of a's items were clicked, -1 where more of b's, 0 where neither."""
    score = sum({"a": 1, "b": -1, None: 0}[pick.team] for pick in picks if pick.item in clicked)
    return (score > 0) - (score < 0)
