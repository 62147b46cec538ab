"""The statement of a SQL file without what stands around it."""

from __future__ import annotations

import functools

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

BYTE_ORDER_MARK = "\ufeff"
"""What editors put before the text of a file."""


@functools.lru_cache(maxsize=1024)
def bare_statement(text: str) -> str:
    """A SQL text without byte order mark, closing semicolons and what follows them, so that it fits in parentheses."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
    except SqlglotError:  # such as a text that is not closed: whoever parses it says so
        return text
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    return text[: tokens[-1].end + 1] if tokens else ""
