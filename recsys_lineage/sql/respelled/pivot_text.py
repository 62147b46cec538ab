"""PIVOT and UNPIVOT as queries where sqlglot does not parse them: in parentheses, or followed by ORDER BY or LIMIT."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.sql.json_arrows import parsed_statements

_PIVOTS = (TokenType.PIVOT, TokenType.UNPIVOT)
_ENDS = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
_OPENS = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSES = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_STAND_IN = "SELECT * FROM t"


def statements(text: str) -> list[exp.Expr]:
    """The statements of a text; none if sqlglot cannot parse it."""
    try:
        return parsed_statements(text)
    except (SqlglotError, RecursionError):
        return []


def with_pivots(text: str) -> list[exp.Expr]:
    """The statements of a text with PIVOTs parsed separately; none where that does not help.

    Each part keeps its position in the text.
    """
    spans = _spans(sqlglot.tokenize(text, read="duckdb"))
    masked = text
    for start, end in spans:
        masked = masked[:start] + _STAND_IN.ljust(end - start) + masked[end:]
    found = statements(masked) if spans and len(masked) == len(text) else []
    for start, end in spans if found else ():
        pivots = statements(" " * start + text[start:end])
        if len(pivots) != 1 or not isinstance(pivots[0], exp.Pivot):
            return []
        found = [_replaced(each, start + len(_STAND_IN) - 1, pivots[0]) for each in found]
    return found


def _replaced(tree: exp.Expr, place: int, pivot: exp.Expr) -> exp.Expr:
    """A tree with a PIVOT in place of its stand-in, a SELECT from a table at a position of the text."""
    for table in tree.find_all(exp.Table):
        if table.this.meta.get("start") == place:
            select = table.find_ancestor(exp.Select)
            assert select is not None
            around = {name: select.args.get(name) for name in ("with_", "order", "limit", "offset")}
            query = exp.Subquery(this=pivot, **around)
            if select is tree:
                return query
            _ = select.replace(query)
    return tree


def _spans(tokens: list[Token]) -> list[tuple[int, int]]:
    """Start and end of each PIVOT query in the text: at the start of a query, or after its WITH."""
    spans: list[tuple[int, int]] = []
    levels: list[TokenType | None] = [None]
    begun: tuple[int, int] | None = None
    before: Token | None = None
    for token in tokens:
        kind = token.token_type
        if begun is not None:
            depth, start = begun
            ends = len(levels) == depth and (kind in _ENDS or kind in _CLOSES)
            if ends and before is not None:
                spans.append((start, before.end + 1))
                begun = None
        elif kind in _PIVOTS:
            first = before is None or before.token_type is TokenType.L_PAREN
            if first or (levels[-1] is TokenType.WITH and before and before.token_type is TokenType.R_PAREN):
                begun = (len(levels), token.start)
        if levels[-1] is None:
            levels[-1] = kind
        if kind in _OPENS:
            levels.append(None)
        elif kind in _CLOSES and len(levels) > 1:
            _ = levels.pop()
        before = token
    if begun is not None and before is not None:
        spans.append((begun[1], before.end + 1))
    return spans
