"""One-row aggregates: aggregates whose value comes from one row, and that row."""

from __future__ import annotations

from recsys_lineage.rows.statement.syntax import Node, Syntax, arguments, copied, set_arguments

_ONE_ROW = {
    "min": "arg_min", "max": "arg_max", "arg_min": "arg_min", "arg_max": "arg_max", "argmin": "arg_min",
    "argmax": "arg_max", "min_by": "arg_min", "max_by": "arg_max", "any_value": "any_value", "arbitrary": "first",
    "first": "first", "last": "last",
}  # fmt: skip
"""Aggregate whose value comes from one row → the aggregate that finds the row."""


def takes_one_row(call: Node) -> bool:
    """Whether the value of an aggregate comes from one row."""
    name, count = call["function_name"].lower(), len(arguments(call))
    if name not in _ONE_ROW:
        return False
    return count == (2 if _ONE_ROW[name] in ("arg_min", "arg_max") and name not in ("min", "max") else 1)


def row_of(call: Node, row: str, syntax: Syntax, likes: str = "") -> str:
    """SQL of the list of rows behind the one row whose value an aggregate takes, given that of any row.

    Args:
        call: the aggregate.
        row: SQL of the list of rows behind one of its rows.
        syntax: the writer of SQL.
        likes: SQL of a number; among rows that are equal for the aggregate, the one with the greatest number is taken.
    """
    name = call["function_name"].lower()
    operands = arguments(call)
    finder = _ONE_ROW[name]
    by = [operands[-1]] if finder in ("arg_min", "arg_max") else []
    ranks: list[str] = []
    if likes and not (call.get("order_bys") or {}).get("orders"):
        rank = syntax.expression_text(by[0]) if by else "true"
        ranks = [f"({rank}) IS NOT NULL"]
        by = [syntax.expression(f"row({rank}, {'-' if finder == 'arg_min' else ''}({likes}))")]
        finder = finder if finder in ("arg_min", "arg_max") else "arg_max"
    made = copied(call)
    template = syntax.expression(f"{finder}(1)")
    made["function_name"], made["alias"], made["distinct"] = finder, "", False
    if "qualified_name" in template:
        made["qualified_name"] = template["qualified_name"]
    set_arguments(made, [syntax.expression(row), *copied(by)])
    of_value = name in ("any_value", "arg_min", "arg_max", "argmin", "argmax", "min_by", "max_by")
    filters = [f"({syntax.expression_text(operands[0])}) IS NOT NULL"] if of_value else []
    if filters or ranks:
        own = [f"({syntax.expression_text(call['filter'])})"] if call.get("filter") else []
        made["filter"] = syntax.expression(" AND ".join([*filters, *ranks, *own]))
    return f"coalesce({syntax.expression_text(made)}, any_value({row}))"
