"""What a SELECT gives: its FROM clause, cut down, grouped, projected, made distinct, ordered and cut again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from recsys_lineage.columns.aggregates import aggregates_in
from recsys_lineage.columns.edges import NOTHING, Edges, How, deciding, united
from recsys_lineage.columns.empty_tables import name_of_expression
from recsys_lineage.columns.from_clause import read_from
from recsys_lineage.columns.people import keeps_many_people
from recsys_lineage.columns.relation import Column, Relation, Value, folded
from recsys_lineage.columns.scope import Scope
from recsys_lineage.columns.sorting import at_place, limited, order_edges
from recsys_lineage.columns.stars import Item, items

_UNDERSTOOD = frozenset(
    {
        "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "windows",
        "order", "limit", "offset", "sample", "kind", "hint", "operation_modifiers",
    }
)  # fmt: skip


@dataclass
class _Projection:
    """The SELECT list, each of its columns read once and when it is first needed."""

    scope: Scope
    items: list[Item]
    values: dict[int, Value] = field(default_factory=dict)
    reading: set[int] = field(default_factory=set)

    def value(self, place: int) -> Value:
        """The value of the column at a place, from 0."""
        if place not in self.values:
            self.reading.add(place)
            before = self.scope.aliases
            self.scope.aliases = self.aliases(place)
            try:
                self.values[place] = self.items[place].read()
            finally:
                self.scope.aliases = before
                self.reading.discard(place)
        return self.values[place]

    def aliases(self, before: int | None = None) -> dict[str, Callable[[], Value]]:
        """The aliases that may be used in the clauses, or in the list before a place of it."""
        found: dict[str, Callable[[], Value]] = {}
        for place, item in enumerate(self.items[:before]):
            if item.is_alias and item.name is not None and place not in self.reading:
                found.setdefault(folded(item.name), lambda place=place: self.value(place))
        return found

    def relation(self) -> Relation:
        """All columns."""
        values = [self.value(place) for place in range(len(self.items))]
        names = [item.name if item.name is not None else "" for item in self.items]
        return Relation([Column(name, value) for name, value in zip(names, values, strict=True)])


def selected(node: exp.Select, scope: Scope) -> Relation:
    """The relation of a SELECT.

    Args:
        node: the SELECT.
        scope: its own, which is filled here; the queries of its WITH are there already.
    """
    for name, given in node.args.items():
        if given and name not in _UNDERSTOOD:
            scope.statement.opaque(node, f"leave the clause {name.strip('_').upper()} out")
    read_from(node, scope)
    scope.windows = {folded(each.this.name): each for each in node.args.get("windows") or ()}
    list_ = _Projection(scope, [])
    for each in node.expressions:
        list_.items += items(each, scope)
    scope.aliases = list_.aliases()
    if (where := node.args.get("where")) is not None:
        scope.rows |= deciding(scope.edges(where.this), How.FILTER)
    grouped = _grouped(node, list_, scope)
    found = list_.relation()
    rows = NOTHING if grouped is None else grouped
    if grouped is None or not scope.one_row:
        rows |= scope.rows
    rows |= scope.unnested
    scope.aliases = list_.aliases()
    scope.many_people = False
    if (having := node.args.get("having")) is not None:
        rows |= deciding(_read(having.this, scope, list_), How.FILTER)
    if (qualify := node.args.get("qualify")) is not None:
        rows |= deciding(_read(qualify.this, scope, list_), How.FILTER)
    found = Relation(found.columns, rows, _keys(node, list_, scope))
    return _last_clauses(node, found, list_, scope)


def _last_clauses(node: exp.Select, found: Relation, list_: _Projection, scope: Scope) -> Relation:
    """DISTINCT, ORDER BY and LIMIT."""

    def read(key: exp.Expr) -> Edges:
        return _read(key, scope, list_)

    if (distinct := node.args.get("distinct")) is not None:
        if (on := distinct.args.get("on")) is not None:
            keys = on.expressions if isinstance(on, exp.Tuple) else [on]
            edges = united(at_place(key, found, scope).edges if _is_place(key) else read(key) for key in keys)
            found = found.narrowed(deciding(edges, How.GROUP_BY))
        else:
            found = found.distinct()
    if (order := node.args.get("order")) is not None:
        found = found.narrowed(order_edges(order, found, read, scope))
    return limited(_with_names(found, list_, scope), node, scope)


def _read(node: exp.Expr, scope: Scope, list_: _Projection) -> Edges:
    """The edges of an expression of a clause in which an alias goes before a column."""
    if isinstance(node, exp.Column) and len(node.parts) == 1:
        alias = list_.aliases().get(folded(node.name))
        if alias is not None:
            return alias().edges
    return scope.edges(node)


def _is_place(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string


def _grouped(node: exp.Select, list_: _Projection, scope: Scope) -> Edges | None:
    """The edges of the keys of GROUP BY; None where rows are not grouped."""
    group = node.args.get("group")
    text = scope.statement.text
    scope.many_people = keeps_many_people(node, scope)
    if group is None:
        clauses = [node.args[name].this for name in ("having", "qualify") if node.args.get(name) is not None]
        ordered = node.args["order"].expressions if node.args.get("order") is not None else []
        parts = [*node.expressions, *clauses, *ordered]
        if node.args.get("having") is None and not any(aggregates_in(each, text) for each in parts):
            return None
        scope.one_row = True
        return NOTHING
    keys: list[Edges] = []
    if group.args.get("all"):
        for place, item in enumerate(list_.items):
            if not aggregates_in(item.node, text):
                keys.append(list_.value(place).edges)
    for each in _flat_keys(group):
        if _is_place(each):
            wanted = int(each.name) - 1
            if not 0 <= wanted < len(list_.items):
                raise scope.statement.fault(
                    f"There is no column {wanted + 1} in the SELECT list.", each, found=each.name
                )
            keys.append(list_.value(wanted).edges)
        else:
            keys.append(scope.edges(each))
    return deciding(united(keys), How.GROUP_BY)


def _flat_keys(group: exp.Expr) -> list[exp.Expr]:
    """The single expressions of a GROUP BY, out of its sets."""
    found: list[exp.Expr] = []

    def add(node: exp.Expr) -> None:
        if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
            for each in node.expressions:
                add(each)
        elif isinstance(node, exp.Paren):
            add(node.this)
        else:
            found.append(node)

    for name in ("expressions", "grouping_sets", "cube", "rollup"):
        for each in group.args.get(name) or ():
            if isinstance(each, exp.Expr):
                add(each)
    return found


def _keys(node: exp.Select, list_: _Projection, scope: Scope) -> tuple[frozenset[int], ...]:
    if scope.one_row:
        return (frozenset(),)
    return ()


def _with_names(found: Relation, list_: _Projection, scope: Scope) -> Relation:
    """The relation with the names that DuckDB makes for expressions, where it is not the statement itself.

    The statement's own names are those that DuckDB describes; names that come twice get a number.
    """
    names: list[str] = []
    known: set[str] = set()
    for item in list_.items:
        name = item.name
        if name is None:
            name = name_of_expression(item.node.sql("duckdb")) or "?"
        base, number = name, 0
        while folded(name) in known:
            number += 1
            name = f"{base}_{number}"
        known.add(folded(name))
        names.append(name)
    return found.renamed(names)
