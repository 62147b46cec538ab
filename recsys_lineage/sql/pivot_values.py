"""PIVOTs without a list of values: the values are derived from the result's columns.

The columns of a PIVOT without IN depend on the data. They can be seen in its result and written out: then the statement
means the same on these data, and its text determines its columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.sql.names import literal
from recsys_lineage.sql.pivots_together import values_of_several

_NO_VALUE = "\u0001"
_OPENS = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSES = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_ENDS = (
    "USING",
    "INTO",
    "GROUP",
    "ORDER",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "UNION",
    "EXCEPT",
    "INTERSECT",
)
_UNKNOWN = re.compile(r'(?:Referenced column|column named|Column) "((?:[^"]|"")+)"')
_MOST_NAMED = 1000
PIVOTS = ("PIVOT", "PIVOT_WIDER")
"""Words with which a PIVOT statement begins."""

Described = Callable[[str], Sequence[str]]
"""Function that returns DuckDB's column names of a statement over tables without rows; it raises duckdb.Error."""


@dataclass(frozen=True)
class _Pivot:
    """A PIVOT in a text.

    Attributes:
        elements: the start and end of each element after ON.
        without: the indices of those without a list of values.
        statistics: the texts after USING.
    """

    elements: tuple[tuple[int, int], ...]
    without: tuple[int, ...]
    statistics: tuple[str, ...]


def with_pivot_values(sql: str, columns: Sequence[str], described: Described) -> str:
    """The statement with the values that its PIVOT must have had; unchanged if these cannot be derived.

    Args:
        sql: one statement.
        columns: the names of its result's columns, in order.
        described: returns DuckDB's column names of such a statement.
    """
    if "PIVOT" not in sql.upper():
        return sql
    pivots = [pivot for pivot in _pivots(sql) if pivot.without]
    if len(pivots) == 1:
        return _Finder(sql, pivots[0], list(columns), described).found() or sql
    if not pivots or any(len(pivot.elements) > 1 for pivot in pivots):
        return sql

    def written(values: Sequence[Sequence[str]]) -> str:
        text = sql
        for pivot, each in reversed([*zip(pivots, values, strict=True)]):
            text = _with_values(text, pivot, [each])
        return text

    values = values_of_several(len(pivots), columns, written, described)
    return sql if values is None else written(values)


def is_named_by_data(sql: str) -> bool:
    """Whether a statement has a PIVOT without a list of values, so that values of its tables become column names."""
    return "PIVOT" in sql.upper() and any(pivot.without for pivot in _pivots(sql))


class _Finder:
    """Search for the values of one PIVOT."""

    def __init__(self, sql: str, pivot: _Pivot, columns: list[str], described: Described) -> None:
        self._sql, self._pivot, self._columns, self._described = sql, pivot, columns, described

    def found(self) -> str | None:
        """The statement with values that give the columns of the result."""
        used: list[str] = []
        for _ in range(_MOST_NAMED):
            names = [self._value(name) for name in used] or [_NO_VALUE]
            try:
                before = list(self._described(self._written([names, *[[_NO_VALUE]] * (self._width - 1)])))
            except duckdb.Error as error:
                unknown = _UNKNOWN.search(str(error))
                if self._width > 1 or unknown is None or unknown[1] in used:
                    return None
                used.append(unknown[1].replace('""', '"'))
                continue
            return self._checked(used, [name for name in before if _NO_VALUE not in name])
        return None

    @property
    def _width(self) -> int:
        return len(self._pivot.elements)

    def _checked(self, used: list[str], others: list[str]) -> str | None:
        folded = {name.casefold() for name in (*others, *used)}
        made = [*used, *(name for name in self._columns if name.casefold() not in folded)]
        places = {name: place for place, name in enumerate(self._columns)}
        made.sort(key=lambda name: places.get(name, -1))
        for suffix in self._suffixes():
            values = [name.removesuffix(suffix) for name in made if name.endswith(suffix)]
            for each in _product(list(dict.fromkeys(values)), self._width):
                text = self._written(each)
                try:
                    if [*self._described(text)] == self._columns:
                        return text
                except duckdb.Error:
                    continue
        return None

    def _value(self, name: str) -> str:
        """The value in a column name of the statement: without the alias of its statistic."""
        for each in self._pivot.statistics:
            suffix = f"_{_last_word(each)}"
            if name.endswith(suffix):
                return name.removesuffix(suffix)
        return name

    def _suffixes(self) -> Iterator[str]:
        """Suffixes that the first statistic may add to a value's name: its alias or its text, if there are several."""
        statistics = self._pivot.statistics
        if len(statistics) <= 1:
            yield ""
        yield from (f"_{_last_word(each)}" for each in statistics[:1])
        if len(statistics) > 1:
            shown = [*self._described(self._written([[_NO_VALUE]] * self._width))]
            yield from (name.rpartition(_NO_VALUE)[2] for name in shown if _NO_VALUE in name)

    def _written(self, values: Sequence[Sequence[str]]) -> str:
        return _with_values(self._sql, self._pivot, values)


