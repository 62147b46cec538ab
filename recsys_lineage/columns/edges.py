"""Sets of edges, and the operators' effects on them.

An edge is a tuple `(table, column, how, masked)`. `how` numbers the three direct kinds by strength, and then the
indirect ones. A `$parameter` is an input of a table without a name; it only shows whether a hash is keyed, and is left
out of every result. So are the marks that keep a statistic from masking: their names begin with a space.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from recsys_lineage.columns.column_edge import ColumnEdge

Edge = tuple[str, str, int, bool]
Edges = frozenset[Edge]
NOTHING: Edges = frozenset()
_PARAMETERS = ""
SINGLED_OUT: Edges = frozenset([(_PARAMETERS, " singled out", 0, False)])
"""The mark of a value that may be other than NULL or 0 for one person alone."""


class How(IntEnum):
    """The kind of an edge: the first three are direct, the weakest first; the others are indirect."""

    IDENTITY = 0
    TRANSFORMATION = 1
    AGGREGATION = 2
    JOIN = 3
    GROUP_BY = 4
    FILTER = 5
    SORT = 6
    WINDOW = 7
    CONDITIONAL = 8


_NAMES = [how.name for how in How]
_RANKS = [(how > How.AGGREGATION, how.name) for how in How]
"""The sort order of results: by name within the direct and the indirect kinds."""
_TRANSFORMED, _AGGREGATED = int(How.TRANSFORMATION), int(How.AGGREGATION)


def of_column(table: str, column: str) -> Edges:
    """The edge of an unchanged column."""
    return frozenset([(table, column, 0, False)])


def of_parameter(name: str) -> Edges:
    """The edge of a parameter's value."""
    return frozenset([(_PARAMETERS, name, 0, False)])


def transformed(edges: Edges) -> Edges:
    """The edges of an expression over values with these edges."""
    for edge in edges:
        if edge[2] < _TRANSFORMED:
            return frozenset([(t, c, how or _TRANSFORMED, m) for t, c, how, m in edges])
    return edges


def aggregated(edges: Edges) -> Edges:
    """The edges of an aggregate of values with these edges."""
    for edge in edges:
        if edge[2] < _AGGREGATED:
            return frozenset([(t, c, how if how > _AGGREGATED else _AGGREGATED, m) for t, c, how, m in edges])
    return edges


def deciding(edges: Edges, subtype: How) -> Edges:
    """The edges of a value that is chosen by values with these edges."""
    for edge in edges:
        if edge[2] <= _AGGREGATED:
            return frozenset(
                [
                    (t, c, how if how > _AGGREGATED else int(subtype), m)
                    for t, c, how, m in edges
                    if how > _AGGREGATED or t != _PARAMETERS
                ]
            )
    return edges


def masked(edges: Edges) -> Edges:
    """The edges of a transformation that hides the values."""
    return frozenset([(t, c, how, True) for t, c, how, _ in edges if t != _PARAMETERS])


def statistic(edges: Edges) -> Edges:
    """The edges of a statistic over many people: edges of its value are masked, those that selected the rows are
    not."""
    return frozenset([(t, c, how, m or how <= _AGGREGATED) for t, c, how, m in edges])


def _is_key(edge: Edge) -> bool:
    table, column, how, _ = edge
    return table == _PARAMETERS and how <= _AGGREGATED and not column.startswith(" ")


def is_keyed(edges: Edges) -> bool:
    """Whether a parameter's value is part of a value with these edges."""
    return any(_is_key(edge) for edge in edges)


def keyless(edges: Edges) -> Edges:
    """The edges of a value that does not contain a parameter's value."""
    return frozenset(edge for edge in edges if not _is_key(edge)) if is_keyed(edges) else edges


def one_of(one: Edges, other: Edges) -> Edges:
    """The edges of one of two values, which contains a key only if both do; a value without inputs needs none."""
    if is_keyed(one) != is_keyed(other) and keyless(one) and keyless(other):
        return keyless(one) | keyless(other)
    return one | other


def is_singled_out(edges: Edges) -> bool:
    """Whether a value with these edges has the mark `SINGLED_OUT`."""
    ((table, mark, _, _),) = SINGLED_OUT
    return any(t == table and c == mark for t, c, _, _ in edges)


def twice(table: str) -> Edges:
    """The mark of rows that are joined of several rows of a table."""
    return frozenset([(_PARAMETERS, f" twice {table}", int(How.JOIN), False)])


def unequal(table: str, column: str) -> Edges:
    """The mark of rows that are joined by a comparison of a column other than equality."""
    return frozenset([(_PARAMETERS, f" unequal {table}.{column}", int(How.JOIN), False)])


def united(parts: Iterable[Edges]) -> Edges:
    """The union of several sets of edges."""
    return NOTHING.union(*parts)


def public(edges: Edges, known: dict[Edge, ColumnEdge]) -> list[ColumnEdge]:
    """The edges in their public form, sorted, each kind once; an edge is masking if each of its paths is.

    Args:
        edges: the edges of one column of the result.
        known: edges built before, to be shared.
    """
    found: list[ColumnEdge] = []
    for edge in sorted(edges, key=lambda each: (each[0], each[1], _RANKS[each[2]], each[3])):
        table, column, how, mask = edge
        if table == _PARAMETERS or (mask and (table, column, how, False) in edges):
            continue
        built = known.get(edge)
        if built is None:
            kind = "DIRECT" if how <= _AGGREGATED else "INDIRECT"
            built = known[edge] = ColumnEdge(table, column, kind, _NAMES[how], mask)  # type: ignore[arg-type]
        found.append(built)
    return found
