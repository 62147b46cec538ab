"""Table functions of a FROM clause: over files, which are inputs, or over their arguments alone."""

from __future__ import annotations

import duckdb
from sqlglot import exp

from recsys_lineage.columns.binding.empty_tables import empty_tables
from recsys_lineage.columns.binding.names import called
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import NOTHING, How, deciding, transformed, united
from recsys_lineage.columns.relation import Column, Relation, Value
from recsys_lineage.sql.file_call import PURE_FUNCTIONS


def from_function(node: exp.Table, alias: str, scope: Scope) -> tuple[str, Relation]:
    """The relation of a table function, and its name.

    Args:
        node: the function in the FROM clause.
        alias: its alias, or empty.
        scope: the scope of its arguments.
    """
    function = node.this
    statement = scope.statement
    name = called(function, statement.text)
    if isinstance(function, exp.Unnest | exp.Explode):
        return alias or "unnest", from_unnest(function, scope)
    if name in PURE_FUNCTIONS:
        return alias or name, _pure(function, name, scope)
    call = statement.calls.get(function.meta.get("start", -1))
    if call is None:
        statement.opaque(node, "read a table, or files by a function such as read_parquet")
    return alias or call.function, statement.file(call, "" if alias else call.function)


def from_unnest(node: exp.Expr, scope: Scope) -> Relation:
    """The relation of `unnest(list)`, a row for each element, joined to the rows with the list."""
    value = scope.value(node.expressions[0] if isinstance(node, exp.Unnest) else node.this)
    element = (value.element or Value(value.edges)).through(transformed)
    return Relation([Column("unnest", element)], deciding(value.shape, How.JOIN))


def _pure(node: exp.Expr, name: str, scope: Scope) -> Relation:
    """A function that generates rows from its arguments."""
    arguments = [each for each in node.iter_expressions() if not isinstance(each, exp.DataType)]
    given = united(scope.edges(each) for each in arguments) if arguments else NOTHING
    names = _names_of_result(node, name, scope)
    value = Value(transformed(given))
    return Relation([Column(each, value) for each in names], deciding(given, How.JOIN))


def _names_of_result(node: exp.Expr, name: str, scope: Scope) -> list[str]:
    if name in ("range", "generate_series"):
        return [name]
    if name in ("json_each", "json_tree"):
        sql = f"SELECT * FROM {name}('{{}}'::JSON)"
    else:
        sql = f"SELECT * FROM {node.sql('duckdb')}"
    try:
        return [column for column, _ in empty_tables().described(sql, {})]
    except duckdb.Error:
        scope.statement.opaque(node)
