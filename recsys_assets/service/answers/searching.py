"""Searching: from a query to the items that are shown, as a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_assets.service.answers.bound_rules import BoundRules
from recsys_assets.service.answers.known_histories import Action
from recsys_assets.service.answers.ranking import ranked
from recsys_assets.service.answers.served_model import ServedModel
from recsys_assets.service.answers.served_search import TABLE, ServedSearch
from recsys_models.search.found import Found

_IN_WORDS = {
    "words": "has words of the query",
    "trigrams": "is written alike",
    "meaning": "means nearly the same",
}
"""Reasons why an item was found, in words."""
MOST_NEAREST = 3
"""Number of titles that are suggested if nothing is found."""
_COUNTS = 0.05
"""Score from which a part is named in a reason."""


@dataclass(frozen=True)
class SearchQuestion:
    """A search request.

    Attributes:
        text: as it was typed.
        user: the customer, known or not.
        client: the browser or device of a visitor without a name.
        k: number of items.
        categories: categories that items must be of; empty: all.
    """

    text: str
    user: str | None = None
    client: str | None = None
    k: int = 20
    categories: Sequence[str] = ()


@dataclass(frozen=True)
class Searched:
    """Search results, and their order.

    Attributes:
        found: rows of the index's items, with their scores.
        nearest: if nothing is found, rows of items that may be meant instead.
        personal: whether the order depends on the customer's history.
    """

    found: Found
    nearest: NDArray[np.int32]
    personal: bool


def searched(
    search: ServedSearch,
    rules: BoundRules,
    model: ServedModel,
    question: SearchQuestion,
    actions: Sequence[Action],
) -> Searched:
    """The items for a search request.

    Items hidden by the shop's rules are not found; items that the customer bought are, because they may search for them
    again.

    Args:
        rules: bound to the items of `search`.
        model: orders the results for a customer with a known history.
        actions: actions of the customer since the model was fitted, as far as the service knows.
    """
    allowed = ~rules.hidden if rules.hidden_rows.size else None
    if question.categories:
        chosen = np.zeros(search.n_items, bool)
        chosen[search.groups["category"].rows_with(question.categories)] = True
        allowed = chosen if allowed is None else allowed & chosen
    past, names = model.histories.grown(model.histories.of(question.user), actions, model.item_rows)
    personal = bool(past.items.size)

    def taste(rows: NDArray[np.int32]) -> NDArray[np.float32]:
        own = search.rows_in(model)[rows]
        known = np.unique(own[own >= 0])
        scores = np.full(model.n_items + 1, np.nan, np.float32)
        if known.size:
            nothing = np.empty(0, np.int32)
            best, values = ranked(model, question.user, past, names, known.size, nothing, known)
            scores[best] = values
        return scores[own]  # -1 is the last place, of which nothing is known

    text, encoder = question.text, search.encoder
    found = search.index.search(
        text, question.k, encoder=encoder, allowed=allowed, taste=taste if personal else None
    )
    nearest = np.empty(0, np.int32)
    if not found.rows.size:
        nearest = search.index.nearest(text, 4 * MOST_NEAREST, encoder=encoder, allowed=allowed)
    return Searched(found, nearest, personal)


def searched_alone(search: ServedSearch, question: SearchQuestion) -> dict[str, Any]:
    """Search results without rules and without a customer, explained."""
    found = search.index.search(question.text, question.k, encoder=search.encoder)
    nearest = np.empty(0, np.int32)
    if not found.rows.size:
        nearest = search.index.nearest(question.text, 4 * MOST_NEAREST, encoder=search.encoder)
    return search_response(search, question, Searched(found, nearest, False), explain=True)


def search_response(
    search: ServedSearch, question: SearchQuestion, result: Searched, *, explain: bool
) -> dict[str, Any]:
    """Response for search results: items with titles, the corrected query, and with `explain` the reasons for each
    item.
    """
    found, ids, titles = result.found, search.item_ids, search.titles
    because = _because(result) if explain else [{}] * found.rows.size
    answer: dict[str, Any] = {
        "query": question.text,
        "meant": found.meant,
        "personal": result.personal,
        "categories": [{"category": name, "probability": share} for name, share in found.categories],
        "items": [
            {"item": ids[row], "title": titles[row], "position": place, "score": score, **why}
            for place, (row, score, why) in enumerate(
                zip(found.rows.tolist(), found.scores.tolist(), because, strict=True), 1
            )
        ],
        "nearest": _of_different_titles(search, result.nearest.tolist()),
    }
    if explain:
        answer["explanation"] = {
            "index": f"{TABLE}@{search.version}",
            "reads": search.reads,
            "encoder": search.index.encoder,
            "weights": asdict(search.index.weights),
        }
    return answer


def _of_different_titles(search: ServedSearch, rows: Sequence[int]) -> list[dict[str, Any]]:
    """The first items of rows, one per title."""
    found: dict[str | None, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(search.titles[row], {"item": search.item_ids[row], "title": search.titles[row]})
    return list(found.values())[:MOST_NEAREST]


def _because(searched: Searched) -> list[dict[str, Any]]:
    """Reasons for the items found: in words, and the part of the score that each adds."""
    found = searched.found
    reasons: list[dict[str, Any]] = []
    for at in range(found.rows.size):
        parts = {name: round(float(values[at]), 4) for name, values in found.parts.items()}
        strongest = max(_IN_WORDS, key=lambda name: parts.get(name, 0))
        reason = [_IN_WORDS[strongest]] if parts.get(strongest, 0) >= _COUNTS else []
        if parts.get("intent", 0) >= _COUNTS:
            reason.append("is of the category that is asked for")
        if parts["liking"] >= _COUNTS:
            reason.append("is like what the customer chose" if searched.personal else "is bought by many")
        reasons.append({"reason": ", ".join(reason) or "is the product of this number", "parts": parts})
    return reasons
