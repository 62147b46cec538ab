"""Whole-table facts: definitions of one row, such as a total, with which other rows are joined.

A total over a table is made of all its rows, and so is every row that the total is joined with: which is true, and
tells nothing of one of them. Where a lake's rows are followed, such definitions are set aside: what depends on them is
context, as a rank among all rows is (`rows/witnesses/context.py`). A statement that is a total itself is made of all
rows.
"""

from __future__ import annotations

from recsys_lineage.rows.statement.definition import MAIN, Definition
from recsys_lineage.rows.statement.from_item import from_items
from recsys_lineage.rows.statement.query_facts import QueryFacts
from recsys_lineage.rows.statement.syntax import Node, is_expression, parts
from recsys_lineage.rows.statement.taken_apart import Statement


def set_aside(statement: Statement) -> None:
    """Set aside the definitions of a statement whose one row depends on whole tables."""
    found = _OneRow(statement)
    read_by: dict[str, list[str]] = {}
    for name, each in statement.definitions.items():
        for table in each.reads:
            read_by.setdefault(table, []).append(name)
    aside: set[str] = set()
    for name in reversed(statement.definitions):
        readers = read_by.get(name, [])
        joined = all(reader in aside or not found.has_one_row(reader) for reader in readers)
        if name != MAIN and joined and found.has_one_row(name) and found.is_made_of_many(name):
            aside.add(name)
    statement.aside = frozenset(aside)


class _OneRow:
    """Which definitions of a statement have one row at most, by their texts, and which of these many rows make."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._facts = QueryFacts(statement, ())
        self._one_row: dict[str, bool] = {}

    def has_one_row(self, name: str) -> bool:
        """Whether a table or definition, folded, has one row at most."""
        if name not in self._one_row:
            definition = self._statement.definitions.get(name)
            self._one_row[name] = definition is not None and self._has_one(definition)
        return self._one_row[name]

    def is_made_of_many(self, name: str) -> bool:
        """Whether a row of a definition, folded, is made of groups of rows, and not of a few whose values it takes."""
        definition = self._statement.definitions.get(name)
        if definition is None:
            return False
        query = definition.query
        grouped = query["type"] == "SELECT_NODE" and self._facts.is_aggregated(query)
        if definition.recursive or (grouped and self._facts.takes_all_rows(query)):
            return True
        return any(self.is_made_of_many(each) for each in definition.reads)

    def _has_one(self, definition: Definition) -> bool:
        query = definition.query
        if query["type"] != "SELECT_NODE" or definition.recursive:
            return False
        if any(self._is_limited_to_one(each) for each in query.get("modifiers", [])):
            return True
        if query["from_table"]["type"] in ("PIVOT", "SHOW_REF", "EMPTY") or any(
            is_expression(part, "FUNCTION") and part["function_name"].lower() == "unnest"
            for part in parts(query["select_list"])
        ):
            return False
        if self._facts.is_aggregated(query):
            plain = query.get("aggregate_handling") != "FORCE_AGGREGATES"
            return plain and not query.get("group_expressions") and len(query.get("group_sets", [])) <= 1
        items = from_items(query["from_table"], self._statement.catalog)
        full = any(part.get("join_type") in ("FULL", "OUTER") for part in parts(query["from_table"]))
        return bool(items) and not full and all(self.has_one_row(item.table) for item in items)

    def _is_limited_to_one(self, modifier: Node) -> bool:
        limit = modifier.get("limit") if modifier["type"] == "LIMIT_MODIFIER" else None
        if limit is None or modifier.get("offset") or not is_expression(limit, "CONSTANT"):
            return False
        return self._statement.catalog.syntax.expression_text(limit) == "1"
