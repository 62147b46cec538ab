"""Values of DuckDB's type UNION, whose members are kept separate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
from sqlglot import exp

from recsys_lineage.columns.binding.empty_tables import empty_tables
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.binding.types import type_of
from recsys_lineage.columns.edges import transformed
from recsys_lineage.columns.relation import CONSTANT, Value, struct_of
from recsys_lineage.errors import ColumnLineageError

_TAG = ""
"""Name beside those of the members, under which DuckDB keeps it too."""
UNION_FUNCTIONS = frozenset({"union_extract", "union_tag", "union_value"})


def cast(node: exp.Expr, scope: Scope) -> Value:
    """The value of a cast; one to a UNION becomes the member that has its type."""
    given = scope.value(node.this)
    whole = Value(transformed(given.edges))
    if not node.args["to"].is_type(exp.DType.UNION):
        return whole
    try:
        kind, union = given.type or type_of(node.this, scope), node.args["to"].sql("duckdb")
    except ColumnLineageError:
        return whole
    names = [each.name for each in node.args["to"].expressions]
    if kind.startswith("UNION("):
        return (
            whole
            if given.fields is None
            else _union({name: given.field(name) for name in given.fields}, names)
        )
    try:
        ((member,),) = empty_tables().queried(f"SELECT union_tag(CAST(CAST(NULL AS {kind}) AS {union}))")
    except duckdb.Error:  # no member has a type like this one
        return whole
    return _union({member: whole}, names)


def _union(members: Mapping[str, Value], names: Sequence[str]) -> Value:
    """A union whose tag is a constant, beside its members."""
    return struct_of([(_TAG, CONSTANT), *((name, members.get(name, CONSTANT)) for name in names)])


def of_union(name: str, arguments: Sequence[exp.Expr], scope: Scope) -> Value | None:
    """The value of a function that makes or reads a UNION; None where its members are not known.

    Args:
        name: the function's name, one of `UNION_FUNCTIONS`.
        arguments: its arguments.
        scope: the scope of the call.
    """
    if name == "union_value":
        (member,) = arguments
        named = isinstance(member, exp.PropertyEQ | exp.Kwarg)
        return _union({(name := member.this.name): scope.value(member.expression)}, [name]) if named else None
    union = scope.value(arguments[0])
    if union.fields is None:
        return None
    if name == "union_tag":
        return union.field(_TAG)
    member = arguments[1]
    return union.field(member.name) if isinstance(member, exp.Literal) and member.is_string else None
