"""SELECT: its FROM clause, filtered, grouped, projected, made distinct, ordered and limited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from recsys_lineage.columns.binding.item_names import item_name
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.binding.stars import Item, items
from recsys_lineage.columns.edges import NOTHING, Edges, How, deciding, united
from recsys_lineage.columns.expressions.aggregates import aggregates_in, sort_of
from recsys_lineage.columns.expressions.people import counted_people
from recsys_lineage.columns.queries.from_clause import read_from
from recsys_lineage.columns.queries.outer_aggregates import aggregates_around
from recsys_lineage.columns.queries.row_numbers import (
    first_of_each,
    is_place,
    numbered_by,
    numbers,
    partition_cut,
)
from recsys_lineage.columns.queries.sorting import (
    at_place,
    is_all,
    limited,
    makes_array,
    sort_keys,
    sorted_by,
)
from recsys_lineage.columns.relation import Column, Relation, Value, distinct_names, folded
from recsys_lineage.columns.ties import Sort

_UNDERSTOOD = frozenset(
    {
        "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "windows",
        "order", "limit", "offset", "sample", "kind", "hint", "operation_modifiers",
    }
)  # fmt: skip


@dataclass
class Projection:
    """A SELECT list; each of its columns is analysed once, on first use."""

    scope: Scope
    items: list[Item]
    values: dict[int, Value] = field(default_factory=dict)
    reading: set[int] = field(default_factory=set)

    def value(self, place: int) -> Value:
        """The value of the column at an index, from 0."""
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
        """The aliases that may be used in the clauses, or in the list before an index."""
        found: dict[str, Callable[[], Value]] = {}
        for place, item in enumerate(self.items[:before]):
            if item.is_alias and item.name is not None and place not in self.reading:
                found[folded(item.name)] = lambda place=place: self.value(place)  # the last of several counts
        return found

    def place_of(self, key: exp.Expr) -> int | None:
        """Index of an expression in the list; None if it is not there."""
        if is_place(key):
            return int(key.name) - 1
        if key.find(exp.Columns) is not None:
            return None
        for place, item in enumerate(self.items):
            inner = item.node.this if isinstance(item.node, exp.Alias) else item.node
            if inner == key and not isinstance(key, exp.Column):
                return place
        if not isinstance(key, exp.Column):
            return None
        return self.place_of_value(id(self.scope.value(key)))

    def place_of_named(self, key: exp.Expr) -> int | None:
        """Index of an expression of a clause in which an alias takes precedence over a column."""
        if isinstance(key, exp.Column) and len(key.parts) == 1:
            for place, item in reversed([*enumerate(self.items)]):
                if item.is_alias and item.name is not None and folded(item.name) == folded(key.name):
                    return place
        return self.place_of(key)

    def place_of_value(self, identity: int) -> int | None:
        """Index of an unchanged column in the list."""
        for place in range(len(self.items)):
            if id(self.value(place)) == identity:
                return place
        return None

    def sorts(self, *clauses: exp.Expr | None) -> list[Sort]:
        """The windows of some clauses and then of the list, each analysed with the aliases before it."""
        found = [self._sort(each, None) for clause in clauses if clause for each in _windows(clause)]
        nodes = {id(item.node): (place, item.node) for place, item in reversed([*enumerate(self.items)])}
        for place, node in sorted(nodes.values(), key=lambda each: each[0]):
            found += [self._sort(each, place) for each in _windows(node)]
        return found

    def _sort(self, window: exp.Window, place: int | None) -> Sort:
        sort = sort_of(window, self.scope)

        def read() -> Edges:
            before = self.scope.aliases
            self.scope.aliases = self.aliases(place)
            try:
                return sort.read()
            finally:
                self.scope.aliases = before

        return replace(sort, read=read)

    def relation(self) -> Relation:
        """The relation of all columns."""
        values = [self.value(place) for place in range(len(self.items))]
        names = [item.name if item.name is not None else "" for item in self.items]
        return Relation([Column(name, value) for name, value in zip(names, values, strict=True)])


def _windows(node: exp.Expr) -> Iterator[exp.Window]:
    """The window functions of an expression, without those of its subqueries."""
    for each in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(each, exp.Window):
            yield each


def selected(node: exp.Select, scope: Scope) -> Relation:
    """The relation of a SELECT.

    Args:
        node: the SELECT.
        scope: its own scope, which is filled here; it already has the queries of its WITH.
    """
    scope.statement.only(node, _UNDERSTOOD)
    read_from(node, scope)
    scope.windows = {folded(each.this.name): each for each in node.args.get("windows") or ()}
    list_ = Projection(scope, [])
    for each in node.expressions:
        list_.items += items(each, scope)
    scope.aliases = list_.aliases()
    scope.sorts = list_.sorts(node.args.get("qualify"))
    numbered, filtered = None, NOTHING
    if (where := node.args.get("where")) is not None:
        numbered = None if scope.sorts or node.args.get("distinct") else numbered_by(where.this, scope)
        filtered = NOTHING if numbered is not None else deciding(scope.edges(where.this), How.FILTER)
    grouped = _grouped(node, list_, scope)
    if numbered is not None and grouped is not None:
        numbered, filtered = None, numbered.choosing
    scope.rows |= filtered
    found = list_.relation()
    rows = NOTHING if grouped is None else grouped
    if grouped is None or not scope.one_row:
        rows |= scope.rows
    rows |= scope.unnested
    scope.aliases = list_.aliases()
    scope.many_people = None
    if (having := node.args.get("having")) is not None:
        scope.alias_first = True
        rows |= deciding(scope.edges(having.this), How.FILTER)
        scope.alias_first = False
    choosing = NOTHING
    if (qualify := node.args.get("qualify")) is not None:
        cut = deciding(scope.edges(qualify.this), How.FILTER)
        partition = None if node.args.get("distinct") or scope.unnests else partition_cut(qualify.this)
        if partition is None:
            rows |= cut
        else:
            rows |= deciding(united(scope.edges(key) for key in partition), How.WINDOW)
            found = _decided_except(found, cut, {list_.place_of(key) for key in partition})
            choosing = cut
    keys = () if scope.unnests else keys_of(node, list_, scope)
    if numbered is not None:
        rows |= numbered.counting
        places = {list_.place_of_value(each) for each in numbered.keys}
        found = _decided_except(found, numbered.choosing, places)
        choosing |= numbered.choosing
        if numbered.is_single and None not in places and not scope.unnests:
            keys += (frozenset(place for place in places if place is not None),)
    order = scope.order | united(each.edges for each in scope.sorts)
    found = Relation(found.columns, rows, keys, order)
    if qualify is None and not _goes_on(node) and not scope.unnests:
        found = replace(found, numbers=numbers([item.node for item in list_.items], list_.place_of))
    return _last_clauses(node, found, list_, scope, choosing)


def _last_clauses(
    node: exp.Select, found: Relation, list_: Projection, scope: Scope, choosing: Edges
) -> Relation:
    """DISTINCT, ORDER BY and LIMIT.

    Args:
        node, list_, scope: the SELECT, its list, and its scope.
        found: its relation so far.
        choosing: the edges that decide which rows of each partition are there, and not how many.
    """

    def read(key: exp.Expr) -> Edges:
        return _read(key, scope, list_)

    if (distinct := node.args.get("distinct")) is not None:
        if (on := distinct.args.get("on")) is not None:
            keys = [key.unnest() for key in (on.expressions if isinstance(on, exp.Tuple) else [on])]
            edges = united(at_place(key, found, scope).edges if is_place(key) else read(key) for key in keys)
            found = found.narrowed(deciding(edges, How.GROUP_BY) | found.order)
            places = [list_.place_of_named(key) for key in keys]
            if None not in places:
                found = found.with_key(place for place in places if place is not None)
        else:
            found = found.distinct()
    if (order := node.args.get("order")) is not None:
        sorts = sort_keys(order, found, lambda key: read(key) | choosing, list_.place_of_named, scope)
        edges = united(edges for _, edges in sorts)
        chooses = distinct is not None and distinct.args.get("on") is not None
        if makes_array(node):
            if any(is_all(each.this) for each in order.expressions):
                edges |= deciding(united(each.relation.values for each in scope.bindings), How.SORT)
                sorts = [(None, edges)]
            group = node.args.get("group")
            chooses = distinct is not None or (group is not None and bool(group.args.get("all")))
        found = found.narrowed(edges) if chooses else sorted_by(found, sorts)
    return limited(_with_names(found, list_, scope), node, scope)


def _read(node: exp.Expr, scope: Scope, list_: Projection) -> Edges:
    """The edges of an expression in a clause where an alias takes precedence over a column, but not within others."""
    if isinstance(node, exp.Collate):
        return _read(node.this.unnest(), scope, list_)
    if isinstance(node, exp.Column) and len(node.parts) == 1:
        alias = list_.aliases().get(folded(node.name))
        if alias is not None:
            return alias().edges
    return scope.edges(node)


def _grouped(node: exp.Select, list_: Projection, scope: Scope) -> Edges | None:
    """The edges of the keys of GROUP BY; None where rows are not grouped."""
    group = node.args.get("group")
    text = scope.statement.text
    scope.many_people = counted_people(node, scope)
    if group is None:
        clauses = [node.args[name].this for name in ("having", "qualify") if node.args.get(name) is not None]
        ordered = node.args["order"].expressions if node.args.get("order") is not None else []
        parts = [*node.expressions, *clauses, *ordered]
        if node.args.get("having") is None and not any(
            aggregates_in(each, text) or aggregates_around(each, scope) for each in parts
        ):
            return None
        scope.is_grouped = scope.one_row = True
        return NOTHING
    scope.is_grouped = True
    keys: list[Edges] = []
    if group.args.get("all"):
        for place, item in enumerate(list_.items):
            if not aggregates_in(item.node, text, item.behind):
                keys.append(list_.value(place).edges)
    for each in _flat_keys(group):
        if is_place(each):
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
    """The single expressions of a GROUP BY, taken out of its sets."""
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


def keys_of(node: exp.Select, list_: Projection, scope: Scope) -> tuple[frozenset[int], ...]:
    """The sets of columns of a SELECT list that are keys of its rows, before DISTINCT."""
    if scope.one_row:
        return (frozenset(),)
    found: list[frozenset[int]] = []
    if (group := node.args.get("group")) is None:
        keys: list[list[int | None]] = [[list_.place_of_value(value) for value in key] for key in scope.keys]
    elif group.args.get("all") and not group.expressions:
        aggregates = [aggregates_in(item.node, scope.statement.text, item.behind) for item in list_.items]
        keys = [[place for place, aggregate in enumerate(aggregates) if not aggregate]]
    elif group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
        keys = []
    else:
        keys = [[list_.place_of(key) for key in _flat_keys(group)]]
    if (qualify := node.args.get("qualify")) is not None:
        keys += [[list_.place_of(part) for part in parts] for parts in first_of_each(qualify.this)]
    for key in keys:
        if None not in key:
            found.append(frozenset(place for place in key if place is not None))
    return tuple(found)


def _goes_on(node: exp.Select) -> bool:
    """Whether a SELECT has DISTINCT, ORDER BY or a limit."""
    return any(node.args.get(name) is not None for name in ("distinct", "order", "limit", "offset"))


def _decided_except(found: Relation, edges: Edges, places: set[int | None]) -> Relation:
    """The relation with further edges that decide its values, except those of some columns."""
    columns = [
        column if place in places else Column(column.name, column.value.with_edges(edges))
        for place, column in enumerate(found.columns)
    ]
    return replace(found, columns=columns)


def _with_names(found: Relation, list_: Projection, scope: Scope) -> Relation:
    """The relation with DuckDB's names for expressions, unless it is the statement itself.

    The statement's own names come from DuckDB's description; duplicate names get a number.
    """
    names: list[str] = []
    for item in list_.items:
        name = item.name
        if name is None:
            select = item.node.parent
            assert select is not None
            name = item_name(
                item.node, select.expressions, scope.statement.text, select.args.get("windows") or ()
            )
        names.append(name)
    return found.renamed(distinct_names(names))
