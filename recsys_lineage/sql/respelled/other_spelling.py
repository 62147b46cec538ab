"""Alternative spellings of DuckDB's SQL that sqlglot does not parse, rewritten with the same meaning."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.sql.pivot_aliases import changed_aliases
from recsys_lineage.sql.pivot_values import word
from recsys_lineage.sql.respelled.pivot_text import statements, with_pivots

_ENDS_OF_VALUES = (
    TokenType.R_PAREN,
    TokenType.R_BRACKET,
    TokenType.NUMBER,
    TokenType.VAR,
    TokenType.IDENTIFIER,
)
_FROM = [TokenType.FROM, TokenType.L_PAREN]
_PIVOTS = {"PIVOT_LONGER": "UNPIVOT", "PIVOT_WIDER": "PIVOT"}
_OPEN_SLICE = ":-:"
"""Replacement for `::` before the step of a slice without an end."""
_FACTORIAL = "::HUGEINT"
"""Replacement for `!` after a value: another expression of it, with the type of a factorial."""


def spelled_otherwise(text: str) -> list[exp.Expr]:
    """The statements of a text with `x!`, `x[::-1]`, `apply(…)`, `FROM (VALUES …) JOIN … SELECT`, PIVOT_LONGER,
    aliases and statistics in PIVOT and UNPIVOT, or `USING KEY (k, min(x))`, if rewriting makes it parse.

    Each part keeps its position in the text.
    """
    tokens = sqlglot.tokenize(text, read="duckdb")
    changes = sorted([*_changes(tokens), *changed_aliases(tokens)])
    other = text
    for start, end, words in reversed(changes):
        other = other[:start] + words + other[end:]
    found = (statements(other) or with_pivots(other)) if changes else []
    for node in (node for tree in found for node in tree.walk()):
        for end in ("start", "end"):
            if end in node.meta:
                node.meta[end] = _before(changes, node.meta[end])
    return found


def _changes(tokens: Sequence[Token]) -> list[tuple[int, int, str]]:
    """Replacements in the text: start, end, and new spelling."""
    found: list[tuple[int, int, str]] = []
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if token.text == "!" and before is not None and before.token_type in _ENDS_OF_VALUES:
            found.append((token.start, token.end + 1, _FACTORIAL))
        elif token.token_type is TokenType.DCOLON and after and after.token_type is TokenType.DASH:
            found.append((token.start, token.end + 1, _OPEN_SLICE))
        elif token.token_type is TokenType.APPLY and after and after.token_type is TokenType.L_PAREN:
            found.append((token.start, token.end + 1, f'"{token.text}"'))
        elif word(token) in _PIVOTS:
            found.append((token.start, token.end + 1, _PIVOTS[word(token)].ljust(len(token.text))))
        elif (
            token.token_type is TokenType.VALUES
            and [each.token_type for each in tokens[place - 2 : place]] == _FROM
        ):
            found += [(token.start, token.start, "FROM ("), (end := _closing(tokens[place:]), end, ")")]
        elif token.token_type is TokenType.USING and after and after.text.upper() == "KEY":
            found += [(start, end, " " * (end - start)) for start, end in _aggregates(tokens[place + 2 :])]
    return found


def _closing(tokens: Sequence[Token]) -> int:
    """Position of the parenthesis that closes the one before these tokens."""
    depth = 1
    for token in tokens:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0:
            return token.start
    return tokens[-1].end + 1


def _aggregates(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Positions of aggregates in the first parentheses, each with the comma before it.

    They decide which of a key's rows stays; without them the order of the steps decides.
    """
    found: list[tuple[int, int]] = []
    depth, comma = 0, 0
    begun: int | None = None
    for token in tokens:
        if token.token_type is TokenType.L_PAREN:
            depth += 1
            begun = comma if depth == 2 else begun
        elif token.token_type is TokenType.R_PAREN:
            depth -= 1
        if depth == 0 or (depth == 1 and token.token_type is TokenType.COMMA):
            if begun is not None:
                found.append((begun, token.start))
            begun, comma = None, token.start
        if depth == 0:
            break
    return found


def _before(changes: Sequence[tuple[int, int, str]], place: int) -> int:
    """Position in the original text of a position in the changed text."""
    shift = 0
    for start, end, words in changes:
        there = start + shift
        if place < there:
            break
        if place < there + len(words):  # inside of the other words: a quoted name
            return max(min(start + max(place - there - 1, 0), end - 1), start)
        shift += len(words) - (end - start)
    return place - shift
