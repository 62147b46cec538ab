"""Columns that DuckDB adds to files, and shows in no star, are read like those that an option asks for."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from recsys_lineage import LineageError, column_lineage

STATEMENTS = (
    "SELECT filename, file_index, file_row_number, a FROM {call}",
    "SELECT *, f.filename FROM {call} AS f WHERE f.file_row_number >= 0",
    "SELECT upper(filename) AS u, max(file_row_number) AS n FROM {call} "
    "GROUP BY filename HAVING filename <> '' ORDER BY filename",
    "SELECT b.a, l.filename FROM {call} AS b LEFT JOIN {call} AS l ON l.a = b.a + 1",
    "SELECT list(filename ORDER BY file_row_number) AS l FROM {call}",
    "SELECT row_number() OVER (PARTITION BY FILENAME ORDER BY a) AS n FROM {call} QUALIFY n = 1",
    "SELECT (SELECT max(filename) FROM {call}) AS m, (SELECT max(rowid) FROM t) AS r, file_index FROM {call}",
    "WITH q AS (SELECT filename AS f, * FROM {call}) SELECT f, a FROM q",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_they_have_the_edges_of_the_same_columns_by_an_option(statement: str, tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    file = f"'{tmp_path}/a.parquet'"
    found = column_lineage(statement.format(call=file), {"t": {"x": "INTEGER"}})
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
        shown = connection.execute(f"SELECT * FROM ({statement.format(call=file)})").description or ()
    assert list(found) == [name for name, *_ in shown]
    given = {
        "g": {"a": "BIGINT", "filename": "VARCHAR", "file_index": "UBIGINT", "file_row_number": "BIGINT"}
    }
    stars = statement.replace("*", "* EXCLUDE (filename, file_index, file_row_number)")
    same = column_lineage(stars.format(call="g"), {**given, "t": {"x": "INTEGER"}})
    assert [[(e.column, e.subtype) for e in of] for of in found.values()] == [
        [(e.column, e.subtype) for e in of] for of in same.values()
    ]


@pytest.mark.parametrize("name", ["filename", "file_row_number"])
def test_they_are_not_those_of_a_query_around(name: str, tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(LineageError, match=f"no column '{name}'"):
        _ = column_lineage(f"SELECT {name} FROM (FROM '{tmp_path}/a.parquet')", {})
