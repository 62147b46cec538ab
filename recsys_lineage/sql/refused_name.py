"""The name that DuckDB refuses in a statement, and those that it names as possible: the advice for its error."""

from __future__ import annotations

import re
from collections.abc import Iterable

from recsys_lineage.errors import did_you_mean

_OFFERED = re.compile(r"Candidate \w+:|Did you mean", re.IGNORECASE)
_NAME = re.compile(r"\"([^\"]+)\"|\bname (\w+)")
_NO_TABLE = re.compile(r"\bTable with name (?:\"([^\"]+)\"|(\S+))")


def advice_on(words: str, tables: Iterable[str]) -> str:
    """What to do about a statement that DuckDB refuses: which name was meant, else to correct it at its place.

    Args:
        words: of DuckDB's error. Of a column it offers those that are visible there, so no other ones are.
        tables: names of all that there are.
    """
    said, *offered = _OFFERED.split(words, maxsplit=1)
    if (table := _NO_TABLE.search(words)) is not None:
        meant = did_you_mean(table[1] or table[2], tables)
    else:
        names = [one or other for one, other in _NAME.findall(said)]
        known = [(one or other).rpartition(".")[2] for text in offered for one, other in _NAME.findall(text)]
        meant = did_you_mean(names[-1], known) if names else ""
    return meant or "correct it there, or the columns and types of the tables"
