"""Candidates: conditions on the rows of a query that can be made from marked rows of one of its relations.

A row comes from a marked row only if its group, partition or join contains it, so only if their keys have the values of
a marked row. Only these rows and their origins need to be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from recsys_lineage.rows.statement.columns.column_places import place_of
from recsys_lineage.rows.statement.condition import Condition, Conditions, best_column
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.row_facts.window_rows import is_over_all, is_over_partition
from recsys_lineage.rows.statement.syntax import (
    Node,
    conjuncts,
    copied,
    is_expression,
    parts,
    subqueries,
    without_places,
)
from recsys_lineage.rows.witnesses.contribution import Marks
from recsys_lineage.rows.witnesses.narrowing.costly_definitions import windows_of
from recsys_lineage.rows.witnesses.narrowing.pushdown import Pushdown, put
from recsys_lineage.rows.witnesses.witness import Witnesses
from recsys_lineage.sql.names import quote

_KEYS = "__keys"


class Candidates:
    """Rows of definitions that can be made from marked rows.

    Args:
        statement: the decomposed statement.
        witnesses: the statement's witnesses.
        pushdown: restricts relations to rows that can be part of candidates.
        marked: folded name of a table or definition → the step with its marked rows; it grows.
    """

    def __init__(
        self, statement: Statement, witnesses: Witnesses, pushdown: Pushdown, marked: Mapping[str, str]
    ) -> None:
        self._statement, self._witnesses, self._pushdown = statement, witnesses, pushdown
        self._syntax, self._marked = statement.catalog.syntax, marked
        self._values: dict[tuple[str, str], tuple[str, str]] = {}

    def known(self, definition: Definition, table: str, count: int) -> dict[int, tuple[int, Condition]]:
        """Columns of tables whose values output columns have, with conditions on them.

        Args:
            definition: a definition that is not recursive and no set operation.
            table: a table that it reads.
            count: the number of times that it reads the table.
        """
        items = from_items(definition.query["from_table"], self._statement.catalog)
        number = self._only_place(items, table, count)
        if number is None:
            return {}
        query, width = definition.query, len(definition.columns)
        names = [name.casefold() for name in items[number].columns or ()]
        places = self._pushdown.places(query, items, width)
        same = self._pushdown.equal_to_item(query, items, number, places)
        same |= {n: name for n, (each, name) in places.items() if each == number}
        found: dict[int, tuple[int, Condition]] = {}
        for n, name in same.items():
            column = names.index(name)
            made = self.values_of(table, column)
            # of a window or a group only that is known which all of its rows share
            if self._pushdown.known_of_items(query, {n: made}, width).get(number):
                found[n] = column, made
        return found

    def best(self, table: str, known: Mapping[int, tuple[int, Condition]]) -> Conditions:
        """The most selective condition; one good column is enough."""
        if not known:
            return {}
        columns = self._statement.catalog.columns[table]
        best = best_column(columns, {column for column, _ in known.values()})
        return {n: made for n, (column, made) in known.items() if column == best}

    def note(self, step: str, known: Sequence[Mapping[int, Condition]]) -> None:
        """Note for columns of a step with marked rows that all their values are those of a previous step.

        Steps with the same requested values share their results.

        Args:
            step: a step whose rows come from several queries.
            known: the conditions on the columns of each query's rows.
        """
        for n in set.intersection(*(set(each) for each in known)) if known else ():
            requested = {each[n].requested for each in known}
            if len(requested) == 1 and (only := requested.pop()) is not None:
                self._values[step, f"c{n}"] = only

    def values_of(self, table: str, column: int) -> Condition:
        """Condition that an expression has one of the values of a column of a table's marked rows."""
        step = self._marked[table], f"c{column}"
        return Condition.one_of(*self._values.get(step, step))

    def of_marked(self, definition: Definition, table: str, count: int) -> list[Node]:
        """A definition's query over only the marked rows of a table, once for each place where it reads the table.

        Together they return the rows made from marked rows. There are none if a row may be made from several rows of
        the table, as in a group or a window, or if the table is also read outside of FROM.
        """
        query = definition.query
        if self._witnesses.is_aggregated(query) or windows_of(query):
            return []
        found = self._over_marked(query, table, count)
        for each in found:
            self._pushdown.push_into_subqueries(each)
        return found

    def of_groups(
        self, definition: Definition, table: str, count: int, request: Callable[[str, list[Node]], str]
    ) -> Node | None:
        """A definition's query over the groups with marked rows, all of which are made from them; None if unknown.

        Args:
            definition, table, count: as for `known`.
            request: adds a step for a query and conditions, and returns its name.
        """
        query = definition.query
        where = conjuncts(query.get("where_clause"))
        if any(subqueries(each) for each in where) or not self._witnesses.takes_all_rows(query):
            return None
        keys = self._keys(query, from_items(query["from_table"], self._statement.catalog))
        if not keys or not self._witnesses.is_aggregated(query):
            return None
        selects = [
            f"SELECT DISTINCT {self._requested_keys(keys)} FROM {self._syntax.relation_text(around['from_table'])}"
            for around in self._over_marked(query, table, count)
        ]
        if not selects:
            return None
        condition = " AND ".join(f"({self._syntax.expression_text(part)})" for part in where) or "true"
        requested = request(f" WHERE {condition} UNION ".join(selects), where)
        return self._of_whole(definition, keys, requested) or self._cut(query, keys, requested)

    def _of_whole(self, definition: Definition, keys: Sequence[Node], requested: str) -> Node | None:
        """The requested groups of a definition that its author wants stored; None if keys do not determine them."""
        select = [without_places({**each, "alias": ""}) for each in definition.query["select_list"]]
        places = [without_places({**key, "alias": ""}) for key in keys]
        if definition.materialized != "CTE_MATERIALIZE_ALWAYS" or len(select) != len(definition.columns):
            return None
        if not all(place in select for place in places):
            return None
        same = " AND ".join(
            f"__g.{quote(definition.columns[select.index(place)].name)} IS NOT DISTINCT FROM {requested}.{_KEYS}{n}"
            for n, place in enumerate(places)
        )
        found = definition.name
        if len(definition.columns) == 1:
            found = self._pushdown.part_of(
                found.casefold(), {0: Condition.of_answers(requested, f"{_KEYS}0")}
            )
        made = self._syntax.parsed(
            f"SELECT __g.* FROM {quote(found)} AS __g SEMI JOIN {requested} AS {requested} ON {same}"
        )
        assert isinstance(made, dict)
        return made

    def of_partitions(self, definition: Definition, table: str, count: int, stored: str) -> list[str]:
        """Queries for the rows of a stored result in partitions with marked rows; none if unknown.

        A row of a window over whole partitions depends on all rows of its partition. If the partition keys are columns
        of the result, the rows are found in the stored result, and nothing is computed.

        Args:
            definition, table, count: as for `known`.
            stored: the name of a table with the definition's rows.
        """
        query, width = definition.query, len(definition.columns)
        windows = [each for each in windows_of(query) if not is_over_all(each)]
        where = conjuncts(query.get("where_clause"))
        if not windows or any(not is_over_partition(each) for each in windows):
            return []
        if self._witnesses.is_aggregated(query) or any(subqueries(each) for each in where):
            return []
        items = from_items(query["from_table"], self._statement.catalog)
        given = {place: n for n, place in self._pushdown.places(query, items, width).items()}
        made = self._over_marked(query, table, count)
        condition = " AND ".join(f"({self._syntax.expression_text(part)})" for part in where) or "true"
        own = ", ".join(f"__s.{quote(column.name)}" for column in definition.columns)
        found: list[str] = []
        for window in windows:
            keys = [place_of(each, items, query) for each in window["partitions"]]
            columns = [given[key] for key in keys if key in given]
            if len(columns) != len(keys) or len(made) != 1:
                return []
            values = ", ".join(
                f"{self._syntax.expression_text(key)} AS k{n}" for n, key in enumerate(window["partitions"])
            )
            around = self._syntax.relation_text(made[0]["from_table"])
            same = " AND ".join(
                f"__s.{quote(definition.columns[place].name)} IS NOT DISTINCT FROM __k.k{n}"
                for n, place in enumerate(columns)
            )
            requested = f"SELECT DISTINCT {values} FROM {around} WHERE {condition}"
            found.append(
                f"SELECT DISTINCT {own} FROM {quote(stored)} AS __s SEMI JOIN ({requested}) AS __k ON {same}"
            )
        return list(dict.fromkeys(found))

    def of_keys(
        self, definition: Definition, table: str, count: int, request: Callable[[str, list[Node]], str]
    ) -> Node | None:
        """A definition's query over only the groups or partitions with marked rows; None if it has none.

        The keys may be any expressions: those of the marked rows are computed first.

        Args:
            definition, table, count: as for `known`.
            request: adds a step for a query and conditions, and returns its name.
        """
        query = definition.query
        catalog = self._statement.catalog
        around = copied(query["from_table"])
        items = from_items(around, catalog)
        number = self._only_place(items, table, count)
        if number is None or items[number].nearest is not None or not self._pushdown.is_open(query, items):
            return None
        keys = self._keys(query, items)
        if not keys:
            return None
        marks = self._syntax.expression(self.marks(table).of_row(items[number]))
        best = best_column(catalog.columns[table], range(len(catalog.columns[table])))
        self._pushdown.put_part(items[number], {best: self.values_of(table, best)})
        where = [each for each in conjuncts(query.get("where_clause")) if not subqueries(each)]
        select = f"SELECT DISTINCT {self._requested_keys(keys)} FROM {self._syntax.relation_text(around)}"
        return self._cut(query, keys, request(select, [*where, marks]))

    def _packed(self, keys: Sequence[Node]) -> str:
        fields = ", ".join(f"k{n} := {self._syntax.expression_text(key)}" for n, key in enumerate(keys))
        return f"struct_pack({fields})"

    def _requested_keys(self, keys: Sequence[Node]) -> str:
        """The keys together, to distinguish groups, and each alone, to restrict relations."""
        each = [f"{self._syntax.expression_text(key)} AS {_KEYS}{n}" for n, key in enumerate(keys)]
        return ", ".join([f"{self._packed(keys)} AS {_KEYS}", *each])

    def _cut(self, query: Node, keys: Sequence[Node], requested: str) -> Node:
        """A query restricted to rows with requested keys.

        DuckDB does not push such a join below a window or another group, so the relations are restricted by their
        columns first.
        """
        made = copied(query)
        items = from_items(made["from_table"], self._statement.catalog)
        if self._pushdown.is_open(made, items):
            places = [place_of({**key, "alias": ""}, items, query) for key in keys]
            self._pushdown.put_parts_by(
                made,
                items,
                {p: Condition.one_of(requested, f"{_KEYS}{n}") for n, p in enumerate(places) if p},
            )
        relation, table = self._syntax.relation_text(made["from_table"]), quote(requested)
        made["from_table"] = self._syntax.relation(
            f"{relation} SEMI JOIN {table} AS {table} ON {self._packed(keys)} = {table}.{_KEYS}"
        )
        return made

    def _over_marked(self, query: Node, table: str, count: int) -> list[Node]:
        """A query over marked rows at one place after another where FROM reads a table; none if one of them is not
        possible.

        A row that a join may replace by NULLs, or that an ASOF JOIN selects among others, cannot be taken alone.
        """
        catalog = self._statement.catalog
        found: list[Node] = []
        names = [column.name.casefold() for column in catalog.columns[table]]
        for number, each in enumerate(from_items(query["from_table"], catalog)):
            if each.table != table or each.hidden is not None:
                continue
            made = copied(query)
            items = from_items(made["from_table"], catalog)
            item = items[number]
            if item.nulled or item.nearest is not None or not self._pushdown.is_open(made, items):
                return []
            given = [name.casefold() for name in item.columns or ()]
            known = {given[n]: self.values_of(table, n) for n in range(len(names))}
            self._pushdown.put_parts_of_others(made, items, number, known)
            item.node["column_name_alias"] = [*(item.columns or ())]
            put(item, self._marked[table])
            found.append(made)
        return found if len(found) == count else []

    def marks(self, *tables: str, early: bool = False, merged: bool = False) -> Marks:
        """Marks of the marked rows of tables; looked up before joins if `early`.

        Merged marks do not distinguish the tables of marked rows.
        """
        queries: dict[str, str] = {}
        for table in tables:
            fields = ", ".join(f"f{n} := c{n}" for n in range(len(self._statement.catalog.columns[table])))
            queries[table] = f"SELECT struct_pack({fields}) FROM {self._marked[table]}"
        return Marks(queries.get, early=early, merged=merged)

    def _only_place(self, items: list[FromItem], table: str, count: int) -> int | None:
        """The index of the only relation that is a table; None if rows of the table enter in another way too."""
        here = [number for number, item in enumerate(items) if item.table == table and item.hidden is None]
        return here[0] if len(here) == 1 == count and items[here[0]].columns is not None else None

    def _keys(self, query: Node, items: list[FromItem]) -> list[Node]:
        """The keys of a query's groups, or those common to all its windows; none if they are not plain columns."""
        windows = windows_of(query)
        if not self._witnesses.is_aggregated(query):
            first = windows[0].get("partitions", []) if windows else []
            others = [[without_places(key) for key in each.get("partitions", [])] for each in windows]
            keys = [key for key in first if all(without_places(key) in each for each in others)]
        elif windows or len(query.get("group_sets", [])) > 1:
            return []
        else:
            keys = [*query.get("group_expressions", [])]
        return keys if keys and all(self._is_plain(key, items, query) for key in keys) else []

    def _is_plain(self, key: Node, items: list[FromItem], query: Node) -> bool:
        """Whether an expression is one of the columns of FROM, with the same meaning everywhere."""
        inside = [*parts(key)]
        columns = [each for each in inside if is_expression(each, "COLUMN_REF")]
        strange = any(is_expression(each, kind) for each in inside for kind in ("LAMBDA", "SUBQUERY", "STAR"))
        unnested = any(each.get("function_name", "").lower() == "unnest" for each in inside)
        if strange or unnested or not columns:
            return False
        return all(place_of({**each, "alias": ""}, items, query) is not None for each in columns)
