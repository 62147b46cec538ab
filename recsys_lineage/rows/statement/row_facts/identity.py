"""Identity: the columns that distinguish the rows of a query."""

from __future__ import annotations

from collections.abc import Callable

from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.syntax import Node, is_expression, parts, without_places


def identity(definition: Definition, is_aggregated: Callable[[Node], bool]) -> list[int]:
    """Positions of the columns that distinguish a definition's rows: the keys of its groups, or all columns."""
    every = list(range(len(definition.columns)))
    query = definition.query
    if query["type"] != "SELECT_NODE" or not is_aggregated(query) or len(query.get("group_sets", [])) > 1:
        return every
    select = query["select_list"]
    if len(select) != len(every) or any(is_expression(p, "STAR") for each in select for p in parts(each)):
        return every
    if any(is_expression(p, "FUNCTION") and p["function_name"] == "unnest" for p in parts(select)):
        return every
    keys = query.get("group_expressions", [])
    if query.get("aggregate_handling") == "FORCE_AGGREGATES":
        return every
    found: list[int] = []
    for key in keys:
        place = _selected(key, select)
        if place is None:
            return every
        found.append(place)
    return found


def _selected(key: Node, select: list[Node]) -> int | None:
    if is_expression(key, "CONSTANT"):
        value = key["literal"].get("text") if "literal" in key else key["value"].get("value")
        return int(value) - 1 if str(value).isdigit() and 0 < int(value) <= len(select) else None
    plain = without_places(key)
    for place, each in enumerate(select):
        if without_places(each) == plain:
            return place
    if is_expression(key, "COLUMN_REF") and len(key["column_names"]) == 1:
        name = key["column_names"][0].casefold()
        for place, each in enumerate(select):
            if each.get("alias", "").casefold() == name:
                return place
    return None
