"""Inputs: the relations without whose rows a query has no rows, so that it need not run where one of them is empty."""

from __future__ import annotations

from collections.abc import Iterator

from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.syntax import Node, children, conjuncts, is_expression, whole_of

_NEEDED = {
    "INNER": ("left", "right"),
    "SEMI": ("left", "right"),
    "LEFT": ("left",),
    "ANTI": ("left",),
    "RIGHT": ("right",),
}
"""Sides of a join without whose rows it has none."""

Inputs = tuple[tuple[str, ...], ...]
"""Lists of relations, folded, of each of which one must have rows."""


def inputs_of(query: Node, facts: QueryFacts) -> Inputs:
    """The lists of relations of which one each must have rows for a query to have any.

    Args:
        query: a query over tables, definitions and parts of them.
        facts: of its statement.
    """
    if query["type"] == "SET_OPERATION_NODE":
        return _of_sides(query, facts)
    if query["type"] != "SELECT_NODE" or _has_a_row_of_none(query, facts):
        return ()
    found = [(name.casefold(),) for name in _joined(query["from_table"])]
    for each in conjuncts(query.get("where_clause")):
        if is_expression(each, "SUBQUERY") and each["subquery_type"] in ("ANY", "EXISTS"):
            name = whole_of(each["subquery"]["node"])
            found += [(name.casefold(),)] if name else []
    return tuple(dict.fromkeys(found))


def _of_sides(query: Node, facts: QueryFacts) -> Inputs:
    sides = children(query)
    if query["setop_type"] == "EXCEPT":
        return inputs_of(sides[0], facts)
    if query["setop_type"] == "INTERSECT":
        return tuple(dict.fromkeys(each for side in sides for each in inputs_of(side, facts)))
    names = [name.casefold() for side in sides if (name := whole_of(side))]
    return (tuple(names),) if len(names) == len(sides) else ()


def _has_a_row_of_none(query: Node, facts: QueryFacts) -> bool:
    """Whether a SELECT may have a row if what it reads has none, as a total has."""
    if not facts.is_aggregated(query):
        return False
    return not query.get("group_expressions") or not all(query.get("group_sets") or [()])


def _joined(relation: Node) -> Iterator[str]:
    """The tables of a FROM clause without whose rows it has none."""
    if relation.get("type") == "BASE_TABLE":
        yield relation["table_name"]
    elif relation.get("type") == "JOIN" and relation.get("ref_type") != "POSITIONAL":
        for side in _NEEDED.get(relation["join_type"], ()):
            yield from _joined(relation[side])
