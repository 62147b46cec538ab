"""Functions over the elements of a list: lambdas and list comprehensions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import How, deciding, transformed, united
from recsys_lineage.columns.relation import Value

_FILTERS = frozenset({"list_filter", "array_filter", "filter"})


def with_lambda(name: str, arguments: Sequence[exp.Expr], scope: Scope) -> Value:
    """A function that calls a lambda for the elements of its other arguments.

    Args:
        name: of the function.
        arguments: of which some are lambdas.
        scope: of the call.
    """
    given = transformed(united(scope.edges(each) for each in arguments if not isinstance(each, exp.Lambda)))
    found = given
    for each in arguments:
        if not isinstance(each, exp.Lambda):
            continue
        with scope.with_parameters({parameter.name: Value(given) for parameter in each.expressions}):
            body = scope.edges(each.this)
        found |= deciding(body, How.FILTER) if name in _FILTERS else transformed(body)
    return Value(found)


def comprehension(node: exp.Expr, scope: Scope) -> Value:
    """`[x + 1 FOR x IN list IF x > 0]`."""
    elements = Value(transformed(scope.edges(node.args["iterator"])))
    names = [node.args[key].name for key in ("expression", "position") if node.args.get(key) is not None]
    with scope.with_parameters(dict.fromkeys(names, elements)):
        found = elements.edges | transformed(scope.edges(node.this))
        if (condition := node.args.get("condition")) is not None:
            found |= deciding(scope.edges(condition), How.FILTER)
    return Value(found)
