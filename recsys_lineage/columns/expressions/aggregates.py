"""Edges of aggregates and window functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from recsys_lineage.columns.binding.names import called, path
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.binding.stars import AT_ONCE_IN_FILTER
from recsys_lineage.columns.edges import (
    NOTHING,
    Edges,
    How,
    aggregated,
    deciding,
    is_singled_out,
    statistic,
    united,
)
from recsys_lineage.columns.expressions.people import is_of_counted_people
from recsys_lineage.columns.relation import Value, folded, list_of
from recsys_lineage.columns.ties import Sort, deciding_ties, is_indifferent
from recsys_lineage.sql.aggregate_functions import aggregate_functions

_BY_MEASURE = ("arg_m", "argm", "min_by", "max_by")
_STATISTICS = frozenset(
    {
        "approx_count_distinct", "avg", "corr", "count", "count_if", "countif", "covar_pop", "covar_samp", "entropy",
        "favg", "fsum", "kahan_sum", "kurtosis", "kurtosis_pop", "mean", "regr_avgx", "regr_avgy",
        "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "sem",
        "skewness", "stddev", "stddev_pop", "stddev_samp", "sum", "sumkahan", "sum_no_overflow", "var_pop",
        "var_samp", "variance",
    }
)  # fmt: skip
"""Aggregates that reveal no single value of their argument if many people are behind it."""
_LISTS = frozenset({"array_agg", "list"})
_PICKS = frozenset(
    {"any_value", "arbitrary", "arg_max", "arg_min", "argmax", "argmin", "first", "last", "max_by", "min_by"}
)
"""Aggregates that return some values of a group unchanged."""
_OF_ORDERED = ("percentile", "quantile", "mode", "median")
_AROUND = exp.IgnoreNulls | exp.RespectNulls


def is_aggregate(node: exp.Expr, name: str) -> bool:
    """Whether a function is an aggregate.

    Args:
        node: the function.
        name: its name in the call.
    """
    return name in aggregate_functions() or (isinstance(node, exp.AggFunc) and "start" not in node.meta)


def aggregates_in(node: exp.Expr, text: str, behind: exp.Expr | None = None) -> bool:
    """Whether an expression contains an aggregate outside of its subqueries that is no window function.

    Args:
        node: the expression.
        text: the statement.
        behind: what COLUMNS(…) in the expression stands for, if it is looked at for one of its columns.
    """
    apart = exp.Query if behind is None else exp.Query | exp.Columns
    if behind is not None and node.find(exp.Columns) is not None and aggregates_in(behind, text):
        return True
    for each in node.walk(prune=lambda inner: isinstance(inner, apart)):
        if isinstance(each, exp.Func) and is_aggregate(each, called(each, text)) and not _is_windowed(each):
            return True
    return False


def aggregate(node: exp.Expr, name: str, scope: Scope) -> Value:
    """An aggregate over the rows of a group."""
    grouped = _grouped_scope(node, scope)
    first, scope.alias_first = scope.alias_first, False
    found, order = _arguments(node, name, scope)
    scope.alias_first = first
    found = aggregated(found)
    if name in _STATISTICS and not is_singled_out(found) and is_of_counted_people(node, scope, grouped):
        found = statistic(found)
    order |= grouped.rows if grouped.one_row else NOTHING
    order |= NOTHING if is_indifferent(name) else grouped.order
    inside = _inside(node, name, scope)
    value = Value(found | order) if inside is None else inside.with_edges(order)
    if (
        name in _LISTS and node.find(exp.Distinct, exp.IgnoreNulls) is None
    ):  # a list has NULL as an element too
        return replace(value, length=grouped.rows if grouped.one_row else NOTHING)
    return value


def _inside(node: exp.Expr, name: str, scope: Scope) -> Value | None:
    """Value of an aggregate that returns its values unchanged, if their parts are known."""
    if name not in (*_LISTS, *_PICKS):
        return None
    arguments = list(node.iter_expressions())
    first = arguments[0] if arguments else None
    while isinstance(first, exp.Order | exp.IgnoreNulls | exp.RespectNulls):
        first = first.this
    if first is None or isinstance(first, exp.Distinct | exp.Star):
        return None
    value = scope.value(first)
    if value.fields is None and value.element is None:
        return None
    value = value.through(aggregated)
    return list_of(value) if name in _LISTS or len(arguments) > 2 else value


def filtered(node: exp.Expr, scope: Scope) -> Value:
    """An aggregate over some of a group's rows, which may have fewer people than the group."""
    many, scope.many_people = scope.many_people, None
    found = scope.value(node.this)
    scope.many_people = many
    return found.with_edges(_condition(node, scope))


def _condition(node: exp.Expr, scope: Scope) -> Edges:
    """The edges of the condition of FILTER."""
    chosen, scope.chosen = scope.chosen, None if AT_ONCE_IN_FILTER else scope.chosen
    try:
        return deciding(scope.edges(node.expression.this), How.FILTER)
    finally:
        scope.chosen = chosen


