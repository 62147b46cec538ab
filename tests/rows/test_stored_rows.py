"""The rows of a table with given values are found by their day too, and as often as the table has them."""

from __future__ import annotations

from itertools import product

import duckdb
import pytest

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.stored_rows import stored_rows

_COLUMNS = {
    "a line and a day": (Column("day", "DATE"), Column("_line", "BIGINT"), Column("k", "VARCHAR")),
    "a day before its end": (Column("k", "VARCHAR"), Column("day", "DATE"), Column("last", "DATE")),
    "a day alone": (Column("day", "DATE"),),
    "no day": (Column("k", "VARCHAR"), Column("_line", "BIGINT")),
}
_VALUES = {"DATE": ("DATE '2020-01-01'", "NULL"), "BIGINT": ("1", "2", "NULL"), "VARCHAR": ("'a'", "NULL")}


@pytest.mark.parametrize("columns", _COLUMNS.values(), ids=_COLUMNS)
def test_wanted_rows_are_found_as_often_as_they_are_there(columns: tuple[Column, ...]) -> None:
    rows = [f"({', '.join(row)})" for row in product(*(_VALUES[column.type] for column in columns))]
    with duckdb.connect() as connection:
        for name, of in (("held", rows + rows[1:]), ("wanted", rows[::2])):
            typed = ", ".join(f"{column.name} {column.type}" for column in columns)
            _ = connection.execute(f"CREATE TABLE {name} ({typed})")
            _ = connection.execute(f"INSERT INTO {name} VALUES {', '.join(of)}")
        numbered = ", ".join(f"c{n}" for n in range(len(columns)))
        query = stored_rows(columns, "held", "of_wanted")
        found = connection.execute(f"WITH of_wanted({numbered}) AS (FROM wanted) {query}").fetchall()
        same = " AND ".join(f"h.{column.name} IS NOT DISTINCT FROM w.{column.name}" for column in columns)
        expected = connection.execute(f"SELECT h.* FROM held AS h SEMI JOIN wanted AS w ON {same}")
        assert sorted(map(repr, found)) == sorted(map(repr, expected.fetchall()))
