"""Tracing: from rows of the result down their definitions to the rows of tables, as steps.

For each definition the rows of its relations behind its wanted rows are found; these are the wanted rows of those
relations, and so on down to the tables: the recursive tracing procedure of Cui, Widom and Wiener (TODS 2000, section
5). Rows are identified by their values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recsys_lineage.rows.statement.condition import (
    Condition,
    Conditions,
    Fits,
    all_of,
    best_column,
    comparable,
    is_comparable,
    meet,
    plain_conditions,
)
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import MAIN, Definition
from recsys_lineage.rows.statement.from_item import from_items
from recsys_lineage.rows.statement.row_facts.identity import identity
from recsys_lineage.rows.statement.steps import Part, Steps, numbered
from recsys_lineage.rows.statement.syntax import Node, children
from recsys_lineage.rows.stored_rows import stored_rows
from recsys_lineage.rows.witnesses.narrowing.pushdown import Pushdown
from recsys_lineage.rows.witnesses.nondeterminism.recomputed import RecomputedValues
from recsys_lineage.rows.witnesses.witness import Witnesses
from recsys_lineage.rows.witnesses.witnessed_query import Witnessed
from recsys_lineage.sql.names import quote


class Tracing:
    """The tracing of tables through a statement.

    Args:
        statement: the decomposed statement.
        sources: the folded names of the tables.

    Attributes:
        known: definition or table → conditions on its wanted rows.
        counting: definition or table → conditions on all rows that would affect the result if they existed.
        enough: table → the step with the rows found first, if they may suffice.
        lost: in that case, the step that has a row if they do not suffice.
    """

    def __init__(self, statement: Statement, sources: Sequence[str]) -> None:
        self.statement = statement
        self.sources = tuple(sources)
        self.witnesses = Witnesses(statement, sources)
        self.steps = Steps(statement)
        self.pushdown = Pushdown(statement, self.witnesses, self.steps)
        self.known: dict[str, Conditions] = {}
        self.counting: dict[str, Conditions] = {}
        self.enough: dict[str, str] = {}
        self.lost = ""
        self._recomputed = RecomputedValues(statement, self.witnesses.is_aggregated)
        self._wanted: dict[str, list[Part]] = {}
        self._found: dict[str, list[tuple[str, Conditions]]] = {source: [] for source in sources}
        self._likely: Fits = {}
        self._taken: Fits = {}
        self._round = ""

    def trace(
        self, fits: Fits, likely: Fits | None = None, taken: Fits | None = None, *, given: str = ""
    ) -> None:
        """Add the steps to the tables' rows behind the matching rows of the result.

        Args:
            fits: the conditions on columns of the result.
            likely: further conditions, ignored if no row satisfies them too.
            taken: the conditions on all columns; they select a row among those equal for an aggregate.
            given: instead of conditions, a table with rows of the result.
        """
        if MAIN not in self.witnesses.followed:
            return
        if given:
            self._want(MAIN, f"SELECT * FROM {quote(given)}")
        else:
            self.known[MAIN] = plain_conditions(fits)
            self._likely, self._taken = likely or {}, taken or {}
        self._go_down(fits)

    def trace_also(self, wanted: Mapping[str, Sequence[str]], name: str, *, of: str = "") -> None:
        """Add the steps to the tables' rows behind further rows of definitions and tables.

        Args:
            wanted: folded name of a definition or table → queries for its rows.
            name: the name of this round, used in the names of its steps.
            of: a step without rows of which these are not wanted; empty where there is none.
        """
        self._round = name
        self._wanted = {}
        for table, queries in wanted.items():
            self.known[table] = {}
            for query in queries:
                self._want(table, query, of)
        self._go_down({})

    def _go_down(self, fits: Fits) -> None:
        for definition in reversed(list(self.statement.definitions.values())):
            self._step(definition, fits)
        for source in self.sources:
            if source in self._wanted:
                columns = self.statement.catalog.columns[source]
                name = f"__wanted{self._round}_{source}"
                self.steps.add(
                    name,
                    self._wanted[source],
                    numbered(len(columns)),
                    stored=True,
                    types=[column.type for column in columns],
                )
                self._found[source].append((name, self.known.get(source, {})))

    def rows_of(self, source: str) -> str:
        """The query, over the steps, for the rows found of a source, each as often as it is in the source."""
        columns = self.statement.catalog.columns[source]
        whole = quote(self.statement.catalog.tables[source])
        if not self._found[source]:
            return f"SELECT * FROM {whole} WHERE false"
        (first, known), *others = self._found[source]
        text = stored_rows(columns, quote(self.pushdown.part_of(source, known)), quote(first))
        if not others:
            return text
        name = f"__also{self._round}_{source}"
        if name not in {step.name for step in self.steps}:
            queries = [
                Part(
                    f"SELECT * FROM (SELECT * FROM {quote(each)} EXCEPT SELECT * FROM {quote(first)})",
                    (each,),
                )
                for each, _ in others
            ]
            types = [column.type for column in columns]
            self.steps.add(name, queries, numbered(len(columns)), stored=True, types=types)
            # mostly there are no others, and then the table is not read
            self.steps.add(
                f"{name}_rows",
                stored_rows(columns, whole, quote(name)),
                [column.name for column in columns],
                stored=True,
                inputs=((name.casefold(),),),
                types=types,
            )
        return f"{text}\nUNION ALL SELECT * FROM {quote(f'{name}_rows')}"

    def _step(self, definition: Definition, fits: Fits) -> None:
        name = definition.name.casefold()
        wanted = name in self._wanted
        first = name == MAIN and not self._round
        if name not in self.witnesses.followed or not (wanted or first):
            return
        width = len(definition.columns)
        target = ""
        if wanted:
            target = f"__t{self._round}{name}"
            self._add_target(target, definition, self._wanted[name])
            known = comparable(self.known.get(name, {}), definition.columns)
            keys = identity(definition, self.witnesses.is_aggregated)
            keys = self._recomputed.sure(definition, keys) if name == MAIN else keys
            keys = [
                place
                for place in keys
                if self._recomputed.is_exact(definition, place) and is_comparable(definition.columns[place])
            ]
            if not known and keys:
                best = best_column(definition.columns, self._going_down(definition, keys, target) or keys)
                known[best] = Condition.one_of(quote(target), f"c{best}")
            self.known[name] = known
        if name == MAIN:
            self.counting[MAIN] = self.known.get(MAIN, {})
        query = definition.query
        if definition.whole:
            self._whole_step(definition, target)
        elif definition.recursive:
            self._recursive_step(definition, target)
        elif query["type"] == "SET_OPERATION_NODE":
            self._set_operation(definition, target, fits)
        else:
            if not wanted:
                condition = self._fitting(fits, "__q.__o")
            else:
                condition = self._recomputed.in_target(definition, target, likely=name == MAIN)
            known = self.known.get(name, {})
            pushed = self.pushdown.pushed(query, known, width)
            taken = self._taken if name == MAIN and not wanted else {}
            witnessed = self.witnesses.of(pushed, self.pushdown.name_of, taken=taken, apart=True)
            self._matched(definition, witnessed, condition, target)
            self._know(self.known, query, known, width, witnessed)
            self._know(self.counting, query, self.counting.get(name, {}), width, witnessed)

    def _going_down(self, definition: Definition, places: list[int], target: str) -> list[int]:
        """The columns by which rows of a definition's relations are found, in addition to those of its result."""
        known = {place: Condition.one_of(quote(target), f"c{place}") for place in places}
        of_items = self.pushdown.known_of_items(definition.query, known, len(definition.columns))
        requested = {
            each.requested[1] for below in of_items.values() for each in below.values() if each.requested
        }
        return [place for place in places if f"c{place}" in requested]

    def _fitting(self, fits: Fits, columns: str) -> str:
        """The condition on rows of the result, followed by the likely values."""
        condition = all_of(fits, columns) or "true"
        if not self._likely:
            return condition
        likely = all_of(self._likely, columns)
        return f"{condition} QUALIFY {likely} OR bool_or({likely}) OVER () IS NOT TRUE"

    def _add_target(self, target: str, definition: Definition, parts: str | Sequence[Part]) -> None:
        types = [column.type for column in definition.columns]
        self.steps.add(target, parts, numbered(len(types)), stored=True, types=types)

    def _know(
        self,
        of: dict[str, Conditions],
        query: Node,
        known: Conditions,
        width: int,
        witnessed: Witnessed,
    ) -> None:
        """Note conditions on rows of relations that a query reads once, and that are read nowhere else."""
        of_items = self.pushdown.known_of_items(query, known, width)
        items = from_items(query["from_table"], self.statement.catalog)
        for table in set(witnessed.tables):
            here = [
                number for number, item in enumerate(items) if item.table == table and item.hidden is None
            ]
            only_here = witnessed.tables.count(table) == 1 and witnessed.counts[table] == len(here)
            meet(of, table, [of_items.get(number, {}) for number in here] if here and only_here else [{}])

    def _matched(self, definition: Definition, witnessed: Witnessed, condition: str, target: str) -> None:
        """Add the step that finds a definition's wanted rows with their witnesses, and request these in turn."""
        if not witnessed.tables:
            return
        name = f"__m{self._round}{definition.name.casefold()}"
        lists = ", ".join(f"__w{n}" for n in range(len(witnessed.tables)))
        own = ", ".join(numbered(len(definition.columns), "__o"))
        text = self.statement.catalog.syntax.text
        keys = "".join(f", {key}" for each in witnessed.partitions for key in each.columns)
        found = f"SELECT {lists}{keys} FROM ({text(witnessed.query)}) AS __q({own}) WHERE {condition}"
        if witnessed.repeats and not keys:
            found = _each_once(found, len(witnessed.tables))
        self.steps.add(name, found, stored=True, of=target)
        found_in = [name]
        for place, each in enumerate(witnessed.partitions):
            same = " AND ".join(f"__q.{key} IS NOT DISTINCT FROM __m.{key}" for key in each.names)
            names = ", ".join(each.names)
            of_keys = f"(SELECT DISTINCT {names} FROM {quote(name)}) AS __m"
            if each.place:
                of_keys = (
                    f"(SELECT {names}, max({each.place}) AS __p FROM {quote(name)} GROUP BY {names}) AS __m"
                )
                same += f" AND __q.{each.place} <= __m.__p"
            part = text(self.pushdown.of_partition(each, name))
            found = f"SELECT {lists} FROM ({part}) AS __q({own}) SEMI JOIN {of_keys} ON {same}"
            found_in.append(f"{name}_{place}")
            self.steps.add(found_in[-1], found, stored=True, of=name)
        for n, table in enumerate(witnessed.tables):
            for step in found_in:
                rows = f"SELECT unnest(__w{n}) AS r FROM {quote(step)}"
                self._want(table, self._unnested(table, rows), step)

    def _unnested(self, table: str, rows: str) -> str:
        width = len(self.statement.catalog.columns[table])
        fields = ", ".join(f"r.f{n}" for n in range(width))
        once = "DISTINCT " if table in self.statement.definitions else ""
        return f"SELECT {once}{fields} FROM ({rows}) AS __u WHERE r IS NOT NULL"

    def _want(self, table: str, rows: str, of: str = "") -> None:
        self._wanted.setdefault(table, []).append(Part(rows, (of,) if of else ()))

    def _set_operation(self, definition: Definition, target: str, fits: Fits) -> None:
        """Request the rows of each side that equal a wanted row; for a difference, those of its left side."""
        query = definition.query
        sides = children(query)
        if query["setop_type"] == "EXCEPT":
            left, right = sides
            sides = [left]
            if self.witnesses.has_rows_without_input(right):
                table = right["from_table"]["table_name"].casefold()
                meet(self.known, table, [{}])
                meet(self.counting, table, [{}])
                self._want(table, f"SELECT * FROM {quote(self.pushdown.part_of(table, {}))}")
        every = list(range(len(definition.columns)))
        is_recomputed = definition.name == MAIN and self._recomputed.sure(definition, every) != every
        if not target or is_recomputed:
            given, target = target, f"__t{MAIN}" if not target else f"__t{MAIN}_again"
            own = ", ".join(numbered(len(every), "__o"))
            condition = (
                self._recomputed.in_target(definition, given, likely=True)
                if given
                else self._fitting(fits, "__q.__o")
            )
            text = self.statement.catalog.syntax.text(
                self.pushdown.pushed(query, self.known[MAIN], len(every))
            )
            found = f"SELECT DISTINCT * FROM ({text}) AS __q({own}) WHERE {condition}"
            self._add_target(target, definition, found)
        places = {column.name.casefold(): n for n, column in enumerate(definition.columns)}
        for side in sides:
            table = side["from_table"]["table_name"].casefold()
            if table not in self.witnesses.followed:
                continue
            columns = self.statement.catalog.columns[table]
            if query["setop_type"] == "UNION_BY_NAME":
                taken = [places[column.name.casefold()] for column in columns]
            else:
                taken = list(range(len(columns)))
            same = [
                self._recomputed.same(definition, place, f"__q.c{n}", f"__t.c{place}")
                if column.type == definition.columns[place].type
                else f"CAST(__q.c{n} AS {definition.columns[place].type}) IS NOT DISTINCT FROM __t.c{place}"
                for n, (column, place) in enumerate(zip(columns, taken, strict=True))
            ]
            same += [f"__t.c{place} IS NULL" for place in places.values() if place not in taken]
            names = ", ".join(f"c{n}" for n in range(len(columns)))
            kinds = [column.type for column in definition.columns]
            of_side = self.pushdown.side_conditions(
                query, table, self.known.get(definition.name.casefold(), {}), list(places), kinds
            )
            meet(self.known, table, [of_side])
            counting = self.counting.get(definition.name.casefold(), {})
            counting = self.pushdown.side_conditions(query, table, counting, list(places), kinds)
            meet(self.counting, table, [counting])
            self._want(
                table,
                f"SELECT * FROM {quote(self.pushdown.part_of(table, of_side))} AS __q({names}) WHERE EXISTS "
                f"(SELECT 1 FROM {quote(target)} AS __t WHERE {' AND '.join(same)})",
                target,
            )

    def _whole_step(self, definition: Definition, target: str) -> None:
        """Request all rows of the inputs of a recursive definition whose steps are not row by row.

        USING KEY replaces rows during the recursion, and a step over all rows of the previous step differs from one
        over all rows of all steps, so a row's origins cannot be found by its values.
        """
        for table in dict.fromkeys(definition.reads):
            if table in self.witnesses.followed and table != definition.name.casefold():
                meet(self.known, table, [{}])
                meet(self.counting, table, [{}])
                self._want(table, f"SELECT * FROM {quote(self.pushdown.part_of(table, {}))}", target)

    def _recursive_step(self, definition: Definition, target: str) -> None:
        """Follow a recursive definition's rows back to its start, through every row in between."""
        query, name = definition.query, definition.name.casefold()
        witnesses = self.witnesses
        width = len(definition.columns)
        own = ", ".join(numbered(width, "__o"))
        every = list(range(width))
        witnessed = witnesses.of(query["right"], self.pushdown.name_of)
        for table in [*witnessed.tables, query["left"]["from_table"].get("table_name", "").casefold()]:
            meet(self.known, table, [{}])
            meet(self.counting, table, [{}])
        syntax = self.statement.catalog.syntax
        lists = ", ".join(f"__w{n}" for n in range(len(witnessed.tables)))
        step, all_rows = f"__a{self._round}{name}", f"__r{self._round}{name}"
        found = f"SELECT {own}, {lists} FROM ({syntax.text(witnessed.query)}) AS __q({own})"
        self.steps.add(step, found, stored=False)
        back = " UNION ALL ".join(
            f"SELECT unnest(__q.__w{n}) AS r FROM {quote(step)} AS __q, {quote(all_rows)} AS __t WHERE "
            + " AND ".join(self._recomputed.same(definition, k, f"__q.__o{k}", f"__t.c{k}") for k in every)
            for n, table in enumerate(witnessed.tables)
            if table == name
        )
        rows = self._unnested(name, back)
        self.steps.add(all_rows, f"SELECT * FROM {quote(target)} UNION {rows}", numbered(width), stored=False)
        wanted = self._recomputed.in_target(definition, all_rows, every)
        for n, table in enumerate(witnessed.tables):
            if table != name:
                found = f"SELECT unnest(__w{n}) AS r FROM {quote(step)} AS __q WHERE {wanted}"
                self._want(table, self._unnested(table, found), target)
        start = query["left"]["from_table"].get("table_name", "").casefold()
        if start in witnesses.followed:
            columns = self.statement.catalog.columns[start]
            same = " AND ".join(
                self._recomputed.same(
                    definition, n, f"CAST(__q.c{n} AS {definition.columns[n].type})", f"__t.c{n}"
                )
                for n in every
            )
            given = ", ".join(f"c{n}" for n in range(len(columns)))
            self._want(
                start,
                f"SELECT * FROM {quote(self.statement.definitions[start].name)} AS __q({given}) WHERE EXISTS "
                f"(SELECT 1 FROM {quote(all_rows)} AS __t WHERE {same})",
                target,
            )


def _each_once(found: str, lists: int) -> str:
    """SQL that removes duplicates from lists of rows, which joined rows repeat; a row without origins keeps its list of
    NULL.
    """
    some = "unnest(CASE WHEN len(__w{0}) > 0 THEN __w{0} ELSE [NULL] END) AS r{0}"
    rows = ", ".join(some.format(n) for n in range(lists))
    once = ", ".join(f"[r{n}] AS __w{n}" for n in range(lists))
    each = ", ".join(f"(r{n})" for n in range(lists))
    return f"SELECT {once} FROM (SELECT {rows} FROM ({found})) GROUP BY GROUPING SETS ({each})"
