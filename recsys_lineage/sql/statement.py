"""The statement of a SQL file without surrounding comments."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import duckdb
import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

BYTE_ORDER_MARK = "\ufeff"
"""Character that some editors put at the start of a file."""
_TAKES_BACKTICKS = not duckdb.__version__.startswith("1.")


@functools.lru_cache(maxsize=1024)
def bare_statement(text: str) -> str:
    """A SQL text without byte order mark, trailing semicolons and what follows them, so that it fits in parentheses.

    Names in backticks, which DuckDB 2 accepts and sqlglot does not, get double quotes.
    """
    text = text.removeprefix(BYTE_ORDER_MARK)
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
    except SqlglotError:  # such as an unclosed text: the parser will report it
        return text
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if _TAKES_BACKTICKS and "`" in text:
        text = _in_double_quotes(text, tokens)
    return text[: tokens[-1].end + 1] if tokens else ""


def comment_and_statement(text: str) -> tuple[str, str]:
    """The leading `--` comment of a SQL text, with blank lines in it, and what follows."""
    lines = text.removeprefix(BYTE_ORDER_MARK).splitlines(keepends=True)
    is_comment = (not line.strip() or line.lstrip().startswith("--") for line in lines)
    end = next((place for place, comment in enumerate(is_comment) if not comment), len(lines))
    return "".join(lines[:end]), "".join(lines[end:])


def leading_comment(text: str) -> list[str]:
    """Lines of the leading `--` comment of a SQL text, without the dashes."""
    lines = (line.strip() for line in comment_and_statement(text)[0].splitlines())
    return [line[2:].strip() for line in lines if line]


def _in_double_quotes(text: str, tokens: Sequence[Token]) -> str:
    """A text with backticks around names replaced by double quotes, at the same positions."""
    ticks = [token.start for token in tokens if token.text == "`" and token.token_type is TokenType.UNKNOWN]
    quoted = list(text)
    for start, end in zip(ticks[::2], ticks[1::2], strict=False):
        if end == start + 1 or '"' in text[start:end]:  # what is doubled or escaped would move what follows
            return text
        quoted[start] = quoted[end] = '"'
    return "".join(quoted)
