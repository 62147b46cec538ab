"""Absences: the places where a statement lets a row pass because another row is absent."""

from __future__ import annotations

from collections.abc import Iterator

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import MAIN, Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.row_facts.path_counts import path_counts
from recsys_lineage.rows.statement.syntax import (
    Node,
    children,
    conjuncts,
    everything,
    is_expression,
    parts,
    subqueries,
)
from recsys_lineage.rows.witnesses.witness import Witnesses

SHAPED = ("PIVOT", "SHOW_REF")
"""Relations whose rows are not rows of tables."""

_RELATIONS = ("BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION", *SHAPED)


class Absences:
    """The places where a statement requires absence, and traced rows may produce rows that were not wanted.

    Such rows are those that it also reads elsewhere, constants, and rows made from several rows, or several from one.

    Attributes:
        definitions: the definitions with such places.
        left: the tables of the rows that pass or fail.
        right: the tables of the rows that must be absent.
        counting: the definitions of which an extra row would change other rows too.
    """

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._tables = set(statement.catalog.tables)
        self._witnesses = Witnesses(statement, ())
        self.counting = self._counting()
        self.definitions: list[Definition] = []
        self.left: set[str] = set()
        self.right: set[str] = set()
        self._several = {table for table in self._tables if path_counts(statement, [table]).get(MAIN, 0) > 1}
        for definition in statement.definitions.values():
            query = definition.query
            if definition.recursive:
                continue
            counts = definition.name.casefold() in self.counting
            if query["type"] == "SET_OPERATION_NODE":
                pairs = [children(query)] if query["setop_type"] == "EXCEPT" and counts else []
            else:
                pairs = list(_pairs(query, statement.catalog, counts))
            found = [
                (self._below(one), self._below(other))
                for one, other in pairs
                if self._below(other) and not self._is_wanted_alone(one)
            ]
            if found:
                self.definitions.append(definition)
                self.left |= set.union(*(one for one, _ in found))
                self.right |= set.union(*(other for _, other in found))

    def _is_wanted_alone(self, part: object) -> bool:
        """Whether traced rows produce only the rows of a relation for which they were traced."""
        inside = everything(part)
        relations = [each for each in inside if each.get("type") in _RELATIONS]
        unnested = any(each.get("function_name", "").lower() == "unnest" for each in inside)
        if len(relations) != 1 or relations[0]["type"] != "BASE_TABLE" or unnested:
            return False
        name = relations[0]["table_name"].casefold()
        if name in self._tables:
            return name not in self._several
        below = self._statement.definitions.get(name)
        if below is None or not self._witnesses.is_row_by_row(below.query):
            return False
        return self._is_wanted_alone(below.query)

    def _counting(self) -> set[str]:
        found: set[str] = set()
        for definition in reversed(self._statement.definitions.values()):
            query, name = definition.query, definition.name.casefold()
            if definition.recursive:
                found |= {name, *definition.reads}
                continue
            if query["type"] == "SET_OPERATION_NODE":
                passing = children(query)[:1] if query["setop_type"] == "EXCEPT" else children(query)
            else:
                if self.counts_rows(query):
                    found.add(name)
                items = from_items(query["from_table"], self._statement.catalog)
                may_be_missed = {id(item.node) for item in items if item.nulled or item.hidden}
                passing = [part for part in parts(query["from_table"]) if id(part) not in may_be_missed]
            plain = {part["table_name"].casefold() for each in passing for part in _tables_in(each)}
            several = [table for table in definition.reads if definition.reads.count(table) > 1]
            found |= set(definition.reads) if name in found else {*(set(definition.reads) - plain), *several}
        return found

    def counts_rows(self, query: Node) -> bool:
        """Whether the rows that a query reads affect the rows that it makes from others."""
        windows = any(
            is_expression(part, "WINDOW") for part in parts([query["select_list"], query.get("qualify")])
        )
        limited = any(
            each["type"].startswith("LIMIT") or each.get("distinct_on_targets")
            for each in query.get("modifiers", [])
        )
        shaped = query["from_table"]["type"] in SHAPED
        return self._witnesses.is_aggregated(query) or windows or limited or shaped

    def _below(self, part: object) -> set[str]:
        """The tables that a part of the statement reads, directly or through definitions."""
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


def _tables_in(part: Node) -> list[Node]:
    """The tables directly in a relation, or in a side of a set operation."""
    whole = part.get("from_table", part)
    return (
        [each for each in parts(whole) if each.get("type") == "BASE_TABLE"]
        if whole.get("type") != "JOIN"
        else []
    )


def _pairs(query: Node, catalog: Catalog, counts: bool) -> Iterator[tuple[object, object]]:
    """Absences in a query: the source of the rows, and the relation that must not match."""
    if query["type"] != "SELECT_NODE" or query["from_table"]["type"] in SHAPED:
        return
    relation = query["from_table"]
    for guard in guards(query) if counts else ():
        yield relation, subqueries(guard)
    for join in _anti_joins(relation) if counts else ():
        yield join["left"], join["right"]
    for item, join in missed(query, from_items(relation, catalog)) if counts else ():
        yield join["left" if item.node is join["right"] else "right"], item.node
    for each in inner(query):
        for one, other in _pairs(each, catalog, True):
            yield [relation, one], other


def guards(query: Node) -> list[Node]:
    """The conditions of a query that may be true for a row because other rows are absent."""
    return [
        each
        for each in conjuncts(query.get("where_clause"))
        if subqueries(each)
        and not (is_expression(each, "SUBQUERY") and each["subquery_type"] in ("ANY", "EXISTS"))
    ]


def _anti_joins(relation: Node) -> list[Node]:
    return [part for part in parts(relation) if part.get("type") == "JOIN" and part["join_type"] == "ANTI"]


def missed(query: Node, items: list[FromItem]) -> list[tuple[FromItem, Node]]:
    """The optional relations of a query, with their joins, if a missing row decides which rows it counts."""
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
    """The subqueries in a query's expressions."""
    keys = ("select_list", "where_clause", "having", "qualify")
    return [each["subquery"]["node"] for key in keys for each in subqueries(query.get(key))]
