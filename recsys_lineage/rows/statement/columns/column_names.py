"""Column names of a query or a relation, as far as its text or DuckDB determines them."""

from __future__ import annotations

import duckdb

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.syntax import Node, children, is_expression, parameters_in, parts
from recsys_lineage.sql.names import quote


def names_of(query: Node, catalog: Catalog) -> list[str] | None:
    """The columns of a query, by their aliases, their names or their texts; None if these do not determine them."""
    if query["type"] != "SELECT_NODE":
        return names_of(children(query)[0], catalog)
    names: list[str] = []
    for each in query["select_list"]:
        if is_expression(each, "STAR"):
            items = from_items(query["from_table"], catalog)
            changed = any(each.get(key) for key in ("exclude_list", "rename_list", "expr"))
            of_item = names_of_item(items[0], catalog) if len(items) == 1 and not changed else None
            alias = each.get("alias", "")
            if of_item is None or "\\" in alias:
                return None
            names += [alias] * len(of_item) if alias else of_item
        elif each.get("alias"):
            names.append(each["alias"])
        elif is_expression(each, "COLUMN_REF"):
            names.append(each["column_names"][-1])
        elif _makes_several(each):
            return None
        else:
            names.append(catalog.syntax.expression_text(each))  # DuckDB calls it by its text
    return names


def _makes_several(expression: Node) -> bool:
    """Whether an expression may be several columns: COLUMNS(…), or `unnest` of a struct."""
    return any(
        is_expression(each, "STAR")
        or (is_expression(each, "FUNCTION") and each["function_name"].casefold() in ("unnest", "unlist"))
        for each in parts(expression)
    )


def names_of_item(item: FromItem, catalog: Catalog) -> list[str] | None:
    """The columns of a relation, as a query names them that reads it."""
    if item.columns is not None or item.node.get("type") != "SUBQUERY":
        return item.columns
    aliases = item.node.get("column_name_alias") or []
    names = names_of(item.node["subquery"]["node"], catalog)
    return None if names is None else _numbered([*aliases, *names[len(aliases) :]])


def _numbered(names: list[str]) -> list[str]:
    """The names of a subquery's columns for its reader: DuckDB numbers those that come again."""
    found: list[str] = []
    known: set[str] = set()
    for base in names:
        name, number = base, 0
        while name.casefold() in known:
            number += 1
            name = f"{base}_{number}"
        known.add(name.casefold())
        found.append(name)
    return found


def bound_names(item: FromItem, query: Node, catalog: Catalog) -> list[str] | None:
    """The columns of a relation as DuckDB names them, if that does not depend on the enclosing query."""
    text = f"SELECT {quote(item.alias)}.* FROM {catalog.syntax.relation_text(query['from_table'])}"
    try:
        columns = catalog.columns_of(text, parameters_in(query["from_table"]), sure=False)
    except duckdb.Error:
        return None
    return [column.name for column in columns]


def width_of(query: Node, otherwise: int, catalog: Catalog) -> int:
    """Number of columns of a query; `otherwise` if its text does not determine it."""
    if query["type"] != "SELECT_NODE":
        return width_of(children(query)[0], otherwise, catalog)
    width = 0
    for each in query["select_list"]:
        if is_expression(each, "STAR"):
            names = names_of({**query, "select_list": [each]}, catalog)
            if names is None:
                return otherwise
            width += len(names)
        else:
            width += 1
    return width
