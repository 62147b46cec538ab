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
        propensity: the probability of showing it here, given what stands above.
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
    taken: set[int] = set()
    counts = [dict[int, int]() for _ in limits]

    def fits(row: int) -> bool:
        return all(
            (code := int(groups.code[row])) < 0 or count.get(code, 0) < n
            for (n, groups), count in zip(limits, counts, strict=True)
        )

    def take(row: int) -> None:
        taken.add(row)
        for (_, groups), count in zip(limits, counts, strict=True):
            code = int(groups.code[row])
            count[code] = count.get(code, 0) + 1

    held: dict[int, int] = {}
    for place, row in sorted((pins or {}).items()):
        if place < k and row not in taken and fits(row):
            held[place] = row
            take(row)
    rank_of = {int(row): rank for rank, row in enumerate(ranking)}
    order = np.arange(ranking.size)
    if lift is not None:
        order = np.argsort(order - lift[ranking], kind="stable")
    left = [int(row) for row in ranking[order] if int(row) not in taken]
    placed: list[Placed] = []
    at = 0
    for place in range(k):
        if place in held:
            placed.append(Placed(held[place], rank_of.get(held[place], -1), 1.0, "pinned"))
            continue
        best: list[int] = []
        wanted = among if share > 0 else 1
        for index in range(at, len(left)):
            row = left[index]
            if row not in taken and fits(row):
                best.append(row)
                if len(best) == wanted:
                    break
            elif not best:
                at = index + 1  # neither becomes free again
        if not best:
            placed += [
                Placed(row, rank_of.get(row, -1), 1.0, "pinned") for p, row in held.items() if p > place
            ]
            break
        drawn = share > 0 and chance is not None and chance.random() < share
        row = chance.choice(best) if drawn and chance is not None else best[0]
        propensity = share / len(best) + (1 - share if row == best[0] else 0.0)
        take(row)
        lifted = lift is not None and lift[row] != 0
        why: Why = "explored" if row != best[0] else "boosted" if lifted else "model"
        placed.append(Placed(row, rank_of[row], propensity, why))
    return placed
