"""Positions of faults: where in its author's text DuckDB finds a fault of a SQL statement."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.sql.file_call import FileCall, place
from recsys_lineage.sql.statement import bare_statement

_SHOWN = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_MORE = "..."
_CANDIDATES = "\n\tCandidate functions:"
_QUOTED = re.compile(r"\"([^\"]+)\"|'([^']+)'|\bname (\w+)")
_OPENS = (TokenType.L_PAREN, TokenType.COMMA)
_CLOSES = (TokenType.R_PAREN, TokenType.COMMA)


@dataclass(frozen=True)
class PiecedSql:
    """A statement with one word per line, so that the line in DuckDB's error identifies the place.

    Attributes:
        text: the author's text.
        sql: the statement to run, in pieces.
        starts: for each line of `sql`, its position in the text, and whether it is there literally.
    """

    text: str
    sql: str
    starts: tuple[tuple[int, bool], ...]

    @classmethod
    def of(cls, text: str, relations: Mapping[FileCall, str] | None = None) -> PiecedSql:
        """The statement of a text.

        Args:
            text: one statement, as its author wrote it.
            relations: the replacements of its calls.
        """
        bare = bare_statement(text)
        calls = {call.start: call for call in relations or ()}
        pieces: list[tuple[int, str, bool]] = []
        before: Token | None = None
        end = 0
        for token in sqlglot.tokenize(bare, read="duckdb"):
            if token.start < end:
                continue
            if (call := calls.get(token.start)) is not None and relations is not None:
                pieces.append((call.start, relations[call], False))
                before, end = None, call.end
                continue
            word = text[token.start : token.end + 1]
            glued = before is not None and before.end + 1 == token.start
            apart = before is None or before.token_type in _OPENS or token.token_type in _CLOSES
            if glued and not apart:
                start, piece, exact = pieces[-1]
                pieces[-1] = (start, piece + word, exact)
            else:
                pieces.append((token.start, word, True))
            before = token
        starts: list[tuple[int, bool]] = []
        for start, piece, exact in pieces:
            for line in piece.split("\n"):
                starts.append((start, exact))
                start += len(line) + 1 if exact else 0
        return cls(text, "\n".join(piece for _, piece, _ in pieces), tuple(starts))

    def offset(self, error: BaseException, lines_before: int = 0) -> int | None:
        """The position in the text to which an error of DuckDB about this statement points; None if there is none.

        Args:
            error: the error.
            lines_before: the number of lines before the statement in the text that ran.
        """
        if (pointed := pointed_at(str(error), self.sql, lines_before)) is not None:
            line, column = pointed
            if 0 <= line < len(self.starts):
                start, exact = self.starts[line]
                return start + column if exact else start
        return self._quoted(str(error))

    def _quoted(self, words: str) -> int | None:
        """The only position of the first name that an error quotes."""
        tokens = sqlglot.tokenize(bare_statement(self.text), read="duckdb")
        for match in _QUOTED.finditer(words):
            name = next(group for group in match.groups() if group)
            found = [token.start for token in tokens if token.text.casefold() == name.casefold()]
            if len(found) == 1:
                return found[0]
        return None


def pointed_at(words: str, sql: str, lines_before: int = 0) -> tuple[int, int] | None:
    """Line and column, both from 0, of the position in a statement that an error of DuckDB shows by `LINE n: …` and
    `^`.

    Args:
        words: the error's text.
        sql: the statement.
        lines_before: the number of lines before it in the text that ran.
    """
    shown = list(_SHOWN.finditer(words))
    if not shown:
        return None
    number, excerpt, caret = shown[-1].groups()
    line = int(number) - 1 - lines_before
    lines = sql.split("\n")
    if not 0 <= line < len(lines):
        return None
    width = len(caret) - len(f"LINE {number}: ")
    column = 0
    while column < len(excerpt) and width > 0:
        width -= _width(excerpt[column])
        column += 1
    full_line = lines[line]
    if excerpt.startswith(_MORE) and not full_line.startswith(_MORE):
        core = excerpt.removeprefix(_MORE).removesuffix(_MORE)
        column += full_line.find(core) - len(_MORE)
    return line, max(column, 0)


def plain(error: BaseException) -> str:
    """DuckDB's message without the statement that it shows and the list of candidate functions."""
    words = str(error).split("\n\nLINE ")[0].split(_CANDIDATES)[0]
    if re.search(r"^\s*\^\s*$", words, re.MULTILINE):  # what follows repeats the value, with a mark below it
        words = words.splitlines()[0]
    kind, colon, rest = words.partition(" Error: ")
    return " ".join((rest if colon and "\n" not in kind else words).split())


def line_of(text: str, start: int) -> str:
    """The line of a text that contains a character, without surrounding blanks."""
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    return text[begin : len(text) if end < 0 else end].strip()


def start_of(node: exp.Expr) -> int | None:
    """The position in the text where an expression starts, as far as its names show it."""
    starts = [each.meta["start"] for each in node.walk() if "start" in each.meta]
    return min(starts, default=None)


def place_in(text: str, start: int | None, origin: str) -> str:
    """`origin:line:column` of a character of a text; only the origin if the character is unknown."""
    return origin if start is None else place(text, start, origin)


def _width(character: str) -> int:
    """Number of screen columns that DuckDB counts for a character."""
    if unicodedata.category(character) in ("Mn", "Me", "Cc", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
