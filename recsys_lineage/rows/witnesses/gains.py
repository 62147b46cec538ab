"""Gains: the places where a statement may return rows on a subset of its tables that it does not return on all of
them."""

from __future__ import annotations

from collections.abc import Iterator

from recsys_lineage.rows.statement.columns.column_places import selected_places
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import MAIN, Definition
from recsys_lineage.rows.statement.from_item import from_items
from recsys_lineage.rows.statement.row_facts.path_counts import path_counts
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.row_facts.window_rows import are_enough_for_all
from recsys_lineage.rows.statement.syntax import (
    Node,
    children,
    everything,
    is_expression,
    is_query,
    parts,
    subqueries,
    whole_of,
)
from recsys_lineage.rows.witnesses.absences import SHAPED, guards
from recsys_lineage.rows.witnesses.narrowing.costly_definitions import windows_of
from recsys_lineage.rows.witnesses.nondeterminism.unsteady import Made


class Gains:
    """The places where a statement on fewer rows may return additional rows, and where these affect others.

    An aggregate over a partial group has another value, and so does a window over a partial partition. If such a value
    decides which rows there are, in HAVING, in a condition on a subquery's count, or as a join or grouping key, an
    additional row may appear.

    Args:
        statement: the decomposed statement.

    Attributes:
        definitions: those with groups, partitions or limits over rows of which some may be traced for another reason,
            those that have a row without input, and those with such a subquery; empty if no row can appear.
        tables: the tables that the statement reads, if there are such definitions.
    """

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._facts = QueryFacts(statement, ())
        self._of_groups = Made(statement, lambda expression, _: self._is_of_several(expression))
        self._tables = set(statement.catalog.tables)
        self._several = {table for table in self._tables if path_counts(statement, [table]).get(MAIN, 0) > 1}
        for name, each in statement.definitions.items():
            if self._has_rows_for_others(each):
                self._several |= self._below({name})
        keyed = any(each.keys for each in statement.definitions.values())
        self._totals = {name for name, each in statement.definitions.items() if self._is_total(name, each)}
        may_gain = bool(self._several or self._totals) and not statement.sampled and not keyed
        found = self._found() if may_gain else []
        self.definitions: list[Definition] = found
        self.tables = sorted(self._below({statement.main.name.casefold()})) if found else []

    def _found(self) -> list[Definition]:
        decisive: set[str] = set()
        cutting: set[str] = set()
        gaining = False
        for name, definition in self._statement.definitions.items():
            of_definition = [*self._decided_by(definition)]
            gaining |= bool(of_definition) and self._chooses_by_groups(definition.query)
            for part in of_definition:
                inside = everything(part)
                read = {each["table_name"].casefold() for each in inside if "table_name" in each}
                decisive |= read
                cut = [each for each in inside if is_query(each) and is_cut(each, self._facts)]
                if cut and self._below(read) & self._several:
                    cutting.add(name)
                    gaining |= any(_cuts_itself(each) or self._chooses_by_groups(each) for each in cut)
        below = self._closed(decisive)
        for name in below:
            query = self._statement.definitions[name].query
            gaining |= _cuts_itself(query) or self._chooses_by_groups(query)
        return [
            definition
            for name, definition in self._statement.definitions.items()
            if gaining and (name in cutting or (name in below and self._is_shared(name, definition)))
        ]

    def _has_rows_for_others(self, definition: Definition) -> bool:
        """Whether rows of a definition may be traced for the windows of others, without all that theirs read."""
        if definition is self._statement.main or definition.query["type"] != "SELECT_NODE":
            return False
        return not are_enough_for_all(windows_of(definition.query))

    def _is_shared(self, name: str, definition: Definition) -> bool:
        if name in self._totals:
            return True
        return is_cut(definition.query, self._facts) and bool(self._below({name}) & self._several)

    def _is_total(self, name: str, definition: Definition) -> bool:
        """Whether a definition returns its one row without input too, so that it may pass where it did not before."""
        query = definition.query
        if definition is self._statement.main or definition.recursive or name in self._statement.aside:
            return False
        if query["type"] != "SELECT_NODE" or not self._facts.is_aggregated(query):
            return False
        one_set = not query.get("group_expressions") and len(query.get("group_sets", [])) <= 1
        return one_set and query.get("aggregate_handling") != "FORCE_AGGREGATES"

    def _decided_by(self, definition: Definition) -> Iterator[object]:
        """The parts of a query for which an additional row may remove or change one of its own."""
        query = definition.query
        if definition.recursive:
            yield query
        elif query["type"] == "SET_OPERATION_NODE":
            if query["setop_type"] == "EXCEPT":
                yield children(query)[1]
        elif is_cut(query, self._facts):
            yield [value for key, value in query.items() if key != "cte_map"]
        else:
            yield from guards(query)
            relation = query["from_table"]
            for item in from_items(relation, self._statement.catalog):
                if item.nulled or item.nearest is not None:
                    yield item.node
            for part in parts(relation):
                if part.get("type") == "JOIN" and part["join_type"] == "ANTI":
                    yield part["right"]
                if part.get("type") == "JOIN" and subqueries(part.get("condition")):
                    yield subqueries(part["condition"])
            if nested := subqueries([query["select_list"], query.get("modifiers")]):
                yield nested

    def _chooses_by_groups(self, query: Node) -> bool:
        """Whether values made from several rows decide which rows of its relations a query has, or groups."""
        if query["type"] == "SET_OPERATION_NODE":
            sides = [self._places(whole_of(side) or "") for side in children(query)]
            return not query["setop_type"].startswith("UNION") and any(sides)
        if query["type"] != "SELECT_NODE":
            return True
        names = self._names(query)
        relation = query["from_table"]
        joins = [each for each in parts(relation) if each.get("type") == "JOIN"]
        deciding: list[object] = [query.get("where_clause"), *(join.get("condition") for join in joins)]
        deciding += [self._facts.keys_of(query)] if self._facts.is_aggregated(query) else []
        for window in windows_of(query):
            deciding += [window.get("partitions"), window.get("orders")]
        if any(each["type"].startswith("LIMIT") for each in query.get("modifiers", [])):
            deciding.append(query["modifiers"])
        using = {name.casefold() for join in joins for name in join.get("using_columns", [])}
        natural = any(join.get("ref_type") in ("NATURAL", "POSITIONAL") for join in joins)
        if (names and natural) or using & names:
            return True
        for part in parts(deciding):
            if is_expression(part, "COLUMN_REF") and part["column_names"][-1].casefold() in names:
                return True
            if is_expression(part, "SUBQUERY") and (
                self._answers_groups(part) or _names_one(part["subquery"], names)
            ):
                return True
        return bool(names) and any(is_expression(part, "STAR") for part in parts(deciding))

    def _answers_groups(self, subquery: Node) -> bool:
        """Whether the result of a subquery is made from several rows, but not from all of them."""
        inner = subquery["subquery"]["node"]
        if subquery["subquery_type"] in ("EXISTS", "NOT_EXISTS"):
            return False
        if (name := whole_of(inner)) is None:
            return inner["type"] != "SELECT_NODE" or self._chooses_by_groups(inner)
        definition = self._statement.definitions[name.casefold()]
        query = definition.query
        one_row = query["type"] == "SELECT_NODE" and is_cut(query, self._facts) and not _groups(query)
        return bool(self._places(name)) and not (one_row and self._facts.is_aggregated(query))

    def _is_of_several(self, expression: Node) -> bool:
        aggregates = self._statement.catalog.aggregates
        return any(
            is_expression(part, "WINDOW")
            or (is_expression(part, "FUNCTION") and part["function_name"].lower() in aggregates)
            for part in parts(expression)
        )

    def _places(self, name: str) -> frozenset[int]:
        """The positions of a definition's columns that are made from several rows; none for a table."""
        definition = self._statement.definitions.get(name.casefold())
        if definition is None:
            return frozenset()
        query, width = definition.query, len(definition.columns)
        every = frozenset(range(width))
        if definition.recursive or query.get("from_table", {}).get("type") in SHAPED:
            return every
        found = self._of_groups.places(definition)
        if is_cut(query, self._facts) and any(is_expression(part, "STAR") for part in query["select_list"]):
            as_they_are = selected_places(
                query, from_items(query["from_table"], self._statement.catalog), width
            )
            found |= {n for n in every if not as_they_are or as_they_are[n] is None}
        return found

    def _names(self, query: Node) -> set[str]:
        """The folded names of the columns of a query's relations."""
        found: set[str] = set()
        for item in from_items(query["from_table"], self._statement.catalog):
            places = self._places(item.table)
            found |= {name.casefold() for n, name in enumerate(item.columns or ()) if n in places}
            if item.node.get("type") == "SUBQUERY":
                inside = item.node["subquery"]["node"]
                named = item.node.get("column_name_alias") or []
                found |= {str(each).casefold() for each in named}
                found |= {each.get("alias", "").casefold() for each in inside.get("select_list", [])} - {""}
        return found

    def _closed(self, names: set[str]) -> set[str]:
        """Names of definitions, and of everything that these read."""
        found: set[str] = set()
        open_ = [*names]
        while open_:
            name = open_.pop()
            if name in self._statement.definitions and name not in found:
                found.add(name)
                open_ += self._statement.definitions[name].reads
        return found

    def _below(self, names: set[str]) -> set[str]:
        """The tables behind some tables and definitions."""
        reads = {table for name in self._closed(names) for table in self._statement.definitions[name].reads}
        return (names | reads) & self._tables


def _names_one(part: object, names: set[str]) -> bool:
    """Whether a part of a syntax tree, subqueries included, uses a column with one of some names."""
    columns = (each for each in everything(part) if is_expression(each, "COLUMN_REF"))
    return any(each["column_names"][-1].casefold() in names for each in columns)


def is_cut(query: Node, facts: QueryFacts) -> bool:
    """Whether a query's result for some rows depends on which others exist."""
    if query["type"] != "SELECT_NODE":
        return False
    shaped = query["from_table"]["type"] in SHAPED
    return shaped or _limits(query) or facts.is_aggregated(query) or bool(windows_of(query))


def _limits(query: Node) -> bool:
    modifiers = query.get("modifiers", [])
    return any(each["type"].startswith("LIMIT") or each.get("distinct_on_targets") for each in modifiers)


def _cuts_itself(query: Node) -> bool:
    """Whether a query excludes groups or rows depending on the others."""
    return bool(query.get("having") or query.get("qualify")) or _limits(query)


def _groups(query: Node) -> bool:
    decides = ("group_expressions", "group_sets", "having", "qualify", "modifiers")
    return any(query.get(key) for key in decides) or query.get("aggregate_handling") == "FORCE_AGGREGATES"
