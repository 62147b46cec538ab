"""Outer aggregates: aggregates in a subquery over rows of the enclosing query."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from recsys_lineage.columns.binding.names import called, path
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.expressions.aggregates import is_aggregate
from recsys_lineage.columns.queries.from_clause import read_from


def aggregates_around(node: exp.Expr, scope: Scope) -> bool:
    """Whether an expression of a SELECT contains a subquery with an aggregate over columns of that SELECT alone.

    It turns the SELECT into an aggregate, as in `SELECT (SELECT sum(t.x)) FROM t`.

    Args:
        node: the expression.
        scope: the scope of the SELECT.
    """
    return any(
        columns
        and all(scope.is_own(parts) for parts in columns)
        and not any(_own(select, parts, scope) for select in selects for parts in columns)
        for columns, selects in _aggregates(node, scope.statement.text)
    )


def _aggregates(node: exp.Expr, text: str) -> Iterator[tuple[list[list[str]], list[exp.Select]]]:
    """The aggregates in the subqueries of an expression: the columns of each, and the SELECTs in between."""
    for each in node.find_all(exp.Func):
        if isinstance(each.parent, exp.Window) or not is_aggregate(each, called(each, text)):
            continue
        selects: list[exp.Select] = []
        around = each.parent
        while around is not None and around is not node.parent:
            if isinstance(around, exp.Select):
                selects.append(around)
            around = around.parent
        if selects:
            yield [parts for column in each.find_all(exp.Column) if (parts := path(column))], selects


def _own(select: exp.Select, parts: list[str], scope: Scope) -> bool:
    """Whether a name belongs to a subquery's own FROM clause; one that reads its own WITH is not examined."""
    if select.args.get("from_") is None:
        return False
    if select.args.get("with_") is not None:
        return True
    inside = scope.inside()
    read_from(select, inside)
    return inside.is_own(parts)
