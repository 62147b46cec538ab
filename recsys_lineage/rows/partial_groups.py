"""Partial groups: further rows needed if a statement does not reproduce a row from its traced rows alone.

Fewer input rows may give more output rows. If only some rows of a group were traced, their sum may pass a HAVING that
the whole group does not pass; in a partition another row may become the first. If such an extra row must be absent, as
on the right side of an anti join, or is counted, the wanted row disappears. So if the traced rows do not reproduce a
row, all groups and partitions with traced rows are traced completely; if that is not enough, all rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recsys_lineage.rows.on_traced_rows import OnTracedRows
from recsys_lineage.rows.statement.condition import Fits, all_of
from recsys_lineage.rows.statement.definition import MAIN, Definition
from recsys_lineage.rows.statement.from_item import from_items
from recsys_lineage.rows.statement.steps import numbered
from recsys_lineage.rows.statement.syntax import (
    Node,
    conjuncts,
    copied,
    is_expression,
    parts,
    subqueries,
    without_places,
)
from recsys_lineage.rows.tracing import Tracing
from recsys_lineage.rows.witnesses.absences import SHAPED
from recsys_lineage.rows.witnesses.context import context_of
from recsys_lineage.rows.witnesses.gains import Gains, is_cut
from recsys_lineage.rows.witnesses.narrowing.costly_definitions import windows_of
from recsys_lineage.rows.witnesses.nondeterminism.recomputed import RecomputedValues
from recsys_lineage.sql.names import quote

_STRANGE = ("LAMBDA", "SUBQUERY", "STAR", "WINDOW")
"""Kinds of expressions whose meaning depends on their position, or on more than one row."""


def complete(tracing: Tracing, gains: Gains, fits: Fits, *, given: bool, further: bool = True) -> None:
    """Trace further rows if a wanted row is not reproduced.

    Args:
        tracing: the tracing of all tables so far.
        gains: the gains of the statement.
        fits: the conditions that identify the wanted row of the result.
        given: whether several rows are wanted, which are in the tracing's first step.
        further: whether to add the steps to these rows; without them only the step that says whether they are needed.
    """
    completion = _Completion(tracing, fits, given)
    if not completion.is_decided():
        return
    lost = tracing.lost = completion.lost("__g0_")
    tracing.enough = {source: completion.step(source) for source in tracing.sources}
    if not further:
        return
    tracing.trace_also(completion.groups(gains.definitions), "g0_", of=lost)
    lost = completion.lost("__g1_")
    tables = {source: quote(tracing.statement.catalog.tables[source]) for source in tracing.sources}
    every = {
        source: [f"SELECT * FROM {table} WHERE EXISTS (SELECT 1 FROM {quote(lost)})"]
        for source, table in tables.items()
    }
    tracing.trace_also(every, "g1_", of=lost)


class _Completion:
    """Completion of a tracing's rows until they suffice.

    Args:
        tracing: the tracing of all tables.
        fits: the conditions that identify the wanted row of the result.
        given: whether several rows are wanted.
    """

    def __init__(self, tracing: Tracing, fits: Fits, given: bool) -> None:
        self._tracing, self._facts, self._given = tracing, tracing.witnesses, given
        self._statement = statement = tracing.statement
        self._syntax = statement.catalog.syntax
        self._recomputed = RecomputedValues(statement, self._facts.is_aggregated)
        comparable = self._recomputed.steady(statement.main) - self._need_context()
        self._fits = {place: fit for place, fit in fits.items() if place in comparable}
        self._places = sorted(comparable)
        self._on_traced = OnTracedRows(tracing, "")
        self._lost = ""

    def _need_context(self) -> set[int]:
        """Positions of columns that no rows determine, because they need the whole table."""
        named = {name for table in self._tracing.sources for name in context_of(self._statement, table)[1]}
        return {place for place, each in enumerate(self._statement.main.columns) if each.name in named}

    def is_decided(self) -> bool:
        """Whether it can be decided that the traced rows reproduce a wanted row."""
        steps = {step.name for step in self._tracing.steps}
        return bool(self._places if self._given else self._fits) and self._found() in steps

    def _found(self) -> str:
        """The step that has rows if the wanted rows were found."""
        is_select = self._statement.main.query["type"] == "SELECT_NODE" and not self._given
        return f"__m{MAIN}" if is_select else f"__t{MAIN}"

    def step(self, source: str) -> str:
        """The step with the traced rows of a table."""
        return self._on_traced.step(source)

    def lost(self, prefix: str) -> str:
        """Add a step that has a row if the traced rows do not reproduce a wanted row; returns its name."""
        self._on_traced = OnTracedRows(self._tracing, prefix)
        main = self._statement.main
        over = f"{quote(self._on_traced.step(MAIN))} AS __q({', '.join(numbered(len(main.columns), '__o'))})"
        if self._given:
            same = [self._recomputed.same(main, n, f"__q.__o{n}", f"__t.c{n}") for n in self._places]
            fits = " AND ".join(same)
        else:
            fits = all_of(self._fits, "__q.__o")
        name = f"{prefix}lost"
        text = (
            f"SELECT DISTINCT 1 AS lost FROM {quote(self._found())} AS __t "
            f"WHERE NOT EXISTS (SELECT 1 FROM {over} WHERE {fits})"
        )
        self._tracing.steps.add(name, text, stored=True, of=self._found())
        self._lost = name
        return name

    def groups(self, definitions: Sequence[Definition]) -> dict[str, list[str]]:
        """Queries for the rows, in tables and definitions, of the groups with traced rows."""
        found: dict[str, list[str]] = {}
        for definition in definitions:
            for table, lists in self._of(definition):
                width = len(self._statement.catalog.columns[table])
                fields = ", ".join(f"r.f{n}" for n in range(width))
                found.setdefault(table, []).append(
                    f"SELECT {fields} FROM (SELECT unnest(w) AS r FROM ({lists}) AS __k) AS __u "
                    f"WHERE r IS NOT NULL AND EXISTS (SELECT 1 FROM {quote(self._lost)})"
                )
        return found

    def _of(self, definition: Definition) -> Iterator[tuple[str, str]]:
        query = definition.query
        if definition.recursive or query["type"] != "SELECT_NODE" or query["from_table"]["type"] in SHAPED:
            return  # all rows are then requested at the end
        if bare := self._bare(query):
            yield from self._of_touched(bare)
        over = copied(query)
        over["from_table"] = self._on_traced.of(over["from_table"])
        for subquery in subqueries(
            [query.get(key) for key in ("select_list", "where_clause", "having", "qualify")]
        ):
            below = subquery["subquery"]["node"]
            if below["type"] == "SELECT_NODE" and (bare := self._bare(below)):
                exists = {
                    **subquery, "subquery_type": "EXISTS", "child": None,
                    "subquery": {**subquery["subquery"], "node": bare},
                }  # fmt: skip
                for table, rows in self._tracing.witnesses.of_subquery(exists):
                    yield table, self._on_traced.lists(over, rows)

    def _of_touched(self, bare: Node) -> Iterator[tuple[str, str]]:
        width = len(bare["select_list"])
        names = ", ".join(numbered(width, "k"))
        witnessed = self._tracing.witnesses.of(bare, self._tracing.pushdown.name_of)
        same = " AND ".join(f"__q.k{n} IS NOT DISTINCT FROM __t.k{n}" for n in range(width))
        touched = self._syntax.text(self._on_traced.of(bare))
        text = self._syntax.text(witnessed.query)
        for n, table in enumerate(witnessed.tables):
            yield (
                table,
                f"SELECT __w{n} AS w FROM ({text}) AS __q({names}) "
                f"WHERE EXISTS (SELECT 1 FROM ({touched}) AS __t({names}) WHERE {same})",
            )

    def _bare(self, query: Node) -> Node | None:
        """The rows below a query's groups, partitions or limit, with the keys of FROM; None if there are none."""
        if query["from_table"]["type"] == "EMPTY" or not is_cut(query, self._facts):
            return None
        bare = copied(query)
        where = [each for each in conjuncts(bare.get("where_clause")) if not subqueries(each)]
        texts = [f"({self._syntax.expression_text(each)})" for each in where]
        bare.update(
            select_list=self._keys(query) or [self._syntax.expression("1")],
            where_clause=self._syntax.expression(" AND ".join(texts)) if texts else None,
            group_expressions=[], group_sets=[], having=None, qualify=None, modifiers=[],
            aggregate_handling="STANDARD_HANDLING",
        )  # fmt: skip
        return bare

    def _keys(self, query: Node) -> list[Node]:
        """Keys common to all groups, partitions and limits of a query; empty if there are none, or they are not plain
        columns."""
        by: list[list[Node]] = []
        if self._facts.is_aggregated(query):
            one_set = len(query.get("group_sets", [])) <= 1
            by.append(self._facts.keys_of(query) if one_set else [])
        else:
            by += [each.get("partitions", []) for each in windows_of(query)]
        for each in query.get("modifiers", []):
            if each.get("distinct_on_targets"):
                by.append(each["distinct_on_targets"])
            elif each["type"].startswith("LIMIT"):
                by.append([])
        items = from_items(query["from_table"], self._statement.catalog)
        own = {name.casefold() for item in items for name in item.columns or ()}
        groupings = [[without_places(key) for key in keys if _is_of(key, own)] for keys in by]
        first = [key for key in by[0] if _is_of(key, own)] if by else []
        return [
            {**copied(key), "alias": ""}
            for key in first
            if all(without_places(key) in keys for keys in groupings)
        ]


def _is_of(key: Node, own: set[str]) -> bool:
    """Whether an expression uses only columns with some names, and only one row at a time."""
    inside = [*parts(key)]
    named = [each["column_names"] for each in inside if is_expression(each, "COLUMN_REF")]
    strange = any(is_expression(each, kind) for each in inside for kind in _STRANGE)
    unnested = any(each.get("function_name", "").lower() == "unnest" for each in inside)
    return bool(named) and not strange and not unnested and all(each[-1].casefold() in own for each in named)
