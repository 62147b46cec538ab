"""DuckDB's names of expressions without an alias, derived from their text: `len(x)` is not `length(x)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.columns.binding.empty_tables import name_of_expression
from recsys_lineage.sql.pivot_values import PIVOTS, separated, statistics_of, word
from recsys_lineage.sql.statement import bare_statement

_OPENS = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSES = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_ENDS = frozenset(
    {
        "EXCEPT", "FETCH", "FROM", "GROUP", "GROUP BY", "HAVING", "INTERSECT", "LIMIT", "OFFSET", "ORDER", "ORDER BY",
        "QUALIFY", "UNION", "USING", "WHERE", "WINDOW",
    }
)  # fmt: skip
_WITHIN_ITEMS = (("DISTINCT", "FROM"), ("WITHIN", "GROUP"))
"""Two words of which the second ends no list: `a IS DISTINCT FROM b`."""
_Span = tuple[int, int]


def item_name(node: exp.Expr, items: Sequence[exp.Expr], text: str, windows: Sequence[exp.Expr] = ()) -> str:
    """DuckDB's name of an expression in the list of a SELECT, or of the statistics of a PIVOT.

    Args:
        node: the expression.
        items: the list.
        text: the statement.
        windows: the named windows that it may use.
    """
    bare = bare_statement(text)
    place = next((n for n, each in enumerate(items) if each is node), 0)
    fitting = [spans for spans in _lists(bare) if len(spans) == len(items) and _holds(spans, items)]
    written = node.sql("duckdb")
    if fitting:
        start, end = min(fitting, key=lambda spans: spans[-1][1] - spans[0][0])[place]
        written = bare[start:end]
    # sqlglot writes `w OVER (…)` for `w AS (…)`
    named = ", ".join(each.sql("duckdb").replace(" OVER ", " AS ", 1) for each in windows)
    behind = f" WINDOW {named}" if named else ""
    return name_of_expression(written + behind) or name_of_expression(node.sql("duckdb") + behind) or "?"


def _holds(spans: Sequence[_Span], items: Sequence[exp.Expr]) -> bool:
    """Whether each expression lies within its part of the text, as far as its names show."""
    return all(
        start <= each.meta["start"] < end
        for (start, end), item in zip(spans, items, strict=True)
        for each in item.walk()
        if "start" in each.meta
    )


@lru_cache(maxsize=64)
def _lists(text: str) -> tuple[tuple[_Span, ...], ...]:
    """The start and end of each expression in every list of a SELECT or of a PIVOT's statistics."""
    tokens = sqlglot.tokenize(text, read="duckdb")
    found: list[tuple[_Span, ...]] = []
    for place, token in enumerate(tokens):
        rest = tokens[place + 1 :]
        if token.token_type is TokenType.SELECT:
            listed = separated([*_listed(rest)])
        elif word(token) in PIVOTS:
            listed = statistics_of(rest)
        else:
            continue
        found.append(tuple((each[0].start, each[-1].end + 1) for each in listed if each))
    return tuple(found)


def _listed(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens of a SELECT's list, without DISTINCT before it.

    Args:
        tokens: those after the word SELECT.
    """
    depth, before, begun = 0, "", False
    for token in tokens:
        now = word(token)
        depth -= token.token_type in _CLOSES
        if depth < 0 or (depth == 0 and now in _ENDS and (before, now) not in _WITHIN_ITEMS):
            return
        of_on = depth > 0 or token.token_type in _CLOSES or (before == "ON" and token.token_type in _OPENS)
        begun = begun or not (of_on or now in ("DISTINCT", "ALL", "ON"))
        if begun:
            yield token
        depth += token.token_type in _OPENS
        before = now
