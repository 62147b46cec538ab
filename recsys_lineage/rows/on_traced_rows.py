"""OnTracedRows: a statement run only on the rows traced so far."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from recsys_lineage.rows.statement.condition import Conditions
from recsys_lineage.rows.statement.steps import definition_text, numbered
from recsys_lineage.rows.statement.syntax import Node, conjuncts, copied, everything, subqueries
from recsys_lineage.rows.tracing import Tracing


class OnTracedRows:
    """A statement's definitions over the traced rows, as further steps of the tracing.

    Args:
        tracing: the tracing that found the rows.
        prefix: the prefix of the names of the steps.
    """

    def __init__(self, tracing: Tracing, prefix: str) -> None:
        self._tracing, self._prefix = tracing, prefix
        self._statement = tracing.statement
        self._syntax = tracing.statement.catalog.syntax
        self._over: dict[str, str] = {}

    def of(self, part: Node) -> Node:
        """A part of a syntax tree over results on the traced rows instead of all rows."""
        part = copied(part)
        for each in everything(part):
            if each.get("type") == "BASE_TABLE" and self._is_traced(each["table_name"].casefold()):
                name = self.step(each["table_name"].casefold())
                each["alias"] = each.get("alias") or each["table_name"]
                each["table_name"] = name
                if "qualified_name" in each:
                    each["qualified_name"] = {**each["qualified_name"], "path": [name]}
        return part

    def _is_traced(self, table: str) -> bool:
        """Whether a table's rows were traced; another table, which excludes nothing, keeps all rows."""
        return table in self._statement.definitions or table in self._tracing.sources

    def step(self, table: str) -> str:
        """The step with the traced rows of a table, or with a definition's result on traced rows."""
        if table in self._over:
            return self._over[table]
        name = self._over[table] = f"{self._prefix}{table}"
        definition = self._statement.definitions.get(table)
        steps = self._tracing.steps
        if definition is None:
            steps.add(name, self._tracing.rows_of(table), stored=True)
            return name
        over = copy.copy(definition)
        over.query = self.of(definition.query)
        steps.add(name, definition_text(over, self._syntax), definition.aliases, stored=False)
        return name

    def lists(
        self,
        query: Node,
        rows: str,
        fails: Iterable[str] = (),
        *,
        known: Conditions | None = None,
        width: int = 0,
        joined: str = "",
    ) -> str:
        """A query for lists of rows, one for each traced row that a SELECT reads.

        Args:
            query: the SELECT, over traced rows.
            rows: SQL of the list.
            fails: further conditions.
            known: conditions on its columns.
            width: the number of its columns, if conditions are given.
            joined: a further relation for FROM.
        """
        made = copied(query)
        relation = made["from_table"]
        if joined:
            text = (
                joined if relation["type"] == "EMPTY" else f"{self._syntax.relation_text(relation)}, {joined}"
            )
            made["from_table"] = self._syntax.relation(text)
        plain = [
            self._syntax.expression_text(each)
            for each in conjuncts(made.get("where_clause"))
            if not subqueries(each)
        ]
        conditions = [*(f"({each})" for each in plain), *fails]
        made["where_clause"] = self._syntax.expression(" AND ".join(conditions)) if conditions else None
        made.update(
            group_expressions=[], group_sets=[], having=None, qualify=None, modifiers=[],
            aggregate_handling="STANDARD_HANDLING",
        )  # fmt: skip
        listed = {**self._syntax.expression(rows), "alias": "w"}
        if not known:
            made["select_list"] = [listed]
            return self._syntax.text(made)
        made["select_list"] = [*made["select_list"], listed]
        fits = " AND ".join(condition.of(f"__q.__o{n}") for n, condition in known.items())
        names = ", ".join([*numbered(width, "__o"), "w"])
        return f"SELECT w FROM ({self._syntax.text(made)}) AS __q({names}) WHERE {fits}"
