"""The tokens of a definition that count: without comments, docstrings and layout, the same under every Python."""

from __future__ import annotations

import ast
import io
import keyword
import sys
import tokenize
from collections.abc import Iterator

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_MARKS = {tokenize.NEWLINE: "\n", tokenize.INDENT: "\t+", tokenize.DEDENT: "\t-"}
_LAYOUT_MARKS = frozenset(_MARKS.values())
_NOWHERE = ((sys.maxsize, 0), (sys.maxsize, 0))
"""A position after every text."""
BODIES = ("body", "orelse", "handlers", "finalbody", "cases")
_OPENED_BY = {")": "(", "]": "[", "}": "{"}
_OPENING = frozenset(_OPENED_BY.values())
_BRACKETS_AND_COMMA = frozenset({*_OPENED_BY, *_OPENING, ","})
_FSTRING_START = getattr(tokenize, "FSTRING_START", None)
_FSTRING_END = getattr(tokenize, "FSTRING_END", None)


def tokens_of(text: str, statement: ast.stmt, start: tuple[int, int]) -> list[str]:
    """The tokens of a statement, without docstrings and texts below constants.

    Args:
        text: of the statement.
        statement: its tree.
        start: the position of the text in the one that the tree was made of.
    """
    texts = iter(sorted(_lone_texts(text, statement, start)))
    first, last = next(texts, _NOWHERE)
    kept: list[str] = []
    dropped = False
    for place, token in _whole_strings(text):
        while last <= place:
            first, last = next(texts, _NOWHERE)
        if first <= place and token not in _LAYOUT_MARKS:
            dropped = True
        elif dropped and token == "\n":
            dropped = False
        else:
            kept.append(token)
    return _without_trailing_commas(kept)


def _lone_texts(
    text: str, statement: ast.stmt, start: tuple[int, int]
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Positions of statements that consist of a string alone."""
    spans = []
    lines: list[str] = []
    ahead: list[ast.AST] = [statement]
    for node in ahead:
        for field in BODIES:
            held = getattr(node, field, None)
            if type(held) is list:
                ahead.extend(held)
        if type(node) is ast.Expr and is_text(node):
            lines = lines or [" " * start[1] + text.split("\n")[0], *text.split("\n")[1:]]
            (first, left), (last, right) = span(node, lines, start[0] - 1)
            spans.append(((first, left - start[1] * (first == 1)), (last, right - start[1] * (last == 1))))
    return spans


def span(statement: ast.stmt, lines: list[str], above: int = 0) -> tuple[tuple[int, int], tuple[int, int]]:
    """Start and end of a statement as line and column, decorators included; `above` lines are not among the lines."""

    def character(line: int, byte: int) -> int:
        text = lines[line - 1]
        return byte if text.isascii() else len(text.encode()[:byte].decode())

    assert statement.end_lineno is not None and statement.end_col_offset is not None
    decorators = getattr(statement, "decorator_list", [])
    first, last = statement.lineno - above, statement.end_lineno - above
    start = first, character(first, statement.col_offset)
    if decorators:
        start = decorators[0].lineno - above, start[1]
    return start, (last, character(last, statement.end_col_offset))


def nodes_in(node: ast.AST, field: str) -> list[ast.AST]:
    """Content of a node's field if it is a list; the body of a lambda is none."""
    held = getattr(node, field, ())
    return list(held) if isinstance(held, list) else []


def _whole_strings(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Tokens that count, with their starts; an f-string is one token, as before Python 3.12, which splits it."""
    lines = text.split("\n")
    depth, began = 0, (0, 0)
    for kind, string, start, end, _ in tokenize.generate_tokens(io.StringIO(text).readline):
        if kind == _FSTRING_START:
            began = began if depth else start
            depth += 1
        elif kind == _FSTRING_END:
            depth -= 1
            if depth == 0:
                yield began, between(lines, began, end)
        elif depth or kind in _LAYOUT:
            continue
        elif kind in _MARKS:
            yield start, _MARKS[kind]
        elif string == ";":
            yield start, "\n"
        else:
            yield start, string


def between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return "\n".join([lines[first - 1][left:], *lines[first : last - 1], lines[last - 1][:right]])


def _without_trailing_commas(tokens: list[str]) -> list[str]:
    """Tokens without commas before a closing bracket that change nothing: `f(x,)` is `f(x)`, `(x,)` is not `(x)`."""
    kept: list[str] = []
    opened: list[tuple[str, bool, int]] = []
    for token in tokens:
        if token not in _BRACKETS_AND_COMMA:
            pass
        elif token in _OPENING:
            before = kept[-1] if kept else ""
            follows = before in {")", "]", "}"} or (
                before.isidentifier() and not keyword.iskeyword(before) and before not in keyword.softkwlist
            )
            opened.append((token, follows, 0))
        elif token == "," and opened:
            bracket, follows, commas = opened[-1]
            opened[-1] = bracket, follows, commas + 1
        elif token in _OPENED_BY and opened:
            bracket, follows, commas = opened.pop()
            needless = commas > 1 or bracket == "{" or (bracket == "(") == follows
            if kept[-1] == "," and needless:
                kept.pop()
        kept.append(token)
    while kept and kept[-1] == "\n":
        kept.pop()
    return kept


def is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
