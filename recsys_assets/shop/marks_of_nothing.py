"""Marks of nothing: texts such as `-` and `NULL` in a column that a source's SQL compares with NULL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
from sqlglot import exp

from recsys_assets.shop.unconditioned_rows import unconditioned_rows
from recsys_lineage.sql.names import literal
from recsys_lineage.sql.parsed import statements_of

_MORE_MARKS = r"|^[\s\-\x{2013}\x{2014}./]*$|^0{4}-0{2}-0{2}"
"""Pattern of signs alone, and of the day of year 0 that MySQL writes for none."""
_PLACE = "_file || ':' || _line"


def marks_of_nothing(
    statement: str, no_value: str, ask: Callable[[str], Sequence[tuple[Any, ...]]]
) -> Iterator[str]:
    """Warnings for rows that a condition `cancelled_at IS NULL` leaves out though the column only has a mark for none.

    Args:
        statement: the SQL, with the relations of its scans.
        no_value: the pattern of texts that mean that there is no value.
        ask: returns the rows of a SELECT.
    """
    tree = statements_of(statement)[0]
    for select in tree.find_all(exp.Select):
        where = select.args.get("where")
        for condition in () if where is None else _compared_with_null(where.this):
            column = condition.this
            text = f"trim(CAST({column.sql('duckdb')} AS VARCHAR))"
            marks = f"{text} IS NOT NULL AND regexp_matches({text}, {literal(no_value + _MORE_MARKS)})"
            marked = exp.maybe_parse(marks, dialect="duckdb")
            try:
                ((rows, place),) = ask(
                    f"SELECT count(*), arg_min({_PLACE}, (_file, _line)) FROM "
                    f"({unconditioned_rows(tree, select, marked, '_marked')}) WHERE _marked"
                )
            except duckdb.Error:  # the condition is of a query around it, or the rows have no file and line
                continue
            if rows:
                yield (
                    f"{rows:,} rows are left out by {column.name} IS NULL though they only have a mark for none, as "
                    f"{place}: name such marks in the scan, as in read_csv('…', nullstr = ['-', 'NULL'])"
                )


def _compared_with_null(condition: exp.Expr) -> Iterator[exp.Is]:
    """The parts of a condition that a row must fulfil and that say that a column is NULL."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    for part in (each.unnest() for each in parts):
        if (
            isinstance(part, exp.Is)
            and isinstance(part.this, exp.Column)
            and isinstance(part.expression, exp.Null)
        ):
            yield part
