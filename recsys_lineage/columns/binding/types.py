"""Types of expressions, for results whose columns depend on them: `unnest` of a struct, or `s.*`."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from recsys_lineage.columns.binding.names import path
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.relation import Value

_LISTS = (
    exp.Array
    | exp.Comprehension
    | exp.GenerateSeries
    | exp.Split
    | exp.ArrayAgg
    | exp.Transform
    | exp.ArrayFilter
)


def fields_of(node: exp.Expr, value: Value, scope: Scope) -> list[tuple[str, Value]]:
    """The fields of a struct, in order; none for an expression of another type.

    Args:
        node: the expression.
        value: its value.
        scope: its scope.

    Raises:
        ColumnLineageError: its type cannot be determined.
    """
    if value.fields is not None:
        return list(value.fields.items())
    if isinstance(node, _LISTS):
        return []
    return _fields(value.type or type_of(node, scope), value)


def unnested_fields(node: exp.Expr, value: Value, scope: Scope, depth: int | None) -> list[tuple[str, Value]]:
    """The columns of an unnest of several levels; none where it returns one column, of elements.

    Args:
        node: the list or struct.
        value: its value.
        scope: its scope.
        depth: the number of levels to unnest; all where None.
    """
    kind = value.type or type_of(node, scope)
    left = 10**6 if depth is None else depth
    while kind.endswith("]") and left:
        kind, left = kind[: kind.rindex("[")], left - 1
        value = value.element or value
    return _deep_fields(kind, value, left)


def type_of(node: exp.Expr, scope: Scope) -> str:
    """DuckDB's type of an expression.

    Raises:
        ColumnLineageError: it cannot be determined, because the expression uses names from outside its SELECT.
    """
    if (known := _type_by_columns(node, scope)) is not None:
        return known
    select = node.find_ancestor(exp.Select)
    assert select is not None
    described = exp.Select(expressions=[exp.alias_(node.copy(), "value_")])
    for name in ("from_", "joins", "laterals"):
        part = select.args.get(name)
        if part is not None:
            described.set(name, [each.copy() for each in part] if isinstance(part, list) else part.copy())
    inside: exp.Expr = select
    around: exp.Expr | None = select
    while around is not None:
        before = around.args.get("with_")
        if isinstance(before, exp.With) and (queries := _before(before, inside)):
            if around is not select:  # a level of its own, since a name within may be one around too
                described = exp.select("*").from_(described.subquery("inside_"))
            recursive = bool(before.args.get("recursive"))
            described.set("with_", exp.With(expressions=queries, recursive=recursive))
        if isinstance(around, exp.CTE):
            inside = around
        around = around.parent
    kinds = scope.statement.types_of(described)
    if kinds is None:
        raise scope.statement.fault(
            "The type of a value cannot be determined, so its columns are unknown.",
            node,
            found=node.sql("duckdb")[:200],
            advice="name its fields one by one",
        )
    return kinds[0]


def _before(queries: exp.With, inside: exp.Expr) -> list[exp.Expr]:
    """The queries of a WITH that an expression in one of them, or after them, can name."""
    named = list(queries.expressions)
    own = next((place for place, each in enumerate(named) if each is inside), len(named))
    return [each.copy() for each in (named if queries.args.get("recursive") else named[:own])]


def _type_by_columns(node: exp.Expr, scope: Scope) -> str | None:
    """The type of an expression over columns of known types; None if a type is unknown.

    The columns are those of a subquery: over a plain NULL, DuckDB gives some functions the type of NULL.
    """
    described = exp.select(exp.alias_(node.copy(), "value_"))
    given: list[exp.Expr] = []
    for number, column in enumerate(list(described.find_all(exp.Column))):
        parts = path(column)
        kind = scope.column(node, parts).type if parts else None
        if kind is None or parts is None:
            return None
        null = exp.cast(exp.null(), exp.DataType.build(kind, dialect="duckdb", udt=True))
        given.append(exp.alias_(null, f"given_{number}"))
        _ = column.replace(exp.column(f"given_{number}"))
    if given:
        described = described.from_(exp.select(*given).subquery("given_"))
    kinds = scope.statement.types_of(described)
    return None if kinds is None else kinds[0]


def _fields(kind: str, value: Value) -> list[tuple[str, Value]]:
    if not kind.upper().startswith("STRUCT") or kind.endswith("]"):
        return []
    parsed = exp.DataType.build(kind, dialect="duckdb")
    return [
        (each.name, replace(value.field(each.name), type=each.args["kind"].sql("duckdb")))
        for each in parsed.expressions
        if isinstance(each, exp.ColumnDef)
    ]


def _deep_fields(kind: str, value: Value, depth: int) -> list[tuple[str, Value]]:
    if not depth:
        return []
    found: list[tuple[str, Value]] = []
    for name, each in _fields(kind, value):
        found += _deep_fields(each.type or "", each, depth - 1) or [(name, each)]
    return found
