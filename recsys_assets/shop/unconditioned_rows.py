"""Unconditioned rows: all rows that a query reads, whether its conditions leave them out or not."""

from __future__ import annotations

from sqlglot import exp

_CLAUSES = ("where", "qualify", "group", "having", "order", "limit", "offset", "distinct")


def unconditioned_rows(tree: exp.Expr, select: exp.Select, value: exp.Expr, name: str) -> str:
    """A SELECT of a value of all rows that a query reads, with their file and line.

    Args:
        tree: the statement, whose WITH the query may read.
        select: the query in it.
        value: over the columns that the query reads.
        name: of the value.
    """
    made = select.copy()
    for clause in _CLAUSES:
        made.set(clause, None)
    traced = [
        column.copy() for column in select.selects if column.alias_or_name.casefold() in ("_file", "_line")
    ]
    made.set("expressions", [exp.alias_(value, name), *traced])
    if select is not tree and tree.args.get("with_") is not None and made.args.get("with_") is None:
        made.set("with_", tree.args["with_"].copy())
    return made.sql(dialect="duckdb")
