"""Result order: the ORDER BY of a query, if it decides which rows there are once witnesses are added."""

from __future__ import annotations

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.columns.column_names import width_of
from recsys_lineage.rows.statement.syntax import Node, Syntax, is_expression


def simplify_order(query: Node, catalog: Catalog) -> None:
    """Remove sort keys that do not change which rows there are, because only rows of the result are searched."""
    modifiers = query.get("modifiers", [])
    distinct = [each for each in modifiers if each["type"] == "DISTINCT_MODIFIER"]
    limited = any(each["type"].startswith("LIMIT") for each in modifiers)
    if not any(each.get("distinct_on_targets") for each in distinct) and (distinct or not limited):
        query["modifiers"] = []
    width = width_of(query, 0, catalog) if query["type"] == "SELECT_NODE" else 0
    for each in query["modifiers"] if width else ():
        if each["type"] == "ORDER_MODIFIER":
            each["orders"] = [
                made for order in each["orders"] for made in _own_columns(order, width, catalog.syntax)
            ]


def _own_columns(order: Node, width: int, syntax: Syntax) -> list[Node]:
    """ORDER BY ALL as positions of a query's own columns, so that the witness columns after them do not count."""
    star = order["expression"]
    some = any(
        star.get(key) for key in ("expr", "exclude_list", "replace_list", "rename_list", "relation_name")
    )
    if not is_expression(star, "STAR") or not star.get("columns") or some:
        return [order]
    return [{**order, "expression": syntax.expression(str(n + 1))} for n in range(width)]
