"""PIVOT and UNPIVOT statements that end with ORDER BY or LIMIT, which sqlglot does not parse."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

_PIVOTS = (TokenType.PIVOT, TokenType.UNPIVOT)
_ENDS = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
_OPENS = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSES = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_BEFORE = "SELECT * FROM t"


def statements(text: str) -> list[exp.Expr]:
    """The statements of a text; none where sqlglot does not parse it."""
    try:
        return [each for each in sqlglot.parse(text, dialect="duckdb") if each is not None]
    except (SqlglotError, RecursionError):
        return []


def sorted_pivot(text: str) -> list[exp.Expr]:
    """A text that is one PIVOT with ORDER BY or LIMIT behind it, as if the PIVOT stood in parentheses; none otherwise.

    Both parts keep their places in the text.
    """
    end = _end_of_pivot(text)
    if end is None or end < len(_BEFORE):
        return []
    pivot, rest = statements(text[:end]), statements(f"{_BEFORE.ljust(end)}{text[end:]}")
    if len(pivot) != 1 or len(rest) != 1 or not isinstance(pivot[0], exp.Pivot):
        return []
    ends = {name: rest[0].args.get(name) for name in ("order", "limit", "offset")}
    return [exp.Subquery(this=pivot[0], **ends)]


def _end_of_pivot(text: str) -> int | None:
    """Where a PIVOT outside of parentheses is followed by what ends a query."""
    depth, inside = 0, False
    for token in sqlglot.tokenize(text, read="duckdb"):
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        if depth == 0:
            inside = inside or token.token_type in _PIVOTS
            if inside and token.token_type in _ENDS:
                return token.start
    return None
