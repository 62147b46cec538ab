"""Weights of the signals that rank search results."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Weights:
    """Weights of the signals that count for an item; each is between 0 and about 1.

    Attributes:
        words: BM25 over title and groups, as a share of what an item with all words would have.
        trigrams: the same over the trigrams of the title.
        meaning: cosine of query and title.
        title: whether the words of the query are those of the title, no more and no fewer.
        intent: probability of the item's category, given the query.
        liking: share by which the found item that the customer likes best is raised above the one they like least.
        popularity: the same by popularity, for customers of whom nothing is known.
    """

    words: float = 1.0
    trigrams: float = 0.7
    meaning: float = 0.5
    title: float = 0.6
    intent: float = 0.1
    liking: float = 0.3
    popularity: float = 0.1

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 <= value <= 10:
                raise ValueError(f"weight of {each.name}: expected 0 to 10, found {value}")
