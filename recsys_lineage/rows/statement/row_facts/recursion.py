"""Recursion: whether the result of a recursive query can be followed row by row."""

from __future__ import annotations

from collections.abc import Collection

from recsys_lineage.rows.statement.syntax import Node, children, everything, is_expression, parts, subqueries


def goes_row_by_row(side: Node, name: str, aggregates: Collection[str]) -> bool:
    """Whether each row of a recursive side comes from one row of the previous step, independently of the others.

    Then a row's origin can be found among all rows of all steps together. A group, a window, a LIMIT, an outer join or
    a subquery over the rows of one step has another result over all steps.

    Args:
        side: the recursive side of an entry of WITH, which reads itself.
        name: the name under which it does.
        aggregates: the names of DuckDB's aggregate functions.
    """
    if not _reads(side, name):
        return True
    if side["type"] == "SET_OPERATION_NODE":
        sides = children(side)
        return side["setop_type"].startswith("UNION") and all(
            goes_row_by_row(each, name, aggregates) for each in sides
        )
    if side["type"] != "SELECT_NODE" or any(not _is_distinct(each) for each in side.get("modifiers", [])):
        return False
    if any(side.get(key) for key in ("group_expressions", "group_sets", "having", "qualify", "sample")):
        return False
    if side.get("aggregate_handling") == "FORCE_AGGREGATES" or any(
        is_expression(part, "WINDOW")
        or (is_expression(part, "FUNCTION") and part["function_name"].lower() in aggregates)
        for part in parts(side)
    ):
        return False
    clauses = [part for key, part in side.items() if key != "from_table"]
    below = side["from_table"]
    joined = [part["condition"] for part in parts(below) if part.get("type") == "JOIN"]
    if any(_reads(each, name) for each in subqueries([clauses, joined])):
        return False
    return _is_read_once(below, name, aggregates)


def _is_read_once(relation: Node, name: str, aggregates: Collection[str]) -> bool:
    """Whether one relation of a FROM clause reads the previous step, and each of its rows is kept independently of
    others."""
    kind = relation.get("type")
    if kind == "BASE_TABLE":
        return True
    if kind == "SUBQUERY":
        return goes_row_by_row(relation["subquery"]["node"], name, aggregates)
    if kind != "JOIN" or relation["ref_type"] == "POSITIONAL":
        return False
    left, right = _reads(relation["left"], name), _reads(relation["right"], name)
    if left and right:
        return False
    inner = relation["join_type"] == "INNER" and relation["ref_type"] != "ASOF"
    if not inner and (right or relation["join_type"] not in ("INNER", "LEFT", "SEMI", "ANTI")):
        return False
    return _is_read_once(relation["left" if left else "right"], name, aggregates)


def _reads(part: object, name: str) -> bool:
    return any(
        each.get("type") == "BASE_TABLE" and each["table_name"].casefold() == name.casefold()
        for each in everything(part)
    )


def _is_distinct(modifier: Node) -> bool:
    """Whether a modifier is DISTINCT, and not DISTINCT ON, ORDER BY or LIMIT."""
    return modifier["type"] == "DISTINCT_MODIFIER" and not modifier.get("distinct_on_targets")
