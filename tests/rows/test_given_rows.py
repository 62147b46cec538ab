"""Many rows of a result are looked for by a column that finds rows of the tables, so all others are never computed."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage.rows.trace_query import traced_tables

SCHEMAS = {"bought": {"customer": "VARCHAR", "item": "VARCHAR", "pieces": "VARCHAR", "day": "DATE"}}
STATEMENTS = {
    "keys of groups that the result does not tell": "SELECT customer, count(*) AS times, sum(pieces::INTEGER) AS "
    "pieces FROM bought GROUP BY customer, item",
    "behind a definition": "WITH kept AS (SELECT * REPLACE (pieces::INTEGER AS pieces) FROM bought) "
    "SELECT count(*) AS times, customer, max(pieces) AS most FROM kept GROUP BY customer, day",
    "beside a number made anew": "SELECT customer, pieces::INTEGER AS pieces, length(item) AS long FROM bought",
    "a place within a partition": "SELECT row_number() OVER (PARTITION BY customer ORDER BY pieces::INTEGER, item) AS "
    "place, customer FROM bought",
    "groups within groups": "WITH sums AS (SELECT customer, item, sum(pieces::INTEGER) AS pieces FROM bought "
    "GROUP BY ALL) SELECT count(*) AS items, customer, max(pieces) AS most FROM sums GROUP BY customer, item = 'tea'",
}


@pytest.mark.parametrize("sql", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_rows_that_no_wanted_row_is_made_of_are_not_computed(sql: str) -> None:
    with duckdb.connect() as connection:
        _ = connection.execute(
            "CREATE TABLE bought AS SELECT 'c' || i // 4 AS customer, CASE i % 4 WHEN 0 THEN 'tea' ELSE 'ice' END AS "
            "item, (i % 3 + 1)::VARCHAR AS pieces, DATE '2026-01-01' + (i % 2)::INTEGER AS day FROM range(40) AS t(i)"
        )
        wanted = connection.sql(f"SELECT * FROM ({sql}) WHERE customer IN ('c1', 'c2')").to_arrow_table()
        expected = connection.sql("FROM bought WHERE customer IN ('c1', 'c2') ORDER BY ALL").fetchall()
        _ = connection.execute("UPDATE bought SET pieces = 'no number' WHERE customer = 'c7'")
        found, _ = traced_tables(sql, SCHEMAS, ["bought"], wanted, connection, {})["bought"]
        _ = connection.register("found", found)
        assert wanted.num_rows > 1
        assert connection.sql("FROM found ORDER BY ALL").fetchall() == expected
