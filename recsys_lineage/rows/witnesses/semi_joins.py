"""SEMI and ANTI joins: the rows on their right side, which are in no column of the query."""

from __future__ import annotations

from collections.abc import Callable

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.from_item import FromItem
from recsys_lineage.rows.statement.syntax import Node, once, subqueries
from recsys_lineage.rows.witnesses.contribution import Contribution
from recsys_lineage.sql.names import quote

Lists = list[tuple[str, str]]
"""Folded names of tables and definitions, each with the SQL of a list of its rows."""


def condition_subqueries(join: Node) -> list[Node]:
    """The subqueries in the condition of a SEMI or ANTI JOIN, in which the rows of its right side are visible."""
    return subqueries([join.get("condition"), join["right"]])


def visible_subqueries(relation: Node, items: list[FromItem]) -> list[Node]:
    """The subqueries of a FROM clause, except those of conditions of SEMI and ANTI JOIN."""
    hidden = {
        id(each) for item in items if item.hidden is not None for each in condition_subqueries(item.hidden)
    }
    return [each for each in subqueries(relation) if id(each) not in hidden]


def rows_of_conditions(
    items: list[FromItem],
    statement: Statement,
    contribution: Contribution,
    of_subquery: Callable[[Node], Lists],
) -> Lists:
    """Lists of the rows with which subqueries decide which rows on the right of SEMI or ANTI JOIN match."""
    joins = {id(item.hidden): (item.hidden, item) for item in items if item.hidden is not None}
    return [
        (table, f"(SELECT {contribution.gathered(rows)} {fitting(item, statement)})")
        for join, item in joins.values()
        for each in once(condition_subqueries(join))
        for table, rows in of_subquery(each)
    ]


def fitting(item: FromItem, statement: Statement) -> str:
    """SQL, from its FROM on, of the rows on the right side of a SEMI or ANTI JOIN that match the row on the left."""
    join, syntax = item.hidden, statement.catalog.syntax
    assert join is not None
    if join.get("ref_type") == "NATURAL":
        raise statement.cannot("a NATURAL SEMI JOIN", join, "name its columns: USING (…)")
    fits = [syntax.expression_text(join["condition"])] if join.get("condition") else []
    for name in join.get("using_columns", []):
        left = next(
            each.alias
            for each in item.left_of_hidden
            if name.casefold() in [column.casefold() for column in each.columns or ()]
        )
        fits.append(f"{quote(left)}.{quote(name)} = {quote(item.alias)}.{quote(name)}")
    right = syntax.relation_text(join["right"])
    return f"FROM {right} WHERE {' AND '.join(fits)}"
