"""Unsteady columns: columns of a statement's queries whose values depend on the order of rows.

An aggregate that takes one of several rows, a list, and a window may have another value when the statement is run again
over the same rows, a sum of doubles other last digits, and so may everything computed from them.
"""

from __future__ import annotations

from collections.abc import Callable

from recsys_lineage.rows.statement.columns.column_places import place_of, selected_places
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.row_facts.one_row import takes_one_row
from recsys_lineage.rows.statement.syntax import Node, children, is_expression, parts

_BY_ORDER = ("list", "array_agg", "string_agg", "group_concat", "listagg", "mode", "approx_", "reservoir_")
"""Name prefixes of aggregates that depend on the order of their rows."""


def depends_on_order(expression: Node) -> bool:
    """Whether an expression contains a window, or an aggregate that depends on the order of its rows."""
    for part in parts(expression):
        if is_expression(part, "WINDOW"):
            return True
        if is_expression(part, "FUNCTION"):
            name = part["function_name"].lower()
            if name.startswith(_BY_ORDER) or (takes_one_row(part) and name not in ("min", "max")):
                return True
    return False


class Made:
    """The columns of a statement's definitions that are computed from some kind of values.

    Args:
        statement: the decomposed statement.
        holds: gets an expression and its type, and returns whether it makes such a value.
    """

    def __init__(self, statement: Statement, holds: Callable[[Node, str], bool]) -> None:
        self._statement, self._holds = statement, holds
        self._known: dict[str, frozenset[int]] = {}

    def places(self, definition: Definition) -> frozenset[int]:
        """The positions of such columns of a definition."""
        name = definition.name.casefold()
        if name not in self._known:
            self._known[name] = frozenset()  # a recursive definition reads itself
            self._known[name] = frozenset(self._found(definition))
        return self._known[name]

    def _found(self, definition: Definition) -> set[int]:
        query = definition.query
        if query["type"] == "SET_OPERATION_NODE":
            sides = [each["from_table"].get("table_name", "").casefold() for each in children(query)]
            if query["setop_type"] == "UNION_BY_NAME":
                names = {name for side in sides for name in self._names(side)}
                return {n for n, column in enumerate(definition.columns) if column.name.casefold() in names}
            below = [
                self._statement.definitions[side] for side in sides if side in self._statement.definitions
            ]
            return {place for each in below for place in self.places(each)}
        if query["type"] != "SELECT_NODE":
            return set()
        items = from_items(query["from_table"], self._statement.catalog)
        taken = {(number, name) for number, item in enumerate(items) for name in self._names(item.table)}
        select = query["select_list"]
        starred = any(is_expression(part, "STAR") for part in parts(select))
        if starred or len(select) != len(definition.columns):
            places = selected_places(query, items, len(definition.columns))
            return {place for place, of in enumerate(places) if of in taken}
        found: set[int] = set()
        names: set[str] = set()
        for place, expression in enumerate(select):
            columns = [part for part in parts(expression) if is_expression(part, "COLUMN_REF")]
            if self._holds(expression, definition.columns[place].type) or any(
                _is_one(each, taken, names, items, query) for each in columns
            ):
                found.add(place)
                names |= {expression.get("alias", "").casefold()} - {""}
        return found

    def _names(self, table: str) -> set[str]:
        """The folded names of a definition's columns; none for a table."""
        definition = self._statement.definitions.get(table)
        if definition is None:
            return set()
        aliases = definition.aliases
        named = [*aliases, *(column.name for column in definition.columns[len(aliases) :])]
        return {named[place].casefold() for place in self.places(definition)}


def _is_one(
    column: Node, taken: set[tuple[int, str]], names: set[str], items: list[FromItem], query: Node
) -> bool:
    """Whether a column is one of some columns of FROM, or has one of some names of preceding SELECT items."""
    place = place_of(column, items, query)
    if place is not None:
        return place in taken
    name_parts = [name.casefold() for name in column["column_names"]]
    return name_parts[0] in names or any(name in name_parts for _, name in taken)
