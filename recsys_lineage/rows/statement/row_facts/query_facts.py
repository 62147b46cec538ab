"""QueryFacts: facts about a query's rows from its text: their grouping, and whether each is independent of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.row_facts.one_row import takes_one_row
from recsys_lineage.rows.statement.syntax import Node, children, everything, is_expression, parts, whole_of


class QueryFacts:
    """Facts about rows derived from the texts of one statement's queries.

    Args:
        statement: the decomposed statement.
        sources: the folded names of the tables whose rows are followed.
    """

    def __init__(self, statement: Statement, sources: Iterable[str]) -> None:
        self.statement = statement
        self.syntax = statement.catalog.syntax
        self.followed = {*sources}
        for name, each in statement.definitions.items():  # each stands behind those that it reads
            if name not in statement.aside and not self.followed.isdisjoint(each.reads):
                self.followed.add(name)
        self._name_of: Callable[[str], str] = str
        self._own = {id(each.query): (name, each.query) for name, each in statement.definitions.items()}
        self._aggregated: dict[str, bool] = {}
        self._row_by_row: dict[str, bool] = {}

    def is_aggregated(self, query: Node) -> bool:
        """Whether a query groups its rows."""
        name, _ = self._own.get(id(query), ("", None))
        if not name:
            return self._groups_rows(query)
        if name not in self._aggregated:
            self._aggregated[name] = self._groups_rows(query)
        return self._aggregated[name]

    def _groups_rows(self, query: Node) -> bool:
        if query.get("group_expressions") or query.get("group_sets") or query.get("having"):
            return True
        if query.get("aggregate_handling") == "FORCE_AGGREGATES":
            return True
        result = [query["select_list"], query.get("qualify"), query.get("modifiers")]
        return bool(self._aggregate_calls(result))

    def takes_all_rows(self, query: Node) -> bool:
        """Whether a group of a query depends on all its rows, not only on those whose values it takes."""
        result = [query["select_list"], query.get("having"), query.get("qualify"), query.get("modifiers")]
        return not self._one_row_calls(self._aggregate_calls(result))

    def is_row_by_row(self, query: Node) -> bool:
        """Whether each row of a query comes from one row of each relation, independently of the others."""
        name, _ = self._own.get(id(query), ("", None))
        if not name:
            return self._gives_row_by_row(query)
        if name not in self._row_by_row:
            self._row_by_row[name] = self._gives_row_by_row(query)
        return self._row_by_row[name]

    def _gives_row_by_row(self, query: Node) -> bool:
        if query["type"] == "SET_OPERATION_NODE":
            return query["setop_type"].startswith("UNION") and all(
                self.is_row_by_row(each) for each in children(query)
            )
        if query["type"] != "SELECT_NODE" or self.is_aggregated(query) or query.get("modifiers"):
            return False
        windows = any(is_expression(part, "WINDOW") for part in parts(query))
        return not windows and self._is_plain(query)

    def has_rows_without_input(self, query: Node) -> bool:
        """Whether a query returns a row even if its tables have none, like an aggregate without groups."""
        read = [query]
        for part in everything(query):
            name = self._name_of(part.get("table_name", "").casefold())
            definition = self.statement.definitions.get(name)
            if part.get("type") == "BASE_TABLE" and definition is not None and not definition.recursive:
                read.append(definition.query)
        return any(
            each["type"] == "SELECT_NODE" and self.is_aggregated(each) and not each.get("group_expressions")
            for each in read
        ) or any(self.has_rows_without_input(each) for each in read[1:])

    def _aggregate_calls(self, result: object) -> list[Node]:
        return [
            part
            for part in parts(result)
            if is_expression(part, "FUNCTION")
            and part["function_name"].lower() in self.statement.catalog.aggregates
        ]

    def keys_of(self, query: Node) -> list[Node]:
        """The expressions by which a query groups its rows, with aliases, positions and ALL in GROUP BY resolved."""
        select = query["select_list"]
        if query.get("aggregate_handling") == "FORCE_AGGREGATES":
            return [each for each in select if not self._aggregate_calls(each)]
        found: list[Node] = [*query.get("group_expressions", [])]
        for key in query.get("group_expressions", []):
            if is_expression(key, "COLUMN_REF") and len(key["column_names"]) == 1:
                name = key["column_names"][0].casefold()
                found += [each for each in select if each.get("alias", "").casefold() == name]
            elif is_expression(key, "CONSTANT"):
                place = self.syntax.expression_text(key)
                found += select[int(place) - 1 : int(place)] if place.isdecimal() else []
        return found

    def _one_row_calls(self, calls: list[Node]) -> list[Node]:
        """The aggregates of a query, if the value of each comes from one row."""
        if not calls or any(is_expression(part, "STAR") for part in parts(calls)):
            return []
        return calls if all(takes_one_row(call) for call in calls) else []

    def _is_plain(self, query: Node) -> bool:
        """Whether rows below a query are the same if other rows are absent."""
        if any(is_expression(part, "SUBQUERY") for part in parts(query)):
            return False
        for part in parts(query["from_table"]) if query["type"] == "SELECT_NODE" else []:
            if part.get("type") in ("SUBQUERY", "PIVOT", "SHOW_REF"):
                return False
            if part.get("type") == "JOIN" and (
                part["join_type"] not in ("INNER", "SEMI") or part["ref_type"] == "POSITIONAL"
            ):
                return False
            if part.get("type") == "BASE_TABLE":
                name = self._name_of(part["table_name"].casefold())
                below = self.statement.definitions.get(name)
                if below is not None and name in self.followed and not self.is_row_by_row(below.query):
                    return False
        return True

    def _is_absence(self, condition: Node) -> bool:
        """Whether a condition lets a row pass because other rows are absent, so that no row is a witness."""
        inner = condition["children"][0] if condition.get("type") == "OPERATOR_NOT" else None
        if inner is None or not is_expression(inner, "SUBQUERY"):
            return False
        if inner["subquery_type"] not in ("ANY", "EXISTS"):
            return False
        query = inner["subquery"]["node"]
        return not self.has_rows_without_input(query) and not self.answers_aggregates(query)

    def answers_aggregates(self, query: Node) -> bool:
        """Whether a query's result has aggregates of groups, whose values differ with fewer rows."""
        query = self.answering(query)
        return query["type"] == "SELECT_NODE" and bool(self._aggregate_calls(query["select_list"]))

    def answering(self, query: Node) -> Node:
        """The query whose result a query returns unchanged: that of a definition, or itself."""
        definition = self.statement.definitions.get(self._name_of(whole_of(query) or ""))
        return query if definition is None or definition.recursive else definition.query