def within_group(node: exp.Expr, scope: Scope) -> Value:
    """An aggregate over ordered values, `quantile_cont(0.5) WITHIN GROUP (ORDER BY x)`."""
    name = called(node.this, scope.statement.text)
    values = united(scope.edges(each.this) for each in node.expression.expressions)
    ordered = name.startswith(_OF_ORDERED)
    return Value(scope.edges(node.this) | (aggregated(values) if ordered else deciding(values, How.SORT)))


def window(node: exp.Expr, scope: Scope) -> Value:
    """A function over the rows of a window."""
    assert isinstance(node, exp.Window), "no other expression is read as one"
    function, choice = node.this, NOTHING
    if isinstance(function, exp.Filter):
        choice = _condition(function, scope)
        function = function.this
    if isinstance(function, exp.WithinGroup):
        found, order = within_group(function, scope).edges, NOTHING
    else:
        while isinstance(function, _AROUND):
            function = function.this
        name = called(function, scope.statement.text)
        found, order = _arguments(function, name, scope)
        order |= _ties(node, name, scope)
    return Value(aggregated(found) | order | choice | _frame(node, scope))


def _frame(node: exp.Expr, scope: Scope) -> Edges:
    """Edges that decide which rows a window has, and their order."""
    parts: list[exp.Expr] = []
    if (spec := node.args.get("spec")) is not None:
        parts = [each for name in ("start", "end") if isinstance(each := spec.args.get(name), exp.Expr)]
    found = deciding(united(scope.edges(each) for each in parts if not isinstance(each, exp.Var)), How.WINDOW)
    named = _named(node, scope)
    return found | _sorted_by(node, scope) | (NOTHING if named is None else _frame(named, scope))


def _sorted_by(node: exp.Expr, scope: Scope) -> Edges:
    """Partition and sort keys of a window, without the window that it is based on."""
    parts = [*(node.args.get("partition_by") or ())]
    if (order := node.args.get("order")) is not None:
        parts += [each.this for each in order.expressions]
    return deciding(united(scope.edges(each) for each in parts), How.WINDOW)


def _named(node: exp.Expr, scope: Scope) -> exp.Window | None:
    """The window of WINDOW that a window is based on."""
    if (named := node.args.get("alias")) is None:
        return None
    known = scope.windows.get(folded(named.name))
    if known is None:
        names = [each.this.name for each in scope.windows.values()]
        raise scope.statement.unknown("window", named.name, named, names)
    return known


def sort_of(node: exp.Window, scope: Scope) -> Sort:
    """The Sort of a window, evaluated in the scope where its names are defined."""
    named = _named(node, scope)

    def read() -> Edges:
        return _sorted_by(node, scope) | (NOTHING if named is None else _sorted_by(named, scope))

    return Sort(node, named, read)


def _ties(node: exp.Window, name: str, scope: Scope) -> Edges:
    """Edges that decide the order of a window's equal rows, if there may be some and their order matters."""
    below = scope.order
    if (not below and len(scope.sorts) < 2) or is_indifferent(name, node):
        return NOTHING
    own = sort_of(node, scope)
    keys = [*own.partitions, *(key for key, _, _ in own.order)]
    values = {id(scope.value(key)) for key in keys if isinstance(key, exp.Column)}
    if any(key <= values for key in scope.keys):
        return NOTHING
    return below | deciding_ties(own, name, scope.sorts)


def _arguments(node: exp.Expr, name: str, scope: Scope) -> tuple[Edges, Edges]:
    """The edges of an aggregate's values, and of the order or choice of its rows."""
    values: list[Edges] = []
    order: list[Edges] = []

    def read(arguments: Iterable[exp.Expr]) -> None:
        for each in arguments:
            if isinstance(each, exp.Order):
                order.extend(scope.edges(key.this) for key in each.expressions)
                read([each.this] if each.this is not None else [])
            elif isinstance(each, exp.Distinct):
                read(each.expressions)
            elif isinstance(each, _AROUND):
                read([each.this])
            elif not isinstance(each, exp.Star):
                values.append(scope.edges(each))

    read(node.iter_expressions())
    if name.startswith(_BY_MEASURE) and len(values) > 1:
        order.extend(values[1:])
        del values[1:]
    return united(values), deciding(united(order), How.SORT)


def _grouped_scope(node: exp.Expr, scope: Scope) -> Scope:
    """The scope whose rows an aggregate uses: in a subquery over outer columns alone, an outer one.

    Raises:
        ColumnLineageError: the outer query is an aggregate only because of that.
    """
    inside = node.walk(prune=lambda inner: isinstance(inner, exp.Query))
    columns = [parts for each in inside if isinstance(each, exp.Column) and (parts := path(each))]
    found = scope
    while columns and not any(found.is_own(parts) for parts in columns) and found.outer is not None:
        found = found.outer
    if found is not scope and (not found.is_grouped or (scope.one_row and scope.bindings)):
        scope.statement.opaque(node, "write the aggregate outside of the subquery")
    return found


def _is_windowed(node: exp.Expr) -> bool:
    """Whether a function precedes an OVER."""
    child, parent = node, node.parent
    while isinstance(parent, exp.Filter | exp.WithinGroup | _AROUND) and parent.this is child:
        child, parent = parent, parent.parent
    return isinstance(parent, exp.Window) and parent.this is child
