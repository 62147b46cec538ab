"""Drafting: the lists of two models interleaved into one by the shop's rules, each item with its arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from recsys_assets.experiments.interleaving import Pick, team_draft
from recsys_assets.service.answers.computed_list import ComputedList, Question, answered
from recsys_assets.service.answers.known_histories import Action
from recsys_assets.service.answers.serving import Teams, Variant


class Shown(NamedTuple):
    """An item of a list that is shown.

    Attributes:
        item, title: of the product.
        score: of the model that it comes from; None if that has none.
        propensity: the probability of showing it here, given the items above.
        source: the list of the answer that it comes from, and its place there, from 0.
        credit: the arm that a click on it counts for; None in a list of one model, and if it counts for none.
        explored: whether it was drawn by lot in a shared list.
    """

    item: str
    title: str | None
    score: float | None
    propensity: float
    source: tuple[int, int]
    credit: str | None = None
    explored: bool = False


def shown_alone(variant: Variant, listed: ComputedList) -> list[Shown]:
    """The items of a list of one model."""
    ids, titles = variant.served.item_ids, variant.served.titles
    return [
        Shown(ids[row], titles[row], score, propensity, (0, at))
        for at, ((row, _, propensity, _), score) in enumerate(zip(listed.placed, listed.scores, strict=True))
    ]


def drafted(
    teams: Teams, question: Question, actions: Sequence[Action], now: int, query_id: str
) -> tuple[tuple[ComputedList, ComputedList], list[Shown]]:
    """The lists of two models for a request, and the list that they draft in turns.

    Every rule holds for the whole list: pins have their places and count for no arm, limits count both arms' items, and
    the explored share of places is drawn by lot from both arms' best items, for no arm.

    Args:
        actions: actions of the customer since the models were fitted, as far as the service knows.
        now: UTC, µs since 1970.
        query_id: of the answer.
    """
    rules = teams.variants[0].rules.rules
    limits, exploration = rules.at_most, rules.exploration
    # a list of p times the length, by p limits, always has an item left that fits beside fewer than length others
    depth = question.k * max(1, len(limits))
    deeper = replace(question, k=depth + (exploration.among if exploration.share > 0 else 0))
    one, other = (
        answered(each.served, each.rules, deeper, actions, now, Random(query_id), explores=False)
        for each in teams.variants
    )
    lists = (one, other)
    places: list[dict[str, int]] = [
        {variant.served.item_ids[each.row]: at for at, each in enumerate(listed.placed)}
        for variant, listed in zip(teams.variants, lists, strict=True)
    ]
    pinned = _pinned(teams, lists, question.k)
    held = {item for _, item in pinned.values()}
    first, second = ([item for item in own if item not in held] for own in places)
    groups = _groups(teams, [column.column for column in limits], places)
    counted = [[groups[item][number] for item in held] for number in range(len(limits))]

    def fits(item: str, picks: Sequence[Pick]) -> bool:
        for number, limit in enumerate(limits):
            group = groups[item][number]
            if group is None:
                continue
            there = counted[number].count(group)
            there += sum(groups[str(pick.item)][number] == group for pick in picks)
            if there >= limit.n:
                return False
        return True

    free = question.k - len(pinned)
    picks = team_draft(
        first, second, free, query_id,
        fits=fits, enough=depth - len(pinned), share=exploration.share, among=exploration.among,
    )  # fmt: skip
    return lists, list(_merged(teams, lists, places, pinned, iter(picks), question.k))


def _merged(
    teams: Teams,
    lists: Sequence[ComputedList],
    places: Sequence[Mapping[str, int]],
    pinned: Mapping[int, tuple[int, str]],
    picks: Iterator[Pick],
    k: int,
) -> Iterator[Shown]:
    """The shared list of k items: pinned ones at their places, picks at the others."""
    for place in range(k):
        if place in pinned:
            team, item = pinned[place]
            yield _shown(teams.variants[team], lists[team], team, places[team][item], 1.0)
        elif (pick := next(picks, None)) is not None:
            team = 0 if pick.team == "a" else 1
            at = places[team][str(pick.item)]
            credit = teams.names[team] if pick.counts else None
            shown = _shown(teams.variants[team], lists[team], team, at, pick.propensity, credit)
            yield shown._replace(explored=pick.explored)


def _pinned(teams: Teams, lists: Sequence[ComputedList], k: int) -> dict[int, tuple[int, str]]:
    """Place → team that knows the pinned item, and the item."""
    found: dict[int, tuple[int, str]] = {}
    for team, (variant, listed) in enumerate(zip(teams.variants, lists, strict=True)):
        for at, each in enumerate(listed.placed[:k]):
            item = variant.served.item_ids[each.row]
            if each.why == "pinned" and item not in {known for _, known in found.values()}:
                found.setdefault(at, (team, item))
    return found


def _groups(
    teams: Teams, columns: Sequence[str], places: Sequence[Mapping[str, int]]
) -> dict[str, list[str | None]]:
    """Value of each item that may be shown, in each column with a limit."""
    found: dict[str, list[str | None]] = {}
    for variant, own in zip(teams.variants, places, strict=True):
        served = variant.served
        for item in own:
            row = served.item_rows[item]
            found.setdefault(item, [served.groups[column].value_of(row) for column in columns])
    return found


def _shown(
    variant: Variant, listed: ComputedList, team: int, at: int, propensity: float, credit: str | None = None
) -> Shown:
    row = listed.placed[at].row
    served = variant.served
    return Shown(served.item_ids[row], served.titles[row], listed.scores[at], propensity, (team, at), credit)


def models_of(teams: Teams) -> dict[str, dict[str, Any]]:
    """The model of each arm, as answers and the log name it."""
    return {
        name: {
            "table": each.served.table,
            "model_version": each.served.version,
            "record": each.served.record,
        }
        for name, each in zip(teams.names, teams.variants, strict=True)
    }
