"""Changing values: what a source's SQL takes from a clock or from chance, so that each load finds something else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from recsys_lineage.sql.parsed import statements_of

_CLOCKS = frozenset({"age", "ago", "localtime", "localtimestamp"})
"""SQL words that read a clock, besides those that DuckDB marks as such and those that begin with `current_`."""
_NO_CLOCKS = frozenset({"error", "getvariable", "current_setting"})
"""Functions that DuckDB marks as well, but that give what was set, or none."""


def is_deterministic(sql: str) -> bool:
    """Whether a SELECT always returns the same rows for the same files; False in doubt.

    DuckDB marks its functions that do not: those that draw at random, count or read a clock.
    """
    tokens = sqlglot.tokenize(sql, dialect="duckdb")
    words = {token.text.lower() for token in tokens if token.token_type != TokenType.STRING}
    return not (words & (_CLOCKS | _volatile())) and not any(word.startswith("current_") for word in words)


def changing_columns(statement: str) -> Iterator[str]:
    """Warnings for columns whose values come from a clock or from chance instead of the files, in sentences.

    An event that happened "now" happens anew with each load, and is on the day of the load. A condition on the day of
    today is not among them: it only chooses rows.

    Args:
        statement: the SQL, with the relations of its scans.
    """
    for select in statements_of(statement)[0].find_all(exp.Select):
        for column in select.selects:
            inner = {id(node) for query in column.find_all(exp.Query) for node in query.walk()}
            called = dict.fromkeys(
                name
                for node in column.find_all(exp.Func)
                if id(node) not in inner and (name := _changing(node))
            )
            if called:
                yield (
                    f"column {column.alias_or_name or 'without a name'} is made by {' and '.join(called)}, so that "
                    "each load gives it other values than the one before: take it from the files; `_file` has a date "
                    "in the file's name, and undated = true in source.toml gives events the day of their file"
                )


def _changing(node: exp.Func) -> str:
    """The name of a function that gives another value each time, as it is called; else empty."""
    text = node.sql("duckdb").lower()
    name = text.partition("(")[0]
    counts_from_today = name != "age" or len(node.expressions) == 1
    if not name.isidentifier() or name in _NO_CLOCKS or not counts_from_today or is_deterministic(name):
        return ""  # CASE, AND and the like are functions to the parser, too
    return f"{name}()"


@cache
def _volatile() -> frozenset[str]:
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
            "WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        ).fetchall()
    return frozenset(name for (name,) in found)
