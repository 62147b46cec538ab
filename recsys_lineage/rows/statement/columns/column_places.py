"""Plain columns: expressions of a query that are merely columns of its relations, and pairs of equal columns."""

from __future__ import annotations

from collections.abc import Iterable

from recsys_lineage.rows.statement.from_item import FromItem
from recsys_lineage.rows.statement.syntax import Node, conjuncts, is_expression, parts

Place = tuple[int, str]
"""A column of a FROM clause: the index of its relation, and its folded name."""


def selected_places(query: Node, items: list[FromItem], width: int) -> list[Place | None]:
    """Columns of FROM that the output columns are, if they are plain columns."""
    found: list[Place | None] = []
    merged = any(
        part.get("using_columns") or part.get("ref_type") == "NATURAL" for part in parts(query["from_table"])
    )
    for each in query["select_list"]:
        if not is_expression(each, "STAR"):
            found.append(place_of(each, items, query))
            continue
        if (
            each.get("expr")
            or each.get("qualified_exclude_list")
            or (merged and not each.get("relation_name"))
        ):
            return []
        left_out = {str(name).casefold() for name in each.get("exclude_list", [])}
        replaced = {str(entry["key"]).casefold() for entry in each.get("replace_list", [])}
        over = each.get("relation_name", "").casefold()
        for number, item in enumerate(items):
            if item.hidden is not None or over not in ("", item.alias.casefold()):
                continue
            if item.columns is None:
                return []
            for name in item.columns:
                if name.casefold() not in left_out:
                    found.append(None if name.casefold() in replaced else (number, name.casefold()))
    return found if len(found) == width else []


def place_of(expression: Node | None, items: list[FromItem], query: Node) -> Place | None:
    """The column of FROM that an expression is, if it is a plain column."""
    if expression is None or not is_expression(expression, "COLUMN_REF"):
        return None
    names = [name.casefold() for name in expression["column_names"]]
    if len(names) > 2:
        return None
    holding = [
        number
        for number, item in enumerate(items)
        if (item.hidden is None or len(names) == 2)
        and (len(names) == 1 or item.alias.casefold() == names[0])
        and names[-1] in [column.casefold() for column in item.columns or ()]
    ]
    if len(holding) == 1 and all(item.columns is not None for item in items):
        return holding[0], names[-1]
    if len(holding) > 1 and len(names) == 1 and not any(item.nulled for item in items[: holding[0] + 1]):
        merged = {
            name.casefold() for part in parts(query["from_table"]) for name in part.get("using_columns", [])
        }
        return (holding[0], names[-1]) if names[-1] in merged else None
    return None


def equal_places(query: Node, items: list[FromItem], *, there: bool = False) -> Iterable[tuple[Place, Place]]:
    """Pairs of columns that are equal in all rows that pass; the second may be NULL where the first is not.

    Args:
        query, items: the query and its relations.
        there: return pairs that are equal in all rows that pass and have the first column's row.
    """
    if query.get("where_clause"):
        yield from _both(query["where_clause"], items, query)
    for part in parts(query["from_table"]):
        if part.get("type") != "JOIN" or part.get("ref_type") not in ("REGULAR", "ASOF"):
            continue
        inside = {id(each) for each in parts(part["right"])}
        right = {n for n, item in enumerate(items) if id(item.node) in inside}
        kind = part["join_type"]
        found = list(_both(part["condition"], items, query)) if part.get("condition") else []
        for name in part.get("using_columns", []):
            within = {id(each) for each in parts(part["left"])}
            holders = [
                n
                for n, item in enumerate(items)
                if name.casefold() in [column.casefold() for column in item.columns or ()]
            ]
            lefts = [n for n in holders if id(items[n].node) in within]
            rights = [n for n in holders if n in right]
            if lefts and rights:
                found += [
                    ((lefts[0], name.casefold()), (rights[0], name.casefold())),
                    ((rights[0], name.casefold()), (lefts[0], name.casefold())),
                ]
        for one, other in found:
            to_right = (one if there else other)[0] in right
            if (
                kind == "INNER"
                or (kind in ("LEFT", "SEMI", "ANTI") and to_right)
                or (kind == "RIGHT" and not to_right)
            ):
                yield one, other


def _both(condition: Node, items: list[FromItem], query: Node) -> Iterable[tuple[Place, Place]]:
    for each in conjuncts(condition):
        if is_expression(each, "COMPARISON") and each["type"] == "COMPARE_EQUAL":
            left, right = (place_of(each[side], items, query) for side in ("left", "right"))
            if left is not None and right is not None:
                yield left, right
                yield right, left
