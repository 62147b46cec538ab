"""Advice for a name that DuckDB refuses in a statement, from the names that its error suggests."""

from __future__ import annotations

import re
from collections.abc import Iterable

from recsys_lineage.errors import did_you_mean

_OFFERED = re.compile(r"Candidate \w+:|Did you mean", re.IGNORECASE)
_NAME = re.compile(r"\"([^\"]+)\"|\bname (\w+)")
_NO_TABLE = re.compile(r"\bTable with name (?:\"([^\"]+)\"|(\S+))")


def advice_on(words: str, tables: Iterable[str]) -> str:
    """Advice for a statement that DuckDB refuses: the probable name, else to correct it at its position.

    Args:
        words: the text of DuckDB's error. For a column it suggests those visible there, so no others are added.
        tables: the names of all tables.
    """
    refused, *offered = _OFFERED.split(words, maxsplit=1)
    if (table := _NO_TABLE.search(words)) is not None:
        meant = did_you_mean(table[1] or table[2], tables)
    else:
        names = [one or other for one, other in _NAME.findall(refused)]
        known = [(one or other).rpartition(".")[2] for text in offered for one, other in _NAME.findall(text)]
        meant = did_you_mean(names[-1], known) if names else ""
    return meant or "correct it there, or the columns and types of the tables"
