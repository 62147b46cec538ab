"""Literal maps and tuples, whose keys, values and parts are known separately."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import Edges, transformed, united
from recsys_lineage.columns.relation import CONSTANT, Value


def map_made(node: exp.Expr, scope: Scope) -> Value:
    """Value of `map {…}`, and of an element of it: sqlglot parses `map {…}[k]` as a map of `{…}[k]`."""
    if node.this is None:
        return CONSTANT
    pairs, around = _written(node)
    if pairs is None:
        return Value(transformed(scope.edges(node.this)))
    if (value := _of_key(pairs, around)) is not None:
        return Value(transformed(scope.edges(value)))
    wanted = united(scope.edges(each) for bracket in around for each in bracket.expressions)
    return Value(transformed(_united(pairs.expressions, scope, keys=True, values=True) | wanted))


def of_map(name: str, node: exp.Expr, scope: Scope) -> Value | None:
    """The list that `map_keys` or `map_values` returns for a literal map; None for other maps."""
    pairs, around = _written(node) if isinstance(node, exp.ToMap) and node.this is not None else (None, [])
    if pairs is None or around:
        return None
    keys = name == "map_keys"
    return Value(transformed(_united(pairs.expressions, scope, keys=keys, values=not keys)))


def part_of_tuple(node: exp.Expr, place: int) -> exp.Expr | None:
    """The part at an index, from 0, of a literal tuple, `(a, b)` or `row(a, b)`; None for anything else."""
    is_row = isinstance(node, exp.Anonymous) and node.name.lower() == "row"
    if not is_row and not isinstance(node, exp.Tuple):
        return None
    return node.expressions[place] if 0 <= place < len(node.expressions) else None


def _written(node: exp.Expr) -> tuple[exp.Struct | None, list[exp.Bracket]]:
    """The pairs of a literal map, and the brackets after it; None for other expressions."""
    inner, around = node.this, []
    while isinstance(inner, exp.Bracket):
        around.append(inner)
        inner = inner.this
    return inner if isinstance(inner, exp.Struct) else None, around


def _of_key(pairs: exp.Struct, around: list[exp.Bracket]) -> exp.Expr | None:
    """The value of the requested key, if it and all keys are text literals."""
    wanted = around[0].expressions if len(around) == 1 else []
    known = {each.this.name: each.expression for each in pairs.expressions if _is_text(each.this)}
    if len(known) == len(pairs.expressions) and len(wanted) == 1 and _is_text(wanted[0]):
        return known.get(wanted[0].name)
    return None


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _united(pairs: list[exp.Expr], scope: Scope, *, keys: bool, values: bool) -> Edges:
    def edges() -> Iterator[Edges]:
        for pair in pairs:
            if not isinstance(pair, exp.PropertyEQ):
                yield scope.edges(pair)
                continue
            if keys:
                yield scope.edges(pair.this)
            if values:
                yield scope.edges(pair.expression)

    return united(edges())
