"""Spelling: the known word that was probably meant by an unknown one."""

from __future__ import annotations

from collections.abc import Mapping

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

SHORTEST = 4
"""Fewest letters of a word that is corrected; shorter words are all near one another."""
ONE_ERROR_UP_TO = 7
"""Largest number of letters of a word with one error; longer words with the same first letter may have two."""
SHORTEST_PART = 3


class Spelling:
    """The words of a catalogue with their frequencies."""

    def __init__(self, documents_with: Mapping[str, int]) -> None:
        self._documents_with = documents_with
        self._of_length: dict[int, list[str]] = {}
        for word in documents_with:
            if word.isalpha() and len(word) >= SHORTEST - 1:
                self._of_length.setdefault(len(word), []).append(word)

    def meant(self, word: str) -> list[str]:
        """The known words that an unknown one probably means: one, two if it is two written as one, or none.

        Of the words with the fewest errors (a letter too many, missing, wrong, or two in the wrong order) it is the one
        in the most documents.
        """
        if word in self._documents_with or len(word) < SHORTEST or not word.isalpha():
            return []
        allowed = 1 if len(word) <= ONE_ERROR_UP_TO else 2
        best: tuple[int, int, str] | None = None
        for length in range(len(word) - allowed, len(word) + allowed + 1):
            near = extract(
                word,
                self._of_length.get(length, ()),
                scorer=OSA.distance,
                processor=None,
                score_cutoff=allowed,
                limit=None,
            )
            for known, errors, _ in near:
                if errors < 2 or word[0] == known[0]:
                    found = (int(errors), -self._documents_with[known], known)
                    best = found if best is None else min(best, found)
        parts = self._parts(word)
        if best is not None and not (parts and best[0] > 1):
            return [best[2]]
        return parts

    def _parts(self, word: str) -> list[str]:
        """The two known words that form it, of which the rarer one is in the most documents; empty if there are
        none."""
        pairs = [
            (word[:at], word[at:])
            for at in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1)
            if word[:at] in self._documents_with and word[at:] in self._documents_with
        ]
        return list(max(pairs, key=lambda pair: min(map(self._documents_with.__getitem__, pair)), default=()))
