"""Interleaving: two recommenders share one list, and the customer's clicks say which of them is better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import Literal, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)
Team = Literal["a", "b"]
Order = tuple[Team, ...]
"""The teams that are still to pick in a round; empty before its coin is tossed."""
_THROWS: tuple[Order, Order] = (("b", "a"), ("a", "b"))


class Pick(NamedTuple):
    """An item of an interleaved list.

    Attributes:
        item: the item.
        team: the recommender that picked it.
        counts: whether a click on it counts for that recommender; never in a list that does not compare them fairly,
            nor for an item that was drawn by lot.
        propensity: the probability of the item at this place, given those above.
        explored: whether it was drawn by lot; `team` is then one of those that have it.
    """

    item: Hashable
    team: Team
    counts: bool
    propensity: float
    explored: bool = False

    @property
    def credit(self) -> Team | None:
        """The recommender credited with a click on it; None if neither is."""
        return self.team if self.counts else None


def team_draft(
    first: Sequence[Item],
    second: Sequence[Item],
    length: int,
    seed: int | str,
    *,
    fits: Callable[[Item, Sequence[Pick]], bool] = lambda item, picks: True,
    enough: int | None = None,
    share: float = 0.0,
    among: int = 50,
) -> list[Pick]:
    """One list out of two, picked in turns as captains pick teams (Radlinski, Kurup and Joachims 2008).

    In each round a coin decides who picks first; each picks its best item that is not in the list yet. With customers
    who click at random, neither recommender wins. For that, picks count for nobody in a list that one of the two could
    not have filled alone, because there the coin decides who runs out first.

    A `share` of the places is drawn by lot, evenly from the best remaining items of both. Such an item counts for
    nobody and takes nobody's turn, so neither recommender gains by it.

    Args:
        first, second: the items of the recommenders a and b, best first, each once.
        length: of the list.
        seed: of the coin, such as the id of the query, so that the same list can be made again.
        fits: whether an item may join those picked before it; an item that does not fit is never tried again.
        enough: number of items that each recommender needs for picks to count; `length` if every item fits.
        share: share of the places that are drawn by lot.
        among: number of best items of each recommender that such an item is drawn from.
    """
    coin = Random(seed)
    counts = min(len(first), len(second)) >= (length if enough is None else enough)
    left: dict[Team, list[Item]] = {"a": list(first), "b": list(second)}
    picks: list[Pick] = []
    taken: set[Hashable] = set()
    order: Order = ()
    belief: Mapping[Order, float] = {(): 1.0}
    while len(picks) < length:
        best: dict[Team, Item | None] = {}
        for team, items in left.items():
            while items and (items[0] in taken or not fits(items[0], picks)):
                items.pop(0)
            best[team] = items[0] if items else None
        if best["a"] is None and best["b"] is None:
            break
        pool = _best_left(left, taken, picks, fits, among) if share > 0 else []
        explored = share > 0 and coin.random() < share
        picking: Team | None = None
        if explored:
            item = coin.choice(pool)
            picking = "a" if item in left["a"] else "b"
        else:
            while picking is None:
                order = order or _THROWS[coin.random() < 0.5]
                picking = next((team for team in order if best[team] is not None), None)
                order = () if picking is None else order[order.index(picking) + 1 :]
            item = best[picking]
        propensity, belief = _seen(belief, best, item, share, pool)
        taken.add(item)
        picks.append(Pick(item, picking, counts and not explored, propensity, explored))
    return picks


def _best_left(
    left: Mapping[Team, Sequence[Item]],
    taken: Collection[Hashable],
    picks: Sequence[Pick],
    fits: Callable[[Item, Sequence[Pick]], bool],
    among: int,
) -> list[Item]:
    """The best items of either recommender that may come next, each once."""
    found: dict[Item, None] = {}
    for items in left.values():
        free = (item for item in items if item not in taken and fits(item, picks))
        found.update(dict.fromkeys(islice(free, among)))
    return list(found)


def _turns(order: Order, best: Mapping[Team, Hashable | None]) -> Iterator[tuple[float, Team, Order]]:
    """The teams that may pick next, with their probabilities and the order after that."""
    throws = (order,) if order else _THROWS
    for throw in throws:
        chance = 1.0 if order else 0.5
        team: Team | None = next((each for each in throw if best[each] is not None), None)
        if team is not None:
            yield chance, team, throw[throw.index(team) + 1 :]
        elif order:
            yield from _turns((), best)


def _seen(
    belief: Mapping[Order, float],
    best: Mapping[Team, Hashable | None],
    item: Hashable | None,
    share: float,
    pool: Sequence[Hashable],
) -> tuple[float, Mapping[Order, float]]:
    """Probability that an item comes next, given only the list above, and the resulting beliefs about the round."""
    after: dict[Order, float] = defaultdict(float)
    by_lot = share / len(pool) if item in pool else 0.0
    for order, weight in belief.items():
        if by_lot:
            after[order] += weight * by_lot
        for chance, team, rest in _turns(order, best):
            if best[team] == item:
                after[rest] += weight * (1 - share) * chance
    propensity = sum(after.values())
    return propensity, {order: weight / propensity for order, weight in after.items()}


def preference(picks: Sequence[Pick], clicked: Collection[Hashable]) -> int:
    """Winner of one list: 1 if more of a's items were clicked, -1 if more of b's, 0 if neither."""
    score = sum({"a": 1, "b": -1, None: 0}[pick.credit] for pick in picks if pick.item in clicked)
    return (score > 0) - (score < 0)
