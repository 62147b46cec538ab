"""Flowing: from rows of a table up through a statement's definitions to the rows of its result made from them."""

from __future__ import annotations

from collections.abc import Sequence

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.statement.condition import Conditions
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.steps import All, Marking, Part, Steps, numbered
from recsys_lineage.rows.statement.syntax import Node, children, is_cut
from recsys_lineage.rows.witnesses.narrowing.candidates import Candidates
from recsys_lineage.rows.witnesses.narrowing.costly_definitions import (
    is_costly,
    is_distinct,
    shaped,
    windows_of,
)
from recsys_lineage.rows.witnesses.narrowing.inputs import inputs_of
from recsys_lineage.rows.witnesses.narrowing.pushdown import Pushdown
from recsys_lineage.rows.witnesses.narrowing.wanted import Wanted
from recsys_lineage.rows.witnesses.narrowing.wholly_marked import WhollyMarked
from recsys_lineage.rows.witnesses.nondeterminism.float_sums import float_sums
from recsys_lineage.rows.witnesses.witness import Witnesses
from recsys_lineage.sql.names import quote


class Flowing:
    """Search for the rows of a statement's result that rows of a table flow into.

    Args:
        statement: the decomposed statement.
        source: the folded name of the table.
        stored: the name of a table with the statement's result; empty where there is none.
        whole: whether the followed rows are all rows of the table.
        all_stored: whether the stored rows are the complete result.
    """

    def __init__(
        self,
        statement: Statement,
        source: str,
        stored: str = "",
        *,
        whole: bool = False,
        all_stored: bool = False,
    ) -> None:
        self.statement, self.source, self._stored, self._whole = statement, source, stored, whole
        self.syntax = statement.catalog.syntax
        self.witnesses = Witnesses(statement, (source,))
        self._wholly_marked = WhollyMarked(statement, self.witnesses)
        self.steps = Steps(statement)
        self._once = float_sums(statement, self.witnesses.followed)
        self.pushdown = Pushdown(statement, self.witnesses, self.steps, self._once)
        self._wanted = Wanted(
            statement, self.witnesses, self.pushdown, self.steps, stored if all_stored else ""
        )
        self._marked: dict[str, str] = {}
        self._known: list[Conditions] = []
        self._requested: list[str] = []
        self.candidates = Candidates(statement, self.witnesses, self.pushdown, self._marked)

    def result(self, given: str) -> str:
        """Add the steps and return the query over them for the rows of the result that the rows of a table flow
        into."""
        main = self.statement.main
        if self.statement.sampled:
            raise self.statement.cannot(
                "a sample of rows to what is made of them",
                advice="sample by a hash of a key: WHERE hash(k) % 10 = 0",
            )
        names = ", ".join(quote(column.name) for column in main.columns)
        if main.name.casefold() not in self.witnesses.followed:
            columns = ", ".join(
                f"CAST(NULL AS {column.type}) AS {quote(column.name)}" for column in main.columns
            )
            return f"SELECT {columns} WHERE false"
        self._mark(self.source, [Part(f"SELECT DISTINCT * FROM {quote(given)}")])
        for definition in self.statement.definitions.values():
            if definition.name.casefold() in self.witnesses.followed:
                self._step(definition)
        return f"SELECT * FROM {self._marked[main.name.casefold()]} AS __rows({names})"

    def costly(self) -> dict[str, int]:
        """The definitions, folded, that compute at least all of their rows if some are requested.

        Each has the use at which its rows are stored: the second, or the first if a part of them is never enough, or if
        grouping leaves few rows.
        """
        first = shaped(self.statement) | {
            name
            for name, each in self.statement.definitions.items()
            if each.query["type"] == "SELECT_NODE"
            and (self.witnesses.is_aggregated(each.query) or is_distinct(each.query))
        }
        return {
            name: 1 if name in first else 2
            for name, each in self.statement.definitions.items()
            if is_costly(each, self.statement, self.witnesses)
        }

    def _mark(self, table: str, parts: Sequence[Part]) -> None:
        name = f"__f{len(self._marked)}"
        types = [column.type for column in self._columns(table)]
        self.steps.add(
            name,
            parts,
            numbered(len(types)),
            stored=True,
            types=types,
            all_rows=self._all_rows(table),
            marking=self._marking(table),
        )
        self._marked[table] = name
        self.candidates.note(name, self._known)

    def _all_rows(self, table: str) -> All | None:
        """The marked rows of a definition that consists entirely of marked rows."""
        definition = self.statement.definitions.get(table)
        if definition is None:
            followed = f"SELECT * FROM {quote(self.statement.catalog.tables[table])}"
            return All(followed, single=True, of=()) if self._whole else None
        of = [
            tuple(self._marked[each] for each in tables)
            for tables in self._wholly_marked.follow_from(definition)
            if all(each in self._marked for each in tables)
        ]
        scalars = dict.fromkeys(self._wholly_marked.scalars_of(definition))
        text = f"SELECT DISTINCT * FROM {quote(definition.name)}"
        if definition is self.statement.main:
            text = f"SELECT DISTINCT * FROM ({self.syntax.text(definition.query)}) AS __all"
            if self._stored:
                text = f"SELECT * FROM {quote(self._stored)}"
        return All(
            text,
            self._wholly_marked.single.has(table),
            tuple(of),
            tuple(self._marked[n] for n in scalars if n in self._marked),
        )

    def _marking(self, table: str) -> Marking | None:
        """The Marking of a definition that groups or windows rows: all its rows are computed once, each with its
        mark."""
        definition = self.statement.definitions.get(table)
        if definition is None or definition.recursive:
            return None
        query, columns, once = definition.query, definition.columns, table in self._once
        if definition is self.statement.main and not once:
            return None
        if query["type"] != "SELECT_NODE" or len({each.name.casefold() for each in columns}) < len(columns):
            return None
        if not self.witnesses.is_aggregated(query) and not windows_of(query):
            return None
        read = tuple(dict.fromkeys(each for each in definition.reads if each in self._marked))
        marked = tuple(self._marked[each] for each in read)
        if read and not once:
            query = self._wanted.cut(definition) or query

        def text() -> str:
            marks = self.candidates.marks(*read, early=True, merged=True)
            witnessed = self.witnesses.of(query, self.pushdown.name_of, marks)
            own = ", ".join(numbered(len(columns), "__o"))
            flags = [f"coalesce(__w{n}, false)" for n in range(len(witnessed.tables))]
            return (
                f"SELECT {own}, {' OR '.join(flags)} FROM ({self.syntax.text(witnessed.query)}) AS __q({own})"
            )

        names = tuple(column.name for column in columns)
        return Marking(marked, tuple(self._requested), text, definition.name, names, once)

    def _columns(self, table: str) -> tuple[Column, ...]:
        definition = self.statement.definitions.get(table)
        return definition.columns if definition is not None else self.statement.catalog.columns[table]

    def _step(self, definition: Definition) -> None:
        name, query = definition.name.casefold(), definition.query
        self._known, self._requested = [], []
        if definition.whole:  # as a trace of it holds all rows that it reads
            marked = tuple(self._marked[table] for table in definition.reads if table in self._marked)
            there = " OR ".join(f"EXISTS (SELECT 1 FROM {each})" for each in marked)
            self._mark(name, [Part(f"SELECT * FROM {quote(definition.name)} WHERE {there}", marked)])
        elif definition.recursive:
            self._recursive_step(definition)
        elif query["type"] == "SET_OPERATION_NODE":
            self._mark(name, self._sides(definition) or [Part(_nothing(len(definition.columns)))])
        else:
            self._mark(name, self._flows(definition))

    def _flows(self, definition: Definition) -> list[Part]:
        """The rows made from marked rows, found at once for all relations with the same requested values."""
        query, width = definition.query, len(definition.columns)
        read = self.witnesses.of(query, self.pushdown.name_of)
        ways: list[tuple[Node, Conditions, list[str]]] = []
        known = [self.candidates.known(definition, table, read.counts[table]) for table in read.tables]
        found: list[Part] = []
        for table, each in zip(read.tables, known, strict=True):
            whole = self._of_stored(definition, table, read.counts[table])
            whole = whole or self._of_marked(definition, table, read.counts[table])
            if whole:
                found += whole
                continue
            conditions = self.candidates.best(table, each)
            same = next((way for way in ways if conditions and way[1] == conditions), None)
            if same is not None:
                same[2].append(table)
                continue
            of_keys = None
            if not conditions:
                of_keys = self.candidates.of_keys(definition, table, read.counts[table], self._request)
            ways.append((of_keys or self.pushdown.pushed(query, conditions, width), conditions, [table]))
        self._known = [{n: made for n, (_, made) in each.items()} for each in known]
        found += [self._flow(query, tables, width) for query, _, tables in ways]
        return found or [Part(_nothing(width))]

    def _request(self, select: str, plain: list[Node]) -> str:
        name = self.pushdown.request(select, plain)
        self._requested.append(name)
        return name

    def _of_marked(self, definition: Definition, table: str, count: int) -> list[Part]:
        """The rows made from marked rows of a table, if they can be found without marks."""
        queries = self.candidates.of_marked(definition, table, count)
        if not queries:
            groups = self.candidates.of_groups(definition, table, count, self.pushdown.request)
            queries = [] if groups is None else [groups]
        own = ", ".join(numbered(len(definition.columns), "__o"))
        return [
            Part(
                f"SELECT DISTINCT {own} FROM ({self.syntax.text(query)}) AS __q({own})",
                (self._marked[table],),
                inputs_of(query, self.witnesses),
            )
            for query in queries
        ]

    def _of_stored(self, definition: Definition, table: str, count: int) -> list[Part]:
        """The rows of the stored result made from marked rows of a table, found by their keys."""
        if not self._stored or definition is not self.statement.main:
            return []
        queries = self.candidates.of_partitions(definition, table, count, self._stored)
        return [Part(query, (self._marked[table],)) for query in queries]

    def _flow(self, query: Node, tables: list[str], width: int) -> Part:
        """The rows of a query made from marked rows of some tables."""
        witnessed = self.witnesses.of(query, self.pushdown.name_of, self.candidates.marks(*tables))
        own = ", ".join(numbered(width, "__o"))
        marks = [f"coalesce(__w{n}, false)" for n, table in enumerate(witnessed.tables) if table in tables]
        text = (
            f"SELECT DISTINCT {own} FROM ({self.syntax.text(witnessed.query)}) AS __q({own}) "
            f"WHERE {' OR '.join(marks)}"
        )
        return Part(text, tuple(self._marked[table] for table in tables), inputs_of(query, self.witnesses))

    def _is_marked(self, table: str) -> str:
        width = len(self._columns(table))
        same = " AND ".join(f"__u.r.f{n} IS NOT DISTINCT FROM __f.c{n}" for n in range(width))
        return f"EXISTS (SELECT 1 FROM {self._marked[table]} AS __f WHERE {same})"

    def _sides(self, definition: Definition) -> list[Part]:
        query = definition.query
        sides = children(query)[:1] if query["setop_type"] == "EXCEPT" else children(query)
        found: list[Part] = []
        for side in sides:
            table = side["from_table"]["table_name"].casefold()
            if table not in self.witnesses.followed:
                continue
            columns = self.statement.catalog.columns[table]
            by_name = query["setop_type"] == "UNION_BY_NAME"
            places = {column.name.casefold(): n for n, column in enumerate(columns)}
            taken = [
                places.get(column.name.casefold()) if by_name else n
                for n, column in enumerate(definition.columns)
            ]
            values = [
                f"CAST({'NULL' if place is None else f'c{place}'} AS {column.type})"
                for column, place in zip(definition.columns, taken, strict=True)
            ]
            text = f"SELECT {', '.join(values)} FROM {self._marked[table]}"
            if not query["setop_type"].startswith("UNION") or is_cut(query):
                text = f"SELECT * FROM ({text}) AS __q INTERSECT SELECT * FROM ({self.syntax.text(query)}) AS __all"
                text = f"SELECT * FROM ({text}) AS __both"
            found.append(Part(text, (self._marked[table],)))
            same = {
                n: self.candidates.values_of(table, place)
                for n, (column, place) in enumerate(zip(definition.columns, taken, strict=True))
                if place is not None and columns[place].type == column.type
            }
            self._known.append(same)
        return found

    def _recursive_step(self, definition: Definition) -> None:
        query, name, width = definition.query, definition.name.casefold(), len(definition.columns)
        own = ", ".join(f"__o{n}" for n in range(width))
        seeds: list[str] = []
        start = query["left"]["from_table"].get("table_name", "").casefold()
        if start in self._marked:
            values = ", ".join(f"CAST(c{n} AS {column.type})" for n, column in enumerate(definition.columns))
            seeds.append(f"SELECT {values} FROM {self._marked[start]}")
        witnessed = self.witnesses.of(query["right"], self.pushdown.name_of)
        rows = {
            n: f"SELECT {own}, unnest(__w{n}) AS r FROM ({self.syntax.text(witnessed.query)}) AS __q({own})"
            for n in range(len(witnessed.tables))
        }
        for n, table in enumerate(witnessed.tables):
            if table != name:
                seeds.append(f"SELECT {own} FROM ({rows[n]}) AS __u WHERE {self._is_marked(table)}")
        marked = f"__f{len(self._marked)}"
        same = " AND ".join(f"__u.r.f{n} IS NOT DISTINCT FROM __f.c{n}" for n in range(width))
        onward = " UNION ALL ".join(
            f"SELECT {own} FROM ({rows[n]}) AS __u, {marked} AS __f WHERE {same}"
            for n, table in enumerate(witnessed.tables)
            if table == name
        )
        self.steps.add(
            f"{marked}s", " UNION ".join(seeds or [_nothing(width)]), numbered(width), stored=False
        )
        self.steps.add(marked, f"SELECT * FROM {marked}s UNION ({onward})", numbered(width), stored=False)
        self._marked[name] = marked


def _nothing(width: int) -> str:
    return f"SELECT {', '.join(['NULL'] * width)} WHERE false"
