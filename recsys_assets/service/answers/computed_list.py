"""ComputedList: from a request and a model to the list that is shown, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_assets.assets.serving.reasons import evidence_of, in_words, nearest_of_one
from recsys_assets.service.answers.arrangement import Placed, arranged
from recsys_assets.service.answers.bound_rules import BoundRules
from recsys_assets.service.answers.known_histories import Action, CustomerHistory
from recsys_assets.service.answers.prepared import Prepared
from recsys_assets.service.answers.ranking import ranked
from recsys_assets.service.answers.served_model import ServedModel
from recsys_assets.service.tracing import span


@dataclass(frozen=True)
class Question:
    """A request for recommendations.

    Attributes:
        user: the customer, known or not.
        client: the browser or device of a visitor without a name.
        session: their latest actions, besides those that the service knows. Items in the cart are not recommended.
        k: number of items.
        exclude: ids of items that must not be in the list.
        categories: categories that items must be of; empty: all.
    """

    user: str | None = None
    client: str | None = None
    session: Sequence[Action] = ()
    k: int = 20
    exclude: Sequence[str] = ()
    categories: Sequence[str] = ()


@dataclass(frozen=True)
class ComputedList:
    """A list, and its inputs.

    Attributes:
        placed: the items at their places.
        scores: the model's scores of these items; None for a pinned item that is not among the model's best, and in a
            prepared list.
        past: the known history of the customer.
        names: names of its behaviours.
        unknown: ids of the request that the model does not know.
        actions: actions of the customer since the fit, as far as the service knows.
    """

    placed: Sequence[Placed]
    scores: Sequence[float | None]
    past: CustomerHistory
    names: Sequence[str]
    unknown: Sequence[str]
    actions: Sequence[Action]

    @property
    def cold(self) -> bool:
        """Whether nothing was known of the customer, who therefore gets popular items."""
        return not self.past.items.size


def answered(
    served: ServedModel,
    rules: BoundRules,
    question: Question,
    actions: Sequence[Action],
    now: int,
    chance: Random,
    prepared: Prepared | None = None,
    *,
    explores: bool = True,
) -> ComputedList:
    """The list for a request.

    Args:
        actions: actions of the customer since the model was fitted, as far as the service knows.
        now: UTC, µs since 1970.
        chance: draws the places that are explored.
        prepared: lists to take the ranking from instead of computing it; all rules still apply.
        explores: whether the rules' share of places is drawn by lot.
    """
    known = {(each.item, each.behaviour) for each in actions}
    session = [each for each in question.session if (each.item, each.behaviour) not in known]
    with span("fold in"):
        past, names = served.histories.grown(
            served.histories.of(question.user), [*actions, *session], served.item_rows
        )
    named = [*(each.item for each in question.session), *question.exclude]
    unknown = sorted({item for item in named if item not in served.item_rows})
    in_cart = [each.item for each in question.session if each.behaviour != "view"]
    excluded = np.concatenate([rules.bought_before(past, now), served.rows([*question.exclude, *in_cart])])
    among = served.groups["category"].rows_with(question.categories) if question.categories else None
    if among is not None:
        among = among[~rules.hidden[among]]
    else:
        excluded = np.concatenate([excluded, rules.hidden_rows])
    day = datetime.fromtimestamp(now / 1e6, timezone.utc).date()
    pins, lift = _allowed_pins(rules, day, excluded, among), rules.lift_on(day)
    exploration = rules.rules.exploration
    depth = question.k + rules.reach
    n_items = served.model.n_items
    while True:
        most = min(depth, n_items)
        with span("rank"):
            if prepared is None:
                ranking, scores = ranked(served, question.user, past, names, most, excluded, among)
            else:
                ranking, scores = prepared.ranked(question.user, most, excluded, among), None
        with span("rules"):
            placed = arranged(
                ranking,
                question.k,
                pins=pins,
                lift=lift,
                limits=rules.limits,
                share=exploration.share if explores else 0.0,
                among=exploration.among,
                chance=chance,
            )
        if len(placed) >= question.k or ranking.size < most or depth >= n_items:
            break
        depth *= 4  # the limits left out too many
    return ComputedList(
        placed,
        [float(scores[each.rank]) if scores is not None and each.rank >= 0 else None for each in placed],
        past,
        names,
        unknown,
        actions,
    )


def _allowed_pins(
    rules: BoundRules, day: date, excluded: NDArray[np.int32], among: NDArray[np.int32] | None
) -> Mapping[int, int]:
    """The pins of a day whose items may be in the list: place, from 0, → row."""
    pins = rules.pins_on(day)
    if not pins:
        return pins
    banned = set(excluded.tolist())
    allowed = None if among is None else set(among.tolist())
    return {
        place: row
        for place, row in pins.items()
        if row not in banned and not rules.hidden[row] and (allowed is None or row in allowed)
    }


def explained(served: ServedModel, listed: ComputedList) -> list[dict[str, Any]]:
    """The reason for each item of a list: in words, and the item of the customer's history behind it."""
    past = listed.past
    rows = np.array([each.row for each in listed.placed], np.int32)
    place = nearest_of_one(served.model, past.items, rows)
    evidence, ids, titles = evidence_of(served.model), served.item_ids, served.titles
    found: list[dict[str, Any]] = []
    for each, at in zip(listed.placed, place.tolist(), strict=True):
        source = None if at < 0 else int(past.items[at])
        behaviour = None if at < 0 else listed.names[int(past.behaviours[at])]
        title = {} if source is None else {ids[source]: titles[source] or ids[source]}
        like = None if source is None else ids[source]
        words = in_words(listed.cold, like, behaviour, title, evidence)
        if each.why in ("pinned", "explored"):
            words = {"pinned": "pinned by the shop", "explored": "drawn by lot"}[each.why]
        found.append(
            {
                "reason": words,
                "because_of": like,
                "placed_by": each.why,
                "rank_of_model": each.rank + 1 if each.rank >= 0 else None,
            }
        )
    return found
