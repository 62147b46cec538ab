"""Aggregates that take the value of one row, and the row that they take."""

from __future__ import annotations

from recsys_lineage.rows.statement.syntax import Node, Syntax, arguments, copied, set_arguments

_ONE_ROW = {
    "min": "arg_min", "max": "arg_max", "arg_min": "arg_min", "arg_max": "arg_max", "argmin": "arg_min",
    "argmax": "arg_max", "min_by": "arg_min", "max_by": "arg_max", "any_value": "any_value", "arbitrary": "first",
    "first": "first", "last": "last",
}  # fmt: skip
"""Aggregates whose value is one row's, and the one that finds the row."""


def takes_one_row(call: Node) -> bool:
    """Whether the value of an aggregate is that of one row."""
    name, count = call["function_name"].lower(), len(arguments(call))
    if name not in _ONE_ROW:
        return False
    return count == (2 if _ONE_ROW[name] in ("arg_min", "arg_max") and name not in ("min", "max") else 1)


def row_of(call: Node, row: str, syntax: Syntax) -> str:
    """SQL of the list of rows below the one row whose value an aggregate takes, given that of any row."""
    name = call["function_name"].lower()
    given = arguments(call)
    finder = _ONE_ROW[name]
    by = [given[-1]] if finder in ("arg_min", "arg_max") else []
    made = copied(call)
    template = syntax.expression(f"{finder}(1)")
    made["function_name"], made["alias"], made["distinct"] = finder, "", False
    if "qualified_name" in template:
        made["qualified_name"] = template["qualified_name"]
    set_arguments(made, [syntax.expression(row), *copied(by)])
    if name in ("any_value", "arg_min", "arg_max", "argmin", "argmax", "min_by", "max_by"):
        there = f"({syntax.expression_text(given[0])}) IS NOT NULL"
        filters = [
            there,
            *([f"({syntax.expression_text(call['filter'])})"] if call.get("filter") else []),
        ]
        made["filter"] = syntax.expression(" AND ".join(filters))
    return f"coalesce({syntax.expression_text(made)}, any_value({row}))"
