"""NATURAL SEMI and ANTI joins rewritten with USING and the columns that both sides share."""

from __future__ import annotations

from collections.abc import Iterable

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.syntax import Node, parts


def name_shared_columns(relation: Node, catalog: Catalog) -> None:
    """Name the columns of NATURAL SEMI and ANTI joins in a FROM clause, in place, if they are known."""
    for part in [*parts(relation)]:
        if part.get("ref_type") == "NATURAL" and part.get("join_type") in ("SEMI", "ANTI"):
            left, right = _columns(part["left"], catalog), _columns(part["right"], catalog)
            if left is not None and right is not None:
                others = {name.casefold() for name in right}
                part["using_columns"] = [name for name in dict.fromkeys(left) if name.casefold() in others]
                part["ref_type"] = "REGULAR"


def _columns(relation: Node, catalog: Catalog) -> list[str] | None:
    """The column names of one side of a join; None where they are unknown."""
    if relation.get("type") == "JOIN":
        left = _columns(relation["left"], catalog)
        if relation["join_type"] in ("SEMI", "ANTI"):
            return left
        right = _columns(relation["right"], catalog)
        return None if left is None or right is None else [*left, *right]
    if relation.get("type") != "BASE_TABLE":
        return None
    known = catalog.columns.get(relation["table_name"].casefold())
    if known is None:
        return None
    aliases: Iterable[str] = relation.get("column_name_alias") or ()
    return [*aliases, *(column.name for column in known[len([*aliases]) :])]
