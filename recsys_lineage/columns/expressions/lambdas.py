"""Functions over the elements of a list: lambdas and list comprehensions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import How, deciding, transformed, united
from recsys_lineage.columns.relation import Value, list_of

_FILTERS = frozenset({"list_filter", "array_filter", "filter"})
_OF_ELEMENTS = _FILTERS | {"list_transform", "array_transform", "list_apply", "array_apply", "apply"}
"""Functions whose lambda gets an element and its position."""


def with_lambda(name: str, arguments: Sequence[exp.Expr], scope: Scope) -> Value:
    """A function that calls a lambda for the elements of its other arguments.

    Args:
        name: the name of the function.
        arguments: its arguments, some of them lambdas.
        scope: the scope of the call.
    """
    values = [scope.value(each) for each in arguments if not isinstance(each, exp.Lambda)]
    given = transformed(united(each.edges for each in values))
    first = values[0].element if values else None
    found, made = given, first if name in _FILTERS else None
    for each in arguments:
        if not isinstance(each, exp.Lambda):
            continue
        parameters = {parameter.name: Value(given) for parameter in each.expressions}
        if first is not None and name in _OF_ELEMENTS:
            one = (first.through(transformed), Value(transformed(values[0].shape)))
            parameters |= {
                parameter.name: known for parameter, known in zip(each.expressions, one, strict=False)
            }
        with scope.with_parameters(parameters):
            body = scope.value(each.this)
        if name in _FILTERS:
            choice = deciding(body.edges, How.FILTER)
            found, made = found | choice, made and made.with_edges(choice)
        elif first is not None and name in _OF_ELEMENTS:
            return list_of(body.through(transformed), values[0].shape, values[0].shape)
        else:
            found |= transformed(body.edges)
    length = values[0].shape if values and name in _OF_ELEMENTS and name not in _FILTERS else None
    return Value(found, element=made and made.through(transformed), length=length)


def comprehension(node: exp.Expr, scope: Scope) -> Value:
    """`[x + 1 FOR x IN list IF x > 0]`."""
    whole = scope.value(node.args["iterator"])
    elements = (whole.element or Value(whole.edges)).through(transformed)
    known = {"expression": elements, "position": Value(transformed(whole.shape))}
    parameters = {
        part.name: value for key, value in known.items() if (part := node.args.get(key)) is not None
    }
    with scope.with_parameters(parameters):
        made = scope.value(node.this).through(transformed)
        found = transformed(whole.shape)
        if (condition := node.args.get("condition")) is not None:
            found |= deciding(scope.edges(condition), How.FILTER)
    chosen = node.args.get("condition") is not None
    return list_of(made, found, None if chosen else whole.shape)
