"""Excluding rows: rows whose presence excludes other traced rows.

NOT IN, NOT EXISTS, an anti join and EXCEPT let a row pass because other rows are absent, and absent rows are no
witnesses. But a row that did not pass may still be among the traced rows, if the statement reads its table elsewhere
too. On the traced rows alone it would pass and be counted wrongly. So the rows that exclude a traced row are traced
too; only then are the traced rows sufficient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from recsys_lineage.rows.on_traced_rows import OnTracedRows
from recsys_lineage.rows.partial_groups import complete
from recsys_lineage.rows.statement.condition import Conditions, Fits
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.steps import numbered
from recsys_lineage.rows.statement.syntax import (
    Node,
    Syntax,
    children,
    copied,
    subqueries,
)
from recsys_lineage.rows.tracing import Tracing
from recsys_lineage.rows.witnesses.absences import SHAPED, Absences, guards, inner, missed
from recsys_lineage.rows.witnesses.gains import Gains
from recsys_lineage.sql.names import quote


def traced(
    statement: Statement,
    sources: Sequence[str],
    fits: Fits,
    likely: Fits | None = None,
    taken: Fits | None = None,
    *,
    given: str = "",
    further: bool = True,
) -> Tracing:
    """The tracing of some tables through a statement, including the rows that exclude traced rows.

    Args:
        statement: the decomposed statement.
        sources: the folded names of the tables.
        fits: the conditions on columns of the result.
        likely: further conditions, applied if a row satisfies them.
        taken: the conditions on all columns; they select a row among those equal for an aggregate.
        given: instead of conditions, a table with rows of the result.
        further: whether to add the steps that are needed only if `lost` has a row.
    """
    absences, gains = Absences(statement), Gains(statement)
    left, right = absences.left, absences.right
    others = {*gains.tables, *(left | right if right & set(sources) else ())}
    tracing = Tracing(statement, [*dict.fromkeys([*sources, *sorted(others)])])
    tracing.trace(fits, likely, taken, given=given)
    if right & set(tracing.sources):
        counting = dict(tracing.counting)
        # a row that excludes another one may itself be excluded
        for number in range(2 if left & right else 1):
            wanted = _ExcludingRows(tracing, absences, counting, f"__v{number}_").wanted()
            if wanted:
                tracing.trace_also(wanted, f"k{number}_")
    if gains.tables:
        complete(tracing, gains, taken or {}, given=bool(given), further=further)
    return tracing


class _Known(TypedDict, total=False):
    known: Conditions
    width: int


class _ExcludingRows:
    """The rows that exclude traced rows of one round.

    Args:
        tracing: the tracing that found these.
        absences: the absences in the statement.
        counting: definition → conditions on rows that would affect the result.
        prefix: the prefix of the names of steps over the traced rows.
    """

    def __init__(
        self,
        tracing: Tracing,
        absences: Absences,
        counting: Mapping[str, Conditions],
        prefix: str,
    ) -> None:
        self._tracing, self._absences = tracing, absences
        self._counting = counting
        self._statement, self._witnesses = tracing.statement, tracing.witnesses
        self._syntax = tracing.statement.catalog.syntax
        self._on_traced = OnTracedRows(tracing, prefix)

    def wanted(self) -> dict[str, list[str]]:
        """Queries for the rows of definitions and tables that exclude traced rows."""
        found: dict[str, list[str]] = {}
        for definition in self._absences.definitions:
            for table, text in self._of(definition):
                found.setdefault(table, []).append(text)
        return found

    def _of(self, definition: Definition) -> Iterator[tuple[str, str]]:
        query = definition.query
        if query["type"] == "SET_OPERATION_NODE":
            yield from self._of_difference(definition)
            return
        own = "" if self._absences.counts_rows(query) else definition.name.casefold()
        is_counted = definition.name.casefold() in self._absences.counting
        for table, text in self._of_select(query, own, is_counted, True):
            width = len(self._statement.catalog.columns[table])
            fields = ", ".join(f"r.f{n}" for n in range(width))
            yield table, f"SELECT {fields} FROM (SELECT unnest(w) AS r FROM ({text}) AS __k) AS __u"

    def _of_select(
        self, query: Node, own: str, is_counted: bool, outermost: bool
    ) -> Iterator[tuple[str, str]]:
        """Queries for lists of the rows of tables and definitions because of which a traced row does not pass.

        Args:
            query: a SELECT, or a correlated subquery.
            own: its definition, if each row that passes is a row of the definition.
            is_counted: whether rows that pass wrongly matter; in subqueries they always do.
            outermost: whether it is not correlated.
        """
        if query["type"] != "SELECT_NODE" or query["from_table"]["type"] in SHAPED:
            return
        items = from_items(query["from_table"], self._statement.catalog)
        over = copied(query)
        over["from_table"] = self._on_traced.of(_without_anti_joins(over["from_table"]))
        if is_counted and outermost:
            self._tracing.pushdown.push_into_subqueries(over)
        for guard in guards(over) if is_counted else ():
            fails = f"({self._syntax.expression_text(guard)}) IS NOT TRUE"
            for each in subqueries(guard):
                for table, rows in self._witnesses.of_subquery(each):
                    yield table, self._on_traced.lists(over, rows, [fails], **self._known(own))
        for item in items if is_counted else ():
            anti = item.hidden is not None and item.hidden["join_type"] == "ANTI"
            if anti and item.table in self._witnesses.followed:
                yield (
                    item.table,
                    self._on_traced.lists(over, self._witnesses.of_hidden(item), **self._known(own)),
                )
        for item, join in missed(query, items) if is_counted else ():
            if item.table in self._witnesses.followed:
                missing = " AND ".join(
                    f"{quote(item.alias)}.{quote(name)} IS NULL" for name in item.columns or ()
                )
                rows = _matching(item, join, items, self._syntax)
                yield item.table, self._on_traced.lists(over, rows, [missing], **self._known(own))
        for below in inner(query):
            for table, text in self._of_select(below, "", True, False):
                yield table, self._on_traced.lists(over, "__n.w", joined=f"LATERAL ({text}) AS __n")

    def _known(self, own: str) -> _Known:
        """Conditions on each row that passes, and its number of columns, if these are a definition's."""
        if not self._counting.get(own):
            return {}
        return {"known": self._counting[own], "width": len(self._statement.definitions[own].columns)}

    def _of_difference(self, definition: Definition) -> Iterator[tuple[str, str]]:
        """The rows on the right side of EXCEPT that equal a traced row on the left."""
        left, right = (side["from_table"]["table_name"].casefold() for side in children(definition.query))
        if right not in self._witnesses.followed:
            return
        known = self._counting.get(definition.name.casefold(), {})
        names = ", ".join(numbered(len(definition.columns)))
        kinds = [column.type for column in definition.columns]
        same = [
            f"CAST(__q.c{n} AS {kind}) IS NOT DISTINCT FROM CAST(__t.c{n} AS {kind})"
            for n, kind in enumerate(kinds)
        ]
        same += [condition.of(f"__t.c{n}") for n, condition in known.items()]
        name = self._tracing.pushdown.part_of(right, {})
        yield (
            right,
            (
                f"SELECT * FROM {quote(name)} AS __q({names}) WHERE EXISTS (SELECT 1 FROM "
                f"{quote(self._on_traced.step(left))} AS __t({names}) WHERE {' AND '.join(same)})"
            ),
        )


def _matching(item: FromItem, join: Node, items: list[FromItem], syntax: Syntax) -> str:
    """SQL of the list of all rows on one side of a join that match the row on the other side."""
    fits = [syntax.expression_text(join["condition"])] if join.get("condition") else []
    for name in join.get("using_columns", []):
        other = next(
            each.alias
            for each in items
            if each is not item and name.casefold() in [column.casefold() for column in each.columns or ()]
        )
        fits.append(f"{quote(other)}.{quote(name)} = {quote(item.alias)}.{quote(name)}")
    return f"(SELECT list({item.row}) FROM {syntax.relation_text(item.node)} WHERE {' AND '.join(fits) or 'true'})"


def _without_anti_joins(relation: Node) -> Node:
    """A FROM clause with each anti join replaced by its left side."""
    if relation.get("type") != "JOIN":
        return relation
    if relation["join_type"] == "ANTI":
        return _without_anti_joins(relation["left"])
    return {
        **relation,
        "left": _without_anti_joins(relation["left"]),
        "right": _without_anti_joins(relation["right"]),
    }
