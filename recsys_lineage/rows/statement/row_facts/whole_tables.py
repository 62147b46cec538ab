"""Whole-table facts: definitions of one row, such as a total, that are joined with other rows.

A total over a table depends on all its rows, and so does every row joined with the total, which says nothing about a
single row. So such definitions are set aside when a lake's rows are followed: their dependents need context, like a
rank among all rows (`rows/witnesses/context.py`). A statement that is itself a total still depends on all rows.
"""

from __future__ import annotations

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import MAIN
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.row_facts.single_rows import SingleRows


def set_aside(statement: Statement) -> None:
    """Set aside the definitions of a statement whose one row depends on whole tables."""
    facts = QueryFacts(statement, ())
    single, made = SingleRows(statement, facts), _Made(statement, facts)
    read_by: dict[str, list[str]] = {}
    for name, each in statement.definitions.items():
        for table in each.reads:
            read_by.setdefault(table, []).append(name)
    aside: set[str] = set()
    for name in reversed(statement.definitions):
        readers = read_by.get(name, [])
        joined = all(reader in aside or not single.has(reader) for reader in readers)
        if name != MAIN and joined and single.has(name) and made.of_many(name):
            aside.add(name)
    statement.aside = frozenset(aside)


class _Made:
    """The definitions of a statement whose rows depend on many rows.

    Args:
        statement: the decomposed statement.
        facts: the facts about its queries.
    """

    def __init__(self, statement: Statement, facts: QueryFacts) -> None:
        self._statement, self._facts = statement, facts

    def of_many(self, name: str) -> bool:
        """Whether a row of a definition (folded) depends on groups of rows, not only on a few whose values it takes."""
        definition = self._statement.definitions.get(name)
        if definition is None:
            return False
        query = definition.query
        grouped = query["type"] == "SELECT_NODE" and self._facts.is_aggregated(query)
        if definition.recursive or (grouped and self._facts.takes_all_rows(query)):
            return True
        return any(self.of_many(each) for each in definition.reads)