def _with_values(sql: str, pivot: _Pivot, values: Sequence[Sequence[str]]) -> str:
    """A text in which each element of a PIVOT without values gets some."""
    for place in reversed(pivot.without):
        start, end = pivot.elements[place]
        listed = ", ".join(literal(value) for value in values[place])
        element = sql[start:end]
        shown = element if re.fullmatch(r'(?:\w|\.|"[^"]*")+', element) else f"({element})"
        sql = f"{sql[:start]}{shown} IN ({listed}){sql[end:]}"
    return sql


def _last_word(text: str) -> str:
    return sqlglot.tokenize(text, read="duckdb")[-1].text


def _product(names: list[str], width: int) -> Iterator[list[list[str]]]:
    """Lists of values whose combinations, joined by `_`, are some names."""
    if width == 1:
        yield [names]
        return
    if not names:
        return
    first = names[0]
    for place in (at for at, letter in enumerate(first) if letter == "_"):
        behind = [name[place + 1 :] for name in names if name.startswith(first[: place + 1])]
        ends = [f"_{end}" for end in behind]
        heads = list(dict.fromkeys(name.removesuffix(ends[0]) for name in names if name.endswith(ends[0])))
        if [f"{head}{end}" for head in heads for end in ends] == names:
            for rest in _product(behind, width - 1):
                yield [heads, *rest]


def _pivots(sql: str) -> Iterator[_Pivot]:
    """The PIVOT statements of a text, which have ON and not FOR."""
    try:
        tokens = sqlglot.tokenize(sql, read="duckdb")
    except SqlglotError:
        return
    for place, token in enumerate(tokens):
        if word(token) in PIVOTS and (pivot := _pivot(tokens[place + 1 :], sql)):
            yield pivot


def _pivot(tokens: Sequence[Token], sql: str) -> _Pivot | None:
    listed = elements_of(tokens)
    if not listed:
        return None
    elements = separated(listed)
    statistics = statistics_of(tokens)
    spans = tuple((each[0].start, each[-1].end + 1) for each in elements)
    without = tuple(n for n, each in enumerate(elements) if not _names_values(each))
    return _Pivot(spans, without, tuple(sql[each[0].start : each[-1].end + 1] for each in statistics))


def elements_of(tokens: Sequence[Token]) -> Sequence[Token]:
    """The elements after ON of a PIVOT or UNPIVOT statement.

    Args:
        tokens: those after the word PIVOT or UNPIVOT.
    """
    _, rest = _until(tokens, ("ON", *_ENDS))
    return _until(rest[1:], _ENDS)[0] if rest and word(rest[0]) == "ON" else ()


def statistics_of(tokens: Sequence[Token]) -> list[list[Token]]:
    """The statistics of a PIVOT: those after USING of a statement, or those before FOR in the parentheses of a table's.

    Args:
        tokens: those after the word PIVOT.
    """
    if tokens and tokens[0].token_type in _OPENS:
        before, after = _until(tokens[1:], ("FOR",))
        if after and word(after[0]) == "FOR":
            return separated(before)
    if not (listed := elements_of(tokens)):
        return []
    _, rest = _until(tokens[tokens.index(listed[-1]) + 1 :], _ENDS)
    return separated(_until(rest[1:], _ENDS)[0]) if rest and word(rest[0]) == "USING" else []


def lists_of_table(tokens: Sequence[Token]) -> Iterator[list[list[Token]]]:
    """The entries of each IN in the parentheses of a PIVOT or UNPIVOT behind a table.

    Args:
        tokens: those after the word PIVOT or UNPIVOT.
    """
    while tokens and word(tokens[0]) in ("INCLUDE", "EXCLUDE", "NULLS"):
        tokens = tokens[1:]
    if not tokens or tokens[0].token_type is not TokenType.L_PAREN:
        return
    _, rest = _until(tokens[1:], ("FOR",))
    while rest and word(rest[0]) in ("FOR", "IN"):
        if word(rest[0]) == "IN" and len(rest) > 1 and rest[1].token_type is TokenType.L_PAREN:
            yield separated(_until(rest[2:], ())[0])
        _, rest = _until(rest[1:], ("IN",))


def word(token: Token) -> str:
    """The keyword of a token in upper case; empty for a quoted name and for a text."""
    return "" if token.token_type in (TokenType.IDENTIFIER, TokenType.STRING) else token.text.upper()


def _names_values(element: Sequence[Token]) -> bool:
    return any(word(token) == "IN" for token in _outer(element))


def _outer(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tokens outside of parentheses."""
    depth = 0
    for token in tokens:
        depth -= token.token_type in _CLOSES
        if depth == 0:
            yield token
        depth += token.token_type in _OPENS


def _until(tokens: Sequence[Token], words: Sequence[str]) -> tuple[Sequence[Token], Sequence[Token]]:
    """Tokens before one of some words, or before the end of the surrounding parentheses, and the rest."""
    depth = 0
    for place, token in enumerate(tokens):
        if token.token_type in _CLOSES:
            depth -= 1
        if depth < 0 or (depth == 0 and word(token) in words):
            return tokens[:place], tokens[place:]
        depth += token.token_type in _OPENS
    return tokens, ()


def separated(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts of some tokens between commas outside of parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth -= token.token_type in _CLOSES
        if depth == 0 and token.token_type is TokenType.COMMA:
            parts.append([])
        else:
            parts[-1].append(token)
        depth += token.token_type in _OPENS
    return [part for part in parts if part]
