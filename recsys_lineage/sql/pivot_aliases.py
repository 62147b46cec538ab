"""Aliases and statistics in PIVOT and UNPIVOT that sqlglot does not parse, as changes to the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.sql.names import literal, quote
from recsys_lineage.sql.pivot_values import (
    PIVOTS,
    elements_of,
    lists_of_table,
    separated,
    statistics_of,
    word,
)

Change = tuple[int, int, str]
"""The start and the end of a part of a text, and what takes its place."""
_UNPIVOTS = ("UNPIVOT", "PIVOT_LONGER")
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_ENDS_OF_VALUES = frozenset(
    {
        *_NAMES, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.STRING, TokenType.NUMBER,
        TokenType.NULL, TokenType.TRUE, TokenType.FALSE, TokenType.END,
    }
)  # fmt: skip
_BEFORE_NAMES = ("EXCLUDE", "COLLATE", "REPLACE", "RENAME")


def changed_aliases(tokens: Sequence[Token]) -> Iterator[Change]:
    """The changes of a text after which sqlglot parses its aliases in PIVOT and UNPIVOT.

    The alias of a value in IN, which names a column, takes the value's place: no edge depends on the value. The alias
    of an entry of UNPIVOT, which is only a text in the result, is left out. An alias before a statistic, as in
    `USING total: sum(x)`, goes behind it. A statistic that is more than a call, as `sum(x) / 2`, is put into one.

    Args:
        tokens: those of the text.
    """
    for place, token in enumerate(tokens):
        rest = tokens[place + 1 :]
        if word(token) in PIVOTS:
            for values in (*_lists_of(separated(elements_of(rest))), *lists_of_table(rest)):
                yield from _of_values(values)
            yield from _of_statistics(statistics_of(rest))
        elif word(token) in _UNPIVOTS:
            for elements in (separated(elements_of(rest)), *lists_of_table(rest)):
                for element in elements:
                    if (alias := _alias(element)) is not None:
                        yield from (_blank(each) for each in element[alias])


def _lists_of(elements: Sequence[Sequence[Token]]) -> Iterator[list[list[Token]]]:
    """The values of the IN at the end of each element of a PIVOT statement."""
    for element in elements:
        listed = [n for n, each in enumerate(element) if word(each) == "IN"][-1:]
        if listed:
            yield separated(element[listed[0] + 2 : -1])


def _of_values(values: Sequence[Sequence[Token]]) -> Iterator[Change]:
    for value in values:
        if (alias := _alias(value)) is not None:
            name = next(each for each in value[alias] if each.token_type is not TokenType.ALIAS)
            yield value[0].start, value[-1].end + 1, literal(name.text)


def _of_statistics(statistics: Sequence[Sequence[Token]]) -> Iterator[Change]:
    for statistic in statistics:
        alias = _alias(statistic)
        is_before = alias is not None and alias.start is None
        body = statistic[2:] if is_before else statistic[: None if alias is None else alias.start]
        end = body[-1].end + 1
        behind = ""
        if not _is_call(body):
            yield body[0].start, body[0].start, "coalesce("
            behind = ")"
        if is_before:
            yield from (_blank(each) for each in statistic[:2])
            behind += f" AS {quote(statistic[0].text)}"
        if behind:
            yield end, end, behind


def _is_call(body: Sequence[Token]) -> bool:
    """Whether an expression is a call of a function, maybe with a FILTER behind it."""
    depth, ends = 0, [0]
    for place, token in enumerate(body):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0 and token.token_type is TokenType.R_PAREN:
            ends.append(place + 1)
    return (
        len(ends) > 1
        and body[1].token_type is TokenType.L_PAREN
        and (ends[1] == len(body) or word(body[ends[1]]) == "FILTER")
    )


def _alias(part: Sequence[Token]) -> slice | None:
    """Position of an alias among the tokens of an expression: `x: a`, `a AS x` or `a x`; None without one."""
    if len(part) > 2 and part[1].token_type is TokenType.COLON:
        return slice(None, 2)
    if len(part) > 2 and part[-2].token_type is TokenType.ALIAS:
        return slice(len(part) - 2, None)
    if len(part) < 2 or part[-1].token_type not in _NAMES or word(part[-2]) in _BEFORE_NAMES:
        return None
    is_type = len(part) > 3 and part[-3].token_type is TokenType.DCOLON
    return slice(len(part) - 1, None) if is_type or part[-2].token_type in _ENDS_OF_VALUES else None


def _blank(token: Token) -> Change:
    return token.start, token.end + 1, " " * (token.end + 1 - token.start)
