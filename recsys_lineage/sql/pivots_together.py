"""Several PIVOTs without lists of values in one statement.

The values of each are adjacent columns of the result. The columns of one PIVOT can be delimited by the columns in
between, such as the keys of their groups, or by the suffixes of statistics; otherwise there is no result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import duckdb

Written = Callable[[Sequence[Sequence[str]]], str]
"""Function that returns the statement with given values for each PIVOT."""
_MARK = re.compile("\u0001(\\d+)\u0002(.*)")


def values_of_several(
    count: int, columns: Sequence[str], written: Written, described: Callable[[str], Sequence[str]]
) -> list[list[str]] | None:
    """The values of each PIVOT, in order; None if they are ambiguous.

    Args:
        count: the number of PIVOTs.
        columns: the names of the result's columns, in order.
        written: returns the statement with values.
        described: returns the names of a statement's columns; it raises duckdb.Error.
    """
    try:
        shown = described(written([[f"\u0001{number}\u0002"] for number in range(count)]))
    except duckdb.Error:
        return None
    marked = [_MARK.fullmatch(name) for name in shown]
    owners = [int(mark[1]) if mark else -1 - place for place, mark in enumerate(marked)]
    parts = [
        (owner, [place for place, _ in each]) for owner, each in groupby(enumerate(owners), lambda o: o[1])
    ]
    of_pivots = [owner for owner, _ in parts if owner >= 0]
    if sorted(of_pivots) != list(range(count)):
        return None
    suffixes = {owner: [mark[2] for place in places if (mark := marked[place])] for owner, places in parts}
    wanted = [(owner, shown[places[0]]) for owner, places in parts]
    ways = []
    for way in _layouts(wanted, columns, suffixes):
        ways.append(way)
        if len(ways) > 1:
            return None
    if not ways:
        return None
    found = [ways[0][number] for number in range(count)]
    try:
        return found if [*described(written(found))] == [*columns] else None
    except duckdb.Error:
        return None


def _layouts(
    wanted: Sequence[tuple[int, str]], columns: Sequence[str], suffixes: dict[int, list[str]]
) -> Iterator[dict[int, list[str]]]:
    """The possible assignments of a statement's columns to those of its result."""
    if not wanted:
        if not columns:
            yield {}
        return
    (owner, name), *rest = wanted
    if owner < 0:
        if columns and columns[0] == name:
            yield from _layouts(rest, columns[1:], suffixes)
        return
    ends = suffixes[owner]
    values: list[str] = []
    for start in range(0, len(columns) - len(ends) + 1, len(ends)):
        value = columns[start].removesuffix(ends[0])
        if [f"{value}{end}" for end in ends] != [*columns[start : start + len(ends)]]:
            return
        if value in values:
            return
        values = [*values, value]
        for more in _layouts(rest, columns[start + len(ends) :], suffixes):
            yield {owner: values, **more}
