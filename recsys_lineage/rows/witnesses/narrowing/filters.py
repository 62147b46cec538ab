"""Filters: conditions on computed columns of a result, applied to the rows from which these are computed.

So DuckDB finds the rows that are needed before it computes their other columns, and groups no others.
"""

from __future__ import annotations

from collections.abc import Callable

from recsys_lineage.rows.statement.columns.column_places import place_of
from recsys_lineage.rows.statement.condition import Conditions
from recsys_lineage.rows.statement.from_item import FromItem
from recsys_lineage.rows.statement.syntax import Node, is_expression, parts, without_places
from recsys_lineage.rows.witnesses.witness import Witnesses

_STRANGE = ("LAMBDA", "SUBQUERY")


def filters(
    query: Node, items: list[FromItem], conditions: Conditions, width: int, witnesses: Witnesses
) -> list[str]:
    """Conditions on the rows below a query that those of its result imply; rows that fail them make none of these.

    Args:
        query: a SELECT of which rows may be left out.
        items: its relations.
        conditions: on columns of the result.
        width: number of these columns.
        witnesses: of the statement.
    """
    select = query["select_list"]
    if len(select) != width or any(map(_is_of_many_rows, parts([select, query.get("qualify")]))):
        return []
    is_key = _keys(query, witnesses) if witnesses.is_aggregated(query) else None
    found: list[str] = []
    for n, condition in conditions.items():
        inside = [*parts(select[n])]
        columns = [each for each in inside if is_expression(each, "COLUMN_REF")]
        strange = any(is_expression(each, kind) for each in inside for kind in _STRANGE)
        if not (condition.requested or condition.few) or strange or len(columns) == len(inside):
            continue
        if is_key is not None and not is_key(select[n]):
            continue
        if all(place_of({**each, "alias": ""}, items, query) is not None for each in columns):
            found.append(condition.of_computed(witnesses.syntax.expression_text({**select[n], "alias": ""})))
    return found


def _is_of_many_rows(part: Node) -> bool:
    unnested = is_expression(part, "FUNCTION") and part["function_name"].lower() == "unnest"
    return unnested or is_expression(part, "WINDOW") or is_expression(part, "STAR")


def _keys(query: Node, witnesses: Witnesses) -> Callable[[Node], bool]:
    """Whether an expression of a result is one by which all groups are made: then whole groups have its value."""
    if len(query.get("group_sets", [])) > 1 or query.get("aggregate_handling") == "FORCE_AGGREGATES":
        return lambda _: False
    keys = [without_places({**key, "alias": ""}) for key in query.get("group_expressions", [])]
    return lambda expression: without_places({**expression, "alias": ""}) in keys
