"""Witnesses: a query that returns, with each of its rows, the rows of its relations from which that row was made.

The lineage of an operator's row is that of Cui, Widom and Wiener ("Tracing the lineage of view data in a warehousing
environment", ACM TODS 25(2), 2000, section 4): for a join the joined rows, for an aggregate the rows of the group, for
a difference the rows of the left side. As in Perm (Glavic and Alonso, "Perm: processing provenance and data on the same
data model through query rewriting", ICDE 2009) the rewritten query carries these rows in additional columns, and the
contribution of subqueries is found by evaluating them for the same outer row ("Provenance for nested subqueries", EDBT
2009). For an aggregate that takes one row's value, such as max, one row suffices: a witness in the sense of Buneman,
Khanna and Tan ("Why and where", ICDT 2001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from recsys_lineage.rows.statement.columns.column_names import bound_names, names_of_item, width_of
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.from_item import FromItem, from_items, mark_items
from recsys_lineage.rows.statement.row_facts.one_row import row_of
from recsys_lineage.rows.statement.row_facts.path_counts import path_counts
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.row_facts.window_rows import (
    is_over_all,
    rows_looked_at,
)
from recsys_lineage.rows.statement.syntax import (
    Node,
    arguments,
    children,
    conjuncts,
    copied,
    is_expression,
    once,
    parts,
    set_children,
    subqueries,
    without_places,
)  # fmt: skip
from recsys_lineage.rows.witnesses.contribution import Contribution, Lists
from recsys_lineage.rows.witnesses.partitions import partitions_of, set_apart
from recsys_lineage.rows.witnesses.reshaped import of_reshaped
from recsys_lineage.rows.witnesses.result_order import simplify_order
from recsys_lineage.rows.witnesses.semi_joins import fitting, rows_of_conditions, visible_subqueries
from recsys_lineage.rows.witnesses.witnessed_query import Witnessed, drop_own_columns
from recsys_lineage.sql.names import quote

_COMPARED = {
    "COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<", "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=", "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "IS DISTINCT FROM", "COMPARE_NOT_DISTINCT_FROM": "IS NOT DISTINCT FROM",
}  # fmt: skip


class Witnesses(QueryFacts):
    """The rewriting of one statement's queries for the witnesses of some tables.

    Args:
        statement: the decomposed statement.
        sources: the folded names of the tables.
    """

    def __init__(self, statement: Statement, sources: Iterable[str]) -> None:
        super().__init__(statement, sources)
        self._contribution: Contribution = Lists()
        self._paths = path_counts(statement, sources)

    def of(
        self,
        query: Node,
        name_of: Callable[[str], str] | None = None,
        contribution: Contribution | None = None,
        taken: Mapping[int, Callable[[str], str]] | None = None,
        *,
        apart: bool = False,
    ) -> Witnessed:
        """A query with additional columns that list, for each followed table and definition, the rows behind each row.

        Args:
            query: any query except a recursive one.
            name_of: returns the table or definition that a relation is a part of, if some are parts.
            contribution: the content of the columns in place of lists.
            taken: column position → function from an expression to the condition that it has the wanted value; among
                rows that are equal for an aggregate, one with the value is listed.
            apart: whether to leave the rows of windows over partitions out of the lists, because each row of a
                partition would list all of them, or all before it.

        Raises:
            RowTraceError: a part of it cannot be traced.
        """
        if name_of is not None:
            self._name_of = name_of
        before = self._contribution
        self._contribution = contribution or before
        try:
            return self._of(query, taken or {}, apart)
        finally:
            self._contribution = before

    def _of(self, query: Node, taken: Mapping[int, Callable[[str], str]], apart: bool) -> Witnessed:
        if query["type"] == "SET_OPERATION_NODE":
            return self._of_union(query)
        query = copied(query)
        relation = query["from_table"]
        if relation["type"] in ("PIVOT", "SHOW_REF"):
            return self._of_shaped(query)
        items = from_items(relation, self.statement.catalog)
        for item in items:
            item.table = self._name_of(item.table)
        aggregated = self.is_aggregated(query)
        plain = aggregated and self._is_plain(query)
        mark_items(query, items, self.statement, self._mark_before)
        rows = [*self._of_items(items, query)]
        result = [query["select_list"], query.get("having"), query.get("qualify"), query.get("modifiers")]
        calls = self._aggregate_calls(result)
        in_calls = [each for call in calls for each in subqueries(call)]
        where = [each for each in conjuncts(query.get("where_clause")) if not self._is_absence(each)]
        rows += rows_of_conditions(items, self.statement, self._contribution, self.of_subquery)
        below = [*visible_subqueries(relation, items), *subqueries(where), *in_calls]
        in_keys = subqueries(self.keys_of(query)) if aggregated else []
        below += in_keys
        keys = [without_places(each) for each in in_keys]
        ungrouped = [
            each
            for each in subqueries(result)
            if not any(each is other for other in in_calls) and without_places(each) not in keys
        ]
        if not aggregated:
            below, ungrouped = [*below, *ungrouped], []
        conditions = [each for each in where if is_expression(each, "SUBQUERY")]
        rows += [
            pair
            for each in once(below)
            for pair in self.of_subquery(each, must_be_true=any(each is other for other in conditions))
        ]
        if aggregated:
            one = self._one_row_calls(calls)
            likes = self._likes(query, one, taken)
            joined = len(items) > 1 or bool(below)
            if not one:
                rows = self._merged(rows)
            rows = [
                (table, self._of_group(row, one if plain or self._paths[table] == 1 else [], likes, joined))
                for table, row in rows
            ]
        rows += [pair for each in once(ungrouped) for pair in self.of_subquery(each)]
        windows = once([part for part in parts(result) if is_expression(part, "WINDOW")])
        repeats = len(items) > 1 or bool(below or ungrouped)
        return self._witnessed(query, self._merged(rows), windows, repeats=repeats, apart=apart)

    def _witnessed(
        self, query: Node, rows: list[tuple[str, str]], windows: list[Node], *, repeats: bool, apart: bool
    ) -> Witnessed:
        """A query with columns for its witnesses, those of its windows included.

        Args:
            query: the query; it is changed in place.
            rows: tables, each with SQL of the witnesses of one row.
            windows: the window functions of the query.
            repeats: whether its witnesses may repeat.
            apart: whether windows over whole partitions get queries of their own.
        """
        near = [window for window in windows if not is_over_all(window)]
        found = set_apart(near, self.statement) if apart else []
        listed = [window for window in near if not any(window is each for each in found)]
        columns: dict[str, list[str]] = {}
        of_partitions: dict[str, list[str]] = {}
        for table, row in rows:
            columns.setdefault(table, []).append(row)
            of_partitions.setdefault(table, []).append(row)
            columns[table] += dict.fromkeys(self._over(window, row) for window in listed)
        made = Witnessed(query, repeats=repeats or bool(listed))
        if rows:
            made.partitions = partitions_of(
                query, found, self.is_aggregated(query), lambda bare: self._list(bare, of_partitions)
            )
        simplify_order(query, self.statement.catalog)
        for table, _ in rows:
            made.counts[table] = made.counts.get(table, 0) + 1
        self._list(query, columns)
        made.tables += columns
        return made

    def _list(self, query: Node, columns: Mapping[str, list[str]]) -> None:
        """Add a column `__w0`, `__w1`, … for each table to a query, with the union of several expressions."""
        for n, lists in enumerate(columns.values()):
            content = self.syntax.expression(self._contribution.together(lists))
            query["select_list"].append({**content, "alias": f"__w{n}"})

    def _merged(self, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Rows of several tables treated as rows of one, if that is enough."""
        if not self._contribution.merged or len(rows) < 2:
            return rows
        return [(rows[0][0], self._contribution.together([row for _, row in rows]))]

    def _mark_before(self, item: FromItem) -> str:
        return self._contribution.before_joins(item) if item.table in self.followed else ""

    def _of_union(self, query: Node) -> Witnessed:
        if not query["setop_type"].startswith("UNION"):
            return self._of_difference(query)
        sides = [self.of(side) for side in children(query)]
        tables = [table for side in sides for table in side.tables]
        before = 0
        for side in sides:
            row = [f"NULL AS __w{n}" for n in range(len(tables))]
            for n in range(len(side.tables)):
                row[before + n] = f"__w{n} AS __w{before + n}"
            before += len(side.tables)
            own = (
                f"SELECT * EXCLUDE ({', '.join(f'__w{n}' for n in range(len(side.tables)))})"
                if side.tables
                else "SELECT *"
            )
            parsed = self.syntax.parsed(
                f"{', '.join([own, *row])} FROM ({self.syntax.text(side.query)}) AS __side"
            )
            assert isinstance(parsed, dict)
            side.query = parsed
        made = copied(query)
        made["setop_all"], made["modifiers"] = True, []
        set_children(made, [side.query for side in sides])
        if (
            query["setop_type"] != "UNION" and tables
        ):  # columns that only the second side has come behind the lists
            lists = ", ".join(f"__w{n}" for n in range(len(tables)))
            text = f"SELECT * EXCLUDE ({lists}), {lists} FROM ({self.syntax.text(made)}) AS __both"
            parsed = self.syntax.parsed(text)
            assert isinstance(parsed, dict)
            made = parsed
        return Witnessed(made, tables)

    def _of_difference(self, query: Node) -> Witnessed:
        """A correlated EXCEPT or INTERSECT, with the origins of equal rows of the first side, or of both."""
        sides = children(query)[: 1 if query["setop_type"] == "EXCEPT" else 2]
        width = width_of(query, 0, self.statement.catalog)
        if not width:
            raise self.statement.cannot(
                f"{query['setop_type']} in a subquery that uses columns around it",
                query,
                "write out its columns",
            )
        same = " AND ".join(f"__q.__o{n} IS NOT DISTINCT FROM __s.__s{n}" for n in range(width))
        found = [pair for side in sides for pair in self._lists(self.of(side), width, same)]
        lists = "".join(f", {text} AS __w{n}" for n, (_, text) in enumerate(found))
        names = ", ".join(f"__s{n}" for n in range(width))
        parsed = self.syntax.parsed(f"SELECT __s.*{lists} FROM ({self.syntax.text(query)}) AS __s({names})")
        assert isinstance(parsed, dict)
        return Witnessed(parsed, [table for table, _ in found])

    def _of_shaped(self, query: Node) -> Witnessed:
        """PIVOT, UNPIVOT and SUMMARIZE of one table; rows of DESCRIBE have no origins."""
        relation = query["from_table"]
        if relation.get("show_type") == "DESCRIBE":
            return Witnessed(query)
        inner = relation["source"] if relation["type"] == "PIVOT" else relation["query"].get("from_table", {})
        if inner.get("type") != "BASE_TABLE":
            raise self.statement.cannot(
                "a PIVOT or SUMMARIZE of more than one table", relation, "write it WITH a name"
            )
        item = from_items(inner, self.statement.catalog)[0]
        item.table, item.alias = self._name_of(item.table), "__given"
        if item.table not in self.followed or item.columns is None:
            return Witnessed(query)
        return of_reshaped(query, item, self.statement, self._contribution)

    def _of_items(self, items: list[FromItem], query: Node) -> list[tuple[str, str]]:
        """SQL of the list of each followed relation's rows in one joined row, by relation of FROM."""
        found: list[tuple[str, str]] = []
        for item in items:
            kind = item.node.get("type")
            if item.hidden is not None:
                if item.table in self.followed:
                    found.append((item.table, self.of_hidden(item)))
                elif kind == "SUBQUERY":
                    raise self.statement.cannot(
                        "a subquery behind SEMI or ANTI JOIN that uses columns around it", item.node
                    )
            elif item.table in self.followed:
                found.append((item.table, self._contribution.of_item(item)))
            elif kind == "SUBQUERY" and not item.table:
                found += self._of_lateral(item, query)
            elif kind in ("PIVOT", "SHOW_REF"):
                raise self.statement.cannot(
                    f"{kind.replace('SHOW_REF', 'SUMMARIZE')} next to other relations", item.node
                )
        return found

    def of_hidden(self, item: FromItem) -> str:
        """SQL of the list of rows on the right side of a SEMI or ANTI JOIN that match the row on the left."""
        return f"(SELECT {self._contribution.one_of(item)} {fitting(item, self.statement)})"

    def _of_lateral(self, item: FromItem, query: Node) -> list[tuple[str, str]]:
        """Lists of the rows behind a row of a correlated subquery in FROM."""
        inner = item.node["subquery"]["node"]
        witnessed = self.of(inner)
        if not witnessed.tables:
            return []
        catalog = self.statement.catalog
        names = names_of_item(item, catalog) or bound_names(item, query, catalog)
        if names is None:
            raise self.statement.cannot(
                "a LATERAL subquery with columns that are not named", item.node, "write out its columns"
            )
        fits = " AND ".join(
            f"__q.__o{n} IS NOT DISTINCT FROM {quote(item.alias)}.{quote(name)}"
            for n, name in enumerate(names)
        )
        return self._lists(witnessed, len(names), fits)

    def of_subquery(self, subquery: Node, must_be_true: bool = False) -> list[tuple[str, str]]:
        """Lists of the rows on which the value of a subquery expression depends.

        NOT IN and NOT EXISTS let a row pass because there is no matching row, so the lists are empty then. If IN need
        not be true, its value may also be NULL, because of a NULL among the rows.
        """
        inner = subquery["subquery"]["node"]
        if inner.get("having") and not inner.get("group_expressions"):
            inner = {**inner, "having": None}  # with fewer rows it might hold
        witnessed = self.of(inner)
        if subquery["subquery_type"] != "ANY":
            return self._lists(witnessed, 0, "")
        child = subquery["child"]
        many = is_expression(child, "FUNCTION") and child["function_name"] == "row"
        width = width_of(inner, len(arguments(child)), self.statement.catalog) if many else 1
        many &= width > 1
        fits = self._compared(subquery, width if many else 1)
        if self.has_rows_without_input(subquery["subquery"]["node"]):
            return self._lists(witnessed, width, "")
        if not must_be_true and self.answers_aggregates(
            inner
        ):  # what equals none of them may equal one of fewer rows
            return self._lists(
                witnessed, width, self._in_group(child if many else None, self.answering(inner))
            )
        return self._lists(witnessed, width, fits if must_be_true else f"({fits}) IS NOT FALSE")

    def _compared(self, subquery: Node, width: int) -> str:
        """SQL of the comparison of IN or ANY with one row of the subquery; parts of a row are compared one by one."""
        child, operator = subquery["child"], _COMPARED[subquery["comparison_type"]]
        if operator == "=" and width > 1 and len(requested := arguments(child)) == width:
            each = (f"({self.syntax.expression_text(part)}) = __q.__o{n}" for n, part in enumerate(requested))
            return f"({' AND '.join(each)})"
        value = f"row({', '.join(f'__q.__o{n}' for n in range(width))})" if width > 1 else "__q.__o0"
        return f"({self.syntax.expression_text(child)}) {operator} {value}"

    def _in_group(self, row: Node | None, query: Node) -> str:
        """SQL of whether one of a group's several values, which is no aggregate, equals the requested value."""
        if row is None or len(arguments(row)) != len(query["select_list"]):
            return ""
        fits = [
            f"(({self.syntax.expression_text(value)}) = __q.__o{n}) IS NOT FALSE"
            for n, (value, answer) in enumerate(zip(arguments(row), query["select_list"], strict=True))
            if not self._aggregate_calls(answer)
        ]
        return " AND ".join(fits)

    def _lists(self, witnessed: Witnessed, width: int, condition: str) -> list[tuple[str, str]]:
        if not witnessed.tables:
            return []
        names = f"({', '.join(f'__o{n}' for n in range(width))})" if width else ""
        where = f" WHERE {condition}" if condition else ""
        if not width:
            drop_own_columns(witnessed)
        text = self.syntax.text(witnessed.query)
        joined = witnessed.query.get("from_table", {}).get("type") == "JOIN"
        gathered = partial(self._contribution.gathered, joined=joined)
        return [
            (table, f"(SELECT {gathered(f'__q.__w{n}')} FROM ({text}) AS __q{names}{where})")
            for n, table in enumerate(witnessed.tables)
        ]

    def _of_group(self, row: str, one: list[Node], likes: list[tuple[Node, str]], joined: bool) -> str:
        """SQL of the rows of a group, or of one for each aggregate, given that of the rows behind one of its rows."""
        if not one:
            return self._contribution.gathered(row, joined=joined)
        found = [row_of(call, row, self.syntax, _weighed(call, likes)) for call in one]
        return self._contribution.together(found)

    def _likes(
        self, query: Node, one: list[Node], taken: Mapping[int, Callable[[str], str]]
    ) -> list[tuple[Node, str]]:
        """Aggregates that take their value from one row, each with SQL of 1 for a row with the wanted value, else 0."""
        select = query["select_list"]
        if any(is_expression(part, "STAR") for part in parts(select)):
            return []
        same = [
            (each, taken[place](f"({self.syntax.expression_text(arguments(each)[0])})"))
            for place, each in enumerate(select)
            if place in taken and any(each is call for call in one)
        ]
        return [(each, f"coalesce(({condition})::INTEGER, 0)") for each, condition in same]

    def _over(self, window: Node, row: str) -> str:
        made = rows_looked_at(window, self.syntax.expression(row), self.syntax, self._contribution.gathering)
        return self._contribution.of_window(self.syntax.expression_text(made))


def _weighed(call: Node, likes: list[tuple[Node, str]]) -> str:
    """SQL of how well a row fits an aggregate: by its own value first, then by the number of other wanted values."""
    own = [f"{len(likes)} * {text}" for each, text in likes if each is call]
    return " + ".join([*own, *(text for _, text in likes)])
