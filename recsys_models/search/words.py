"""Words and their trigrams: tokenization of titles and queries, the same for both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

MOST_WORDS = 32
"""Largest number of words of a query that are searched for; more would only cost time."""
_WORDS = re.compile(r"\d+|[^\W\d_]+")


def words(text: str) -> list[str]:
    """The words and numbers of a text, without case and accents: `Crème 15OZ` → creme, 15, oz."""
    if text.isascii():
        return _WORDS.findall(text.lower())
    # Twice, for a letter may be a capital only once it is taken apart, as those of mathematics are.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _WORDS.findall("".join(each for each in plain if not unicodedata.combining(each)))


def trigrams(of: Sequence[str]) -> list[str]:
    """Every three characters in a row of words, with their ends, and across each gap between two.

    A misspelt word shares most of them with the right one; those across a gap let `tea light` find `tealight`, and the
    other way round.
    """
    found: list[str] = []
    for word in of:
        ended = f"<{word}>"
        found += [ended[at : at + 3] for at in range(len(ended) - 2)]
    for one, other in pairwise(of):
        joint = one[-2:] + other[:2]
        found += [joint[at : at + 3] for at in range(len(joint) - 2)]
    return found
