"""Groups of several people: those kept by `HAVING count(DISTINCT person) >= k`, and the columns of these people."""

from __future__ import annotations

from sqlglot import exp

from recsys_lineage.columns.binding.names import operands
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import Edges, How, twice, unequal, united

_LEAST = 2
_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {exp.LTE: exp.GTE, exp.LT: exp.GT}


def counted_people(node: exp.Select, scope: Scope) -> Edges | None:
    """The edges of the people counted by a SELECT that keeps only groups of at least k of them, k of at least 2.

    A `$parameter` counts as k if its value is known to be at least 2. None where groups are not restricted in this way.
    """
    having = node.args.get("having")
    if having is None:
        return None
    conditions = having.this.flatten() if isinstance(having.this, exp.And) else [having.this]
    found = (_counted(each.unnest(), scope) for each in conditions)
    return next((edges for edges in found if edges is not None), None)


def _counted(condition: exp.Expr, scope: Scope) -> Edges | None:
    if not isinstance(condition, exp.GTE | exp.GT | exp.LTE | exp.LT):
        return None
    kind: type[exp.Expr] = type(condition)
    counted, bound = condition.this, condition.expression
    if kind in _TURNED:
        kind, counted, bound = _TURNED[kind], bound, counted
    if not (isinstance(counted, exp.Count) and isinstance(counted.this, exp.Distinct)):
        return None
    people = counted.this.expressions
    if len(people) != 1 or not _is_at_least(bound, _LEAST if kind is exp.GTE else _LEAST - 1, scope):
        return None
    known = scope.statement.people
    if not isinstance(people[0], exp.Column):
        return None
    scope.counted = scope.value(people[0])
    found = scope.counted.edges
    values = [edge for edge in found if edge[2] <= How.AGGREGATION]
    if known is not None and not values:
        return None
    are_people = known is None or all(
        (table, column) in known and not how for table, column, how, _ in values
    )
    return found if are_people else None


def is_of_counted_people(node: exp.Expr, scope: Scope, grouped: Scope) -> bool:
    """Whether each value of an aggregate belongs to one of the people that its group is counted by.

    False where a value may be NULL for some of them, as after a LEFT JOIN with few matches; a choice in an expression
    has a mark. False also for a value of another table that is not joined by the person: a single customer
    joined to many visitors is a single customer, and so is a customer joined to many others.

    Args:
        node: the aggregate.
        scope: its scope.
        grouped: the scope whose rows it aggregates.
    """
    people = grouped.many_people
    if people is None:
        return False
    parts = [*operands(node)]
    edges = united(scope.edges(each) for each in parts)
    if {edge for edge in edges if How.AGGREGATION < edge[2] < How.CONDITIONAL} - people:
        return False
    known = scope.statement.people
    if known is None:
        return True
    rows = grouped.rows | people
    values = {table for table, _, how, _ in edges if table and how <= How.AGGREGATION}
    if any(twice(table) <= rows for table in values):
        return all(scope.value(each) is grouped.counted for each in parts)
    joined = {
        (table, column)
        for table, column, how, _ in rows
        if how == How.JOIN and not unequal(table, column) <= rows
    }
    counted = {(table, column) for table, column, how, _ in people if how == How.IDENTITY}
    tables = {table for table, _ in counted}
    if counted & joined:
        tables |= {table for table, column in joined & known}
    return values <= tables


def _is_at_least(bound: exp.Expr, least: int, scope: Scope) -> bool:
    if isinstance(bound, exp.Parameter | exp.Placeholder):
        return scope.statement.parameters.is_at_least(bound.name, least)
    return isinstance(bound, exp.Literal) and not bound.is_string and float(bound.name) >= least
