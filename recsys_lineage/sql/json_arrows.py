"""Statements of a SQL text as syntax trees, with JSON arrows told apart from lambdas, and whole comprehensions."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.sql.comprehensions import with_whole_elements

_OPENS = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSES = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_WITH_LAMBDA = frozenset(
    {
        "apply", "array_apply", "array_filter", "array_reduce", "array_transform", "filter", "list_apply",
        "list_filter", "list_reduce", "list_transform", "reduce",
    }
)  # fmt: skip
"""Functions with a lambda, which DuckDB 1 also takes as `x -> x + 1`."""


def parsed_statements(text: str) -> list[exp.Expr]:
    """Syntax trees of the statements of a text in DuckDB's dialect.

    sqlglot reads `f(body -> 'key')` as a lambda with the parameter `body`, but `f((body -> 'key'))` as DuckDB does,
    so such arrows are parsed in parentheses.

    Raises:
        SqlglotError: the text cannot be parsed.
        RecursionError: it is nested too deeply.
    """
    dialect = sqlglot.Dialect.get_or_raise("duckdb")
    tokens = dialect.tokenize(text)
    if any(token.token_type is TokenType.ARROW for token in tokens):
        tokens = _with_parentheses(tokens)
    parsed = [each for each in dialect.parser().parse(tokens, text) if each is not None]
    if any(token.token_type is TokenType.FOR for token in tokens):
        parsed = [with_whole_elements(each) for each in parsed]
    return parsed


def _with_parentheses(tokens: Sequence[Token]) -> list[Token]:
    """Tokens with parentheses around each JSON arrow with which an argument begins."""
    opened: dict[int, int] = {}
    closed: dict[int, int] = {}
    calls: list[tuple[int, int]] = []
    """Index of each bracket around a token, with the number of commas since."""
    for place, token in enumerate(tokens):
        if token.token_type in _OPENS:
            calls.append((place, 0))
        elif token.token_type in _CLOSES and calls:
            _ = calls.pop()
        elif token.token_type is TokenType.COMMA and calls:
            calls[-1] = (calls[-1][0], calls[-1][1] + 1)
        elif token.token_type is TokenType.ARROW and calls:
            begin = _begin(tokens, place)
            if begin is not None and not _is_lambda(tokens, *calls[-1]):
                opened[begin] = opened.get(begin, 0) + 1
                closed[_end(tokens, place + 1)] = 1
    found: list[Token] = []
    for place, token in enumerate(tokens):
        found += [_like(token, TokenType.L_PAREN, "(")] * opened.get(place, 0)
        found.append(token)
        found += [_like(token, TokenType.R_PAREN, ")")] * closed.get(place, 0)
    return found


def _begin(tokens: Sequence[Token], arrow: int) -> int | None:
    """Index of the first token before an arrow if only a name is there, with or without parentheses."""
    begin = arrow - 1
    if tokens[begin].token_type is TokenType.R_PAREN and begin >= 2:
        begin -= 2
        if tokens[begin].token_type is not TokenType.L_PAREN or tokens[begin + 1].token_type not in _NAMES:
            return None
    elif tokens[begin].token_type not in _NAMES:
        return None
    before = tokens[begin - 1].token_type if begin else None
    return begin if before is TokenType.COMMA or before in _OPENS else None


def _end(tokens: Sequence[Token], place: int) -> int:
    """Index of the last token of the key after an arrow: a literal, a parameter, a name, a call or parentheses."""
    while place + 1 < len(tokens) and tokens[place].token_type in (TokenType.DASH, TokenType.PARAMETER):
        place += 1
    while place + 2 < len(tokens) and tokens[place + 1].token_type is TokenType.DOT:
        place += 2
    if (
        place + 1 < len(tokens)
        and tokens[place + 1].token_type in _OPENS
        and tokens[place].token_type in _NAMES
    ):
        place += 1
    depth = 0
    for end in range(place, len(tokens)):
        depth += (tokens[end].token_type in _OPENS) - (tokens[end].token_type in _CLOSES)
        if depth == 0:
            return end
    return len(tokens) - 1


def _is_lambda(tokens: Sequence[Token], bracket: int, argument: int) -> bool:
    """Whether an arrow at the beginning of an argument makes it a lambda."""
    if not bracket or tokens[bracket].token_type is not TokenType.L_PAREN:
        return False
    called_on_value = bracket > 1 and tokens[bracket - 2].token_type is TokenType.DOT
    return tokens[bracket - 1].text.lower() in _WITH_LAMBDA and (argument > 0 or called_on_value)


def _like(token: Token, kind: TokenType, text: str) -> Token:
    """A token at the position of another one."""
    return Token(kind, text, token.line, token.col, token.start, token.start)
