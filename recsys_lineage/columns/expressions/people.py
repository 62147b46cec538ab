"""HAVING conditions that keep only groups of several people: `HAVING count(DISTINCT person) >= k`."""

from __future__ import annotations

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import How

_LEAST = 2
_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {exp.LTE: exp.GTE, exp.LT: exp.GT}


def keeps_many_people(node: exp.Select, scope: Scope) -> bool:
    """Whether every group of a SELECT that is kept has at least k different people, k of at least 2.

    A `$parameter` is taken for such a k.
    """
    having = node.args.get("having")
    if having is None:
        return False
    conditions = having.this.flatten() if isinstance(having.this, exp.And) else [having.this]
    return any(_counts_people(each.unnest(), scope) for each in conditions)


def _counts_people(condition: exp.Expr, scope: Scope) -> bool:
    if not isinstance(condition, exp.GTE | exp.GT | exp.LTE | exp.LT):
        return False
    kind: type[exp.Expr] = type(condition)
    counted, bound = condition.this, condition.expression
    if kind in _TURNED:
        kind, counted, bound = _TURNED[kind], bound, counted
    if not (isinstance(counted, exp.Count) and isinstance(counted.this, exp.Distinct)):
        return False
    people = counted.this.expressions
    if len(people) != 1 or not _is_at_least(bound, _LEAST if kind is exp.GTE else _LEAST - 1):
        return False
    known = scope.statement.people
    if not isinstance(people[0], exp.Column):
        return False
    found = scope.edges(people[0])
    return known is None or any(
        (table, column) in known and how == How.IDENTITY for table, column, how, _ in found
    )


def _is_at_least(bound: exp.Expr, least: int) -> bool:
    if isinstance(bound, exp.Parameter | exp.Placeholder):
        return True
    return isinstance(bound, exp.Literal) and not bound.is_string and float(bound.name) >= least
