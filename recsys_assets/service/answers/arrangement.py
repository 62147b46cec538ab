"""Arrangement: a model's ranking arranged by the shop's rules, place by place, each with its propensity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_assets.service.answers.described_items import Groups

Why = Literal["model", "pinned", "boosted", "explored"]


class Placed(NamedTuple):
    """An item at its place.

    Attributes:
        row: of the model's items.
        rank: its place in the model's ranking, from 0; -1 for a pinned item that is not in it.
        propensity: the probability of showing it here, given the items above.
        why: what put it here.
    """

    row: int
    rank: int
    propensity: float
    why: Why


def arranged(
    ranking: NDArray[np.int32],
    k: int,
    *,
    pins: Mapping[int, int] | None = None,
    lift: NDArray[np.int32] | None = None,
    limits: Sequence[tuple[int, Groups]] = (),
    share: float = 0.0,
    among: int = 50,
    chance: Random | None = None,
) -> list[Placed]:
    """The list of the k best items under the rules; shorter if the ranking has too few items that may be shown.

    Pins come first; they count for the limit of a group, and one that would break a limit is left out. Every other
    place has the best remaining item or, with probability `share`, one drawn evenly from the `among` best. So every
    shown item has a known propensity given the places above: share / (number of items drawn from), plus 1 - share for
    the best.

    Args:
        ranking: rows of items that may be shown, best first, each once.
        k: number of places.
        pins: place, from 0, → row; the caller makes sure that it may be shown.
        lift: (n_items,) number of places by which each item is raised.
        limits: largest number of items of a group in the list.
        share: share of places that are drawn by lot.
        among: number of best items that a place is drawn from.
        chance: random generator; needed if `share` is above 0.
    """
    if (
        not pins and lift is None and not limits and share <= 0
    ):  # as most shops have it: the model's order stays
        return [Placed(row, rank, 1.0, "model") for rank, row in enumerate(ranking[:k].tolist())]
    list_limits = _Limits(limits)
    held: dict[int, int] = {}
    for place, row in sorted((pins or {}).items()):
        if place < k and row not in held.values() and list_limits.allow(row):
            held[place] = row
            list_limits.count(row)
    rank_of = {int(row): rank for rank, row in enumerate(ranking)}
    order = np.arange(ranking.size)
    if lift is not None:
        order = np.argsort(order - lift[ranking], kind="stable")
    remaining = _Remaining(ranking[order].tolist(), set(held.values()), list_limits)
    placed: list[Placed] = []
    for place in range(k):
        if place in held:
            placed.append(Placed(held[place], rank_of.get(held[place], -1), 1.0, "pinned"))
            continue
        best = remaining.best(among if share > 0 else 1)
        if not best:
            placed += [
                Placed(row, rank_of.get(row, -1), 1.0, "pinned") for p, row in held.items() if p > place
            ]
            break
        drawn = share > 0 and chance is not None and chance.random() < share
        row = chance.choice(best) if drawn and chance is not None else best[0]
        propensity = share / len(best) + (1 - share if row == best[0] else 0.0)
        remaining.take(row)
        lifted = lift is not None and lift[row] != 0
        why: Why = "explored" if row != best[0] else "boosted" if lifted else "model"
        placed.append(Placed(row, rank_of[row], propensity, why))
    return placed


class _Limits:
    """The numbers of items of each limited group in a list."""

    def __init__(self, limits: Sequence[tuple[int, Groups]]) -> None:
        self._limits = [(n, groups, dict[int, int]()) for n, groups in limits]

    def allow(self, row: int) -> bool:
        """Whether the list may have one more item of each group of this one."""
        return all(
            (code := int(groups.code[row])) < 0 or count.get(code, 0) < n for n, groups, count in self._limits
        )

    def count(self, row: int) -> None:
        """Count an item of the list."""
        for _, groups, count in self._limits:
            code = int(groups.code[row])
            count[code] = count.get(code, 0) + 1


class _Remaining:
    """The items that are not in the list yet, best first."""

    def __init__(self, rows: list[int], taken: set[int], limits: _Limits) -> None:
        self._rows, self._taken, self._limits = [row for row in rows if row not in taken], set[int](), limits
        self._first = 0

    def best(self, wanted: int) -> list[int]:
        """The best remaining items that the limits allow, at most so many."""
        best: list[int] = []
        for index in range(self._first, len(self._rows)):
            row = self._rows[index]
            if row not in self._taken and self._limits.allow(row):
                best.append(row)
                if len(best) == wanted:
                    break
            elif not best:
                self._first = index + 1  # neither becomes free again
        return best

    def take(self, row: int) -> None:
        """Move an item to the list."""
        self._taken.add(row)
        self._limits.count(row)
