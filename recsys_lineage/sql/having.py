"""A HAVING added to a SELECT's text, so that only groups that satisfy one more condition are kept."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.errors import LineageError
from recsys_lineage.sql.statement import bare_statement

_OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_AFTER_GROUPS = ("WINDOW", "QUALIFY", "USING SAMPLE", "ORDER BY", "LIMIT", "OFFSET")
_CUTTING = _AFTER_GROUPS[1:]
"""Clauses after the groups that select among them."""
_SET_OPERATIONS = ("UNION", "INTERSECT", "EXCEPT")


def with_having(text: str, condition: str, origin: str, *, whole: bool = True) -> str:
    """A statement whose outermost SELECT keeps only groups that satisfy an additional condition.

    Args:
        text: one SELECT.
        condition: the SQL of the condition.
        origin: the statement's file or asset, for messages.
        whole: whether to keep the clauses that select among the groups afterwards: QUALIFY, ORDER BY, LIMIT and
            samples.

    Raises:
        LineageError: the outermost query of the statement is not one SELECT with groups.
    """
    bare = bare_statement(text)
    clauses = _clauses(bare)
    names = [name for name, _, _ in clauses]
    if names.count("SELECT") > 1 or any(name in _SET_OPERATIONS for name in names):
        raise LineageError(
            "The groups of the statement cannot be counted.",
            expected="a statement whose outermost query is one SELECT with GROUP BY or aggregates",
            found="a set operation, or SELECT twice",
            where=origin,
            advice="aggregate outside of it",
        )
    cut = len(bare) if whole else next((start for name, start, _ in clauses if name in _CUTTING), len(bare))
    after = next((start for name, start, _ in clauses if name in _AFTER_GROUPS), cut)
    having = next((end for name, _, end in clauses if name == "HAVING"), None)
    if having is not None:
        own = bare[having:after].strip()
        return f"{bare[:having]} (\n{own}\n) AND ({condition})\n{bare[after:cut]}"
    return f"{bare[:after]}\nHAVING {condition}\n{bare[after:cut]}"


def _clauses(text: str) -> list[tuple[str, int, int]]:
    """The words that begin clauses and queries outside of all parentheses: each in upper case, with its start and
    end."""
    tokens = sqlglot.tokenize(text, read="duckdb")
    found: list[tuple[str, int, int]] = []
    depth = 0
    for place, token in enumerate(tokens):
        if token.token_type in _OPENING:
            depth += 1
        elif token.token_type in _CLOSING:
            depth -= 1
        elif depth == 0 and (name := _clause(tokens, place)) is not None:
            end = tokens[place + 1].end if " " in name and " " not in token.text else token.end
            found.append((name, token.start, end + 1))
    return found


def _clause(tokens: Sequence[Token], place: int) -> str | None:
    token = tokens[place]
    if token.token_type in (TokenType.IDENTIFIER, TokenType.STRING):
        return None
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    word = " ".join(token.text.upper().split())
    if word in ("ORDER", "USING") and following is not None:
        word = f"{word} {following.text.upper()}"
    if word == "EXCEPT" and following is not None and following.token_type == TokenType.L_PAREN:
        before = tokens[place - 1] if place else None
        if before is not None and before.text == "*":
            return None
    is_clause = word in ("SELECT", "HAVING", *_AFTER_GROUPS, *_SET_OPERATIONS)
    return word if is_clause and (place == 0 or tokens[place - 1].text.upper() not in ("AS", ".")) else None
