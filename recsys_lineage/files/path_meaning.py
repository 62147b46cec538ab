"""Path meaning: values that a source's SQL takes from a file's path, such as a day or a store that only the name has.

Files of equal content are copies only if the SQL takes equal values from their paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import duckdb
from sqlglot import exp

from recsys_lineage.files.own_file import FILE
from recsys_lineage.sql.parsed import statements_of
from recsys_lineage.sql.spare_database import spare_database

_SEVERAL_ROWS = (exp.AggFunc, exp.Window, exp.Query, exp.Lambda, exp.IgnoreNulls, exp.Filter)
"""Expressions over more rows than the one with the `_file`."""


@lru_cache(maxsize=64)
def path_expressions(sql: str) -> tuple[str, ...]:
    """The largest expressions of a SELECT made only of constants and one column `_file`.

    A `_file` that is only passed on, compared with that of the same row elsewhere, or used as a grouping key is left
    out. A `_file` in an expression with other columns is returned by itself.
    """
    found: dict[str, None] = {}
    for column in statements_of(sql)[0].find_all(exp.Column):
        if column.name.casefold() != FILE:
            continue
        top: exp.Expr = column
        while top.parent is not None and _is_of_path(top.parent):
            top = top.parent
        if top is column and _is_passed_on(column):
            continue
        text = top.transform(lambda node: exp.column(FILE) if isinstance(node, exp.Column) else node)
        found[text.sql(dialect="duckdb")] = None
    return tuple(found)


def path_meanings(expressions: Sequence[str], paths: Iterable[str]) -> dict[str, tuple[str | None, ...]]:
    """The values of `path_expressions` for each path; the path itself where one cannot be computed."""
    wanted = sorted(set(paths))
    if not expressions or not wanted:
        return dict.fromkeys(wanted, ())
    values = ", ".join(f"CAST(({each}) AS VARCHAR)" for each in expressions)
    with spare_database() as connection:
        try:
            rows = connection.execute(
                f"SELECT {FILE}, {values} FROM (SELECT unnest($paths) AS {FILE})", {"paths": wanted}
            ).fetchall()
        except (
            duckdb.Error
        ):  # a parameter, an aggregate that the parser does not know: each path may mean another thing
            return {path: (path,) for path in wanted}
    return {path: tuple(meaning) for path, *meaning in rows}


def _is_of_path(node: exp.Expr) -> bool:
    """Whether an expression consists only of `_file` and constants."""
    return (
        isinstance(node, exp.Condition)
        and not isinstance(node, _SEVERAL_ROWS)
        and node.find(exp.Query) is None
        and all(column.name.casefold() == FILE for column in node.find_all(exp.Column))
        and node.find(exp.AggFunc, exp.Window) is None
    )


def _is_passed_on(column: exp.Column) -> bool:
    parent = column.parent
    if isinstance(parent, exp.Alias):
        return parent.alias.casefold() == FILE and isinstance(parent.parent, exp.Select)
    if isinstance(parent, exp.Window):
        return column.arg_key == "partition_by"
    return isinstance(parent, exp.Select | exp.Group)
