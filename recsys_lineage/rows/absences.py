"""Absences: where a statement lets a row pass because something is not there."""

from __future__ import annotations

from collections.abc import Iterator

from recsys_lineage.rows.catalog import Catalog
from recsys_lineage.rows.definitions import MAIN, Definition, Statement, everything
from recsys_lineage.rows.from_item import FromItem, from_items
from recsys_lineage.rows.syntax import Node, children, conjuncts, is_expression, parts, subqueries
from recsys_lineage.rows.witness import ways

SHAPED = ("PIVOT", "SHOW_REF")
"""Relations that are no rows of tables as they are."""


class Absences:
    """Where a statement asks for something that is not there, of rows that it also reads in another place.

    Attributes:
        definitions: in which it does.
        left: the tables of the rows that pass or do not.
        right: the tables of what must not be there.
    """

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._tables = set(statement.catalog.tables)
        self.definitions: list[Definition] = []
        self.left: set[str] = set()
        self.right: set[str] = set()
        several = {table for table in self._tables if ways(statement, [table]).get(MAIN, 0) > 1}
        for definition in statement.definitions.values():
            query = definition.query
            if definition.recursive:
                continue
            if query["type"] == "SET_OPERATION_NODE":
                pairs = (
                    [children(query)] if query["setop_type"] == "EXCEPT" and definition.name != MAIN else []
                )
            else:
                pairs = list(_pairs(query, statement.catalog))
            found = [(self._below(one), self._below(other)) for one, other in pairs]
            found = [(one, other) for one, other in found if one & several and other]
            if found:
                self.definitions.append(definition)
                self.left |= set.union(*(one for one, _ in found))
                self.right |= set.union(*(other for _, other in found))

    def _below(self, part: object) -> set[str]:
        """The tables that a part of the statement reads, itself or through definitions."""
        names = {
            each["table_name"].casefold() for each in everything(part) if each.get("type") == "BASE_TABLE"
        }
        tables = names & self._tables
        for name in names - self._tables:
            below = self._statement.definitions.get(name)
            if below is not None:
                tables |= {
                    table for table in self._tables if below.depends_on(table, self._statement.definitions)
                }
        return tables


def _pairs(query: Node, catalog: Catalog) -> Iterator[tuple[object, object]]:
    """For each absence that a query asks for, where its rows come from, and what must not be there."""
    if query["type"] != "SELECT_NODE" or query["from_table"]["type"] in SHAPED:
        return
    relation = query["from_table"]
    for guard in guards(query):
        yield relation, subqueries(guard)
    for join in _anti_joins(relation):
        yield join["left"], join["right"]
    for item, join in missed(query, from_items(relation, catalog)):
        yield join["left" if item.node is join["right"] else "right"], item.node
    for each in inner(query):
        for one, other in _pairs(each, catalog):
            yield [relation, one], other


def guards(query: Node) -> list[Node]:
    """The conditions of a query that may hold for a row because rows are not there."""
    return [
        each
        for each in conjuncts(query.get("where_clause"))
        if subqueries(each)
        and not (is_expression(each, "SUBQUERY") and each["subquery_type"] in ("ANY", "EXISTS"))
    ]


def _anti_joins(relation: Node) -> list[Node]:
    return [part for part in parts(relation) if part.get("type") == "JOIN" and part["join_type"] == "ANTI"]


def missed(query: Node, items: list[FromItem]) -> list[tuple[FromItem, Node]]:
    """The relations of a query that a join may miss, where it decides by that which rows it counts, with that join."""
    joins = [
        (join, join[side])
        for join in parts(query["from_table"])
        if join.get("type") == "JOIN" and join.get("ref_type") == "REGULAR"
        for side in {
            "LEFT": ("right",),
            "RIGHT": ("left",),
            "FULL": ("left", "right"),
            "OUTER": ("left", "right"),
        }.get(join["join_type"], ())
    ]
    deciding = [each for each in parts(query.get("where_clause")) if each.get("type") == "OPERATOR_IS_NULL"]
    deciding += query.get("group_expressions", [])
    named = [each["column_names"] for each in parts(deciding) if is_expression(each, "COLUMN_REF")]
    found: list[tuple[FromItem, Node]] = []
    for item in items:
        own = {name.casefold() for name in item.columns or ()}
        decides = any(
            names[-1].casefold() in own and (len(names) == 1 or names[-2].casefold() == item.alias.casefold())
            for names in named
        )
        if item.nulled and item.table and decides:
            found += [(item, join) for join, side in joins if side is item.node]
    return found


def inner(query: Node) -> list[Node]:
    """The subqueries of a query that stand in its expressions."""
    keys = ("select_list", "where_clause", "having", "qualify")
    return [each["subquery"]["node"] for key in keys for each in subqueries(query.get(key))]
