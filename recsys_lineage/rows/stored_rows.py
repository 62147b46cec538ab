"""Stored rows: the rows of a table with given values, as often as the table has them."""

from __future__ import annotations

from collections.abc import Sequence

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.statement.condition import best_column, is_comparable
from recsys_lineage.sql.names import quote


def stored_rows(columns: Sequence[Column], rows: str, wanted: str) -> str:
    """The query for the wanted rows of a table, each as often as the table has it.

    DuckDB skips parts of a table in a join only if it compares with `=`. So one column is compared with `=`, and a day,
    by which tables are divided into files. Rows in which one of them is NULL are queried separately.

    Args:
        columns: the columns of the table.
        rows: SQL of the table, or of a part with the wanted rows.
        wanted: SQL of the table of their values, with columns `c0`, `c1`, ….
    """
    places = [n for n, column in enumerate(columns) if is_comparable(column)]
    if not places:
        return _with(columns, rows, wanted, [], [])
    best = best_column(columns, places)
    days = [n for n, column in enumerate(columns) if column.type == "DATE" and n != best][:1]
    found = [_with(columns, rows, wanted, [best, *days], [])]
    found += [_with(columns, rows, wanted, [best], [day]) for day in days]
    return "\nUNION ALL ".join([*found, _with(columns, rows, wanted, [], [best])])


def _with(
    columns: Sequence[Column], rows: str, wanted: str, equal: Sequence[int], nulls: Sequence[int]
) -> str:
    """The query for the wanted rows in which some columns are not NULL, and others are.

    Args:
        columns, rows, wanted: as for `stored_rows`.
        equal, nulls: positions of these columns.
    """
    names = [f"__row.{quote(column.name)}" for column in columns]
    here = [f"c{n} IS NOT NULL" for n in equal] + [f"c{n} IS NULL" for n in nulls]
    same = [f"{names[n]} = __wanted.c{n}" for n in equal]
    rest = (n for n in range(len(columns)) if n not in equal and n not in nulls)
    same += [f"{names[n]} IS NOT DISTINCT FROM __wanted.c{n}" for n in rest]
    parts = rows
    if nulls:
        requested = [
            f"{names[n]} IS NULL AND EXISTS (SELECT 1 FROM {wanted} WHERE c{n} IS NULL)" for n in nulls
        ]
        parts = f"(SELECT * FROM {rows} AS __row WHERE {' AND '.join(requested)})"
    values = f"(SELECT * FROM {wanted} WHERE {' AND '.join(here)}) AS __wanted"
    return f"SELECT __row.* FROM {parts} AS __row SEMI JOIN {values} ON {' AND '.join(same) or 'true'}"
