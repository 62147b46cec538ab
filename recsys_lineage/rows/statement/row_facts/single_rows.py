"""SingleRows: the definitions of a statement with at most one row."""

from __future__ import annotations

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import from_items
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.syntax import Node, is_expression, parts


class SingleRows:
    """The tables and definitions with at most one row, judging by the statement's text.

    These are totals, results of LIMIT 1, and joins of only these.

    Args:
        statement: the decomposed statement.
        facts: the facts about its queries.
    """

    def __init__(self, statement: Statement, facts: QueryFacts) -> None:
        self._statement, self._facts = statement, facts
        self._single: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        """Whether a table or definition (folded) has at most one row."""
        if name not in self._single:
            definition = self._statement.definitions.get(name)
            self._single[name] = definition is not None and self._is_single(definition)
        return self._single[name]

    def _is_single(self, definition: Definition) -> bool:
        query = definition.query
        if (
            query["type"] != "SELECT_NODE" or definition.recursive
        ):  # USING KEY too may keep a row for each key
            return False
        if any(self._is_limited_to_one(each) for each in query.get("modifiers", [])):
            return True
        if query["from_table"]["type"] in ("PIVOT", "SHOW_REF", "EMPTY"):
            return False
        if any(part.get("function_name", "").lower() == "unnest" for part in parts(query["select_list"])):
            return False
        if self._facts.is_aggregated(query):
            plain = query.get("aggregate_handling") != "FORCE_AGGREGATES"
            return plain and not query.get("group_expressions") and len(query.get("group_sets", [])) <= 1
        # of POSITIONAL sides the longer one says how many rows there are; of FULL ones both together
        items = from_items(query["from_table"], self._statement.catalog)
        full = any(part.get("join_type") in ("FULL", "OUTER") for part in parts(query["from_table"]))
        return bool(items) and not full and all(self.has(item.table) for item in items)

    def _is_limited_to_one(self, modifier: Node) -> bool:
        limit = modifier.get("limit") if modifier["type"] == "LIMIT_MODIFIER" else None
        if limit is None or modifier.get("offset") or not is_expression(limit, "CONSTANT"):
            return False
        return self._statement.catalog.syntax.expression_text(limit) == "1"
