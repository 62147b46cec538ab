"""Stored rows: the rows of a table with given values, as often as the table has them."""

from __future__ import annotations

from collections.abc import Sequence

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.statement.condition import best_column
from recsys_lineage.sql.names import quote


def stored_rows(columns: Sequence[Column], rows: str, wanted: str) -> str:
    """The query for the wanted rows of a table, each as often as the table has it.

    DuckDB skips parts of a table in a join only if it compares with `=`. So one column is compared with `=`, and rows
    in which it is NULL are queried separately.

    Args:
        columns: the columns of the table.
        rows: SQL of the table, or of a part with the wanted rows.
        wanted: SQL of the table of their values, with columns `c0`, `c1`, ….
    """
    best = best_column(columns, range(len(columns)))
    key = f"__row.{quote(columns[best].name)}"
    same = " AND ".join(
        f"__row.{quote(column.name)} IS NOT DISTINCT FROM __wanted.c{n}"
        for n, column in enumerate(columns)
        if n != best
    )
    some = f"SELECT * FROM {wanted} WHERE c{best} IS NOT NULL"
    others = f"SELECT * FROM {wanted} WHERE c{best} IS NULL"
    more = f" AND {same}" if same else ""
    return (
        f"SELECT __row.* FROM {rows} AS __row SEMI JOIN ({some}) AS __wanted ON {key} = __wanted.c{best}{more}\n"
        f"UNION ALL SELECT __row.* FROM (SELECT * FROM {rows} AS __row WHERE {key} IS NULL AND "
        f"EXISTS (SELECT 1 FROM {wanted} WHERE c{best} IS NULL)) AS __row "
        f"SEMI JOIN ({others}) AS __wanted ON {same or 'true'}"
    )
