"""What the trace of one row holds grows with the rows of its tables, not with their square, whatever the statement."""

from __future__ import annotations

import duckdb
import pytest

from tests.rows.held import largest_step

SCHEMAS = {
    "sales": {"sale": "INTEGER", "day": "INTEGER", "shop": "INTEGER", "paid": "INTEGER", "kind": "VARCHAR"},
    "shops": {"shop": "INTEGER", "town": "INTEGER"},
}
STATEMENTS = {
    "UNPIVOT": ""
    "SELECT day, name, value, count(*) AS n FROM (SELECT day, shop::VARCHAR AS shop, kind FROM sales) UNPIVOT "
    "(value FOR name IN (shop, kind)) GROUP BY ALL",
    "UNPIVOT of pairs": ""
    "SELECT day, name, a, count(*) AS n FROM (SELECT day, shop, paid FROM sales) UNPIVOT ((a, b) FOR name IN "
    "((shop, paid), (paid, shop))) GROUP BY ALL",
    "UNPIVOT by a pattern": ""
    "SELECT name, value, count(*) AS n FROM (UNPIVOT (SELECT day, shop::VARCHAR AS shop, kind FROM sales) ON "
    "COLUMNS('[kh]') INTO NAME name VALUE value) GROUP BY ALL",
    "UNPIVOT of all but one": ""
    "SELECT name, value, count(*) AS n FROM (UNPIVOT (SELECT day, shop::VARCHAR AS shop, kind FROM sales) ON "
    "COLUMNS(* EXCLUDE day) INTO NAME name VALUE value) GROUP BY ALL",
    "ranked values of UNPIVOT": ""
    "WITH d AS (SELECT day, shop::VARCHAR AS shop, kind FROM sales), c AS (SELECT day, name, value, count(*) "
    "AS n FROM d UNPIVOT INCLUDE NULLS (value FOR name IN (shop, kind)) GROUP BY ALL), r AS (SELECT name, "
    "value, min(day) AS first, row_number() OVER (PARTITION BY name ORDER BY sum(n) DESC, value) AS place "
    "FROM c GROUP BY name, value) SELECT c.day, c.name, r.place, sum(c.n)::BIGINT AS n, sum(c.n) FILTER "
    "(WHERE c.day = r.first) AS new FROM c JOIN r ON c.name = r.name AND c.value = r.value GROUP BY ALL",
    "PIVOT": "SELECT * FROM (SELECT day, shop, paid FROM sales) PIVOT (sum(paid) FOR shop IN (0, 1, 2))",
    "PIVOT joined": ""
    "SELECT s.sale, p.* FROM sales AS s JOIN (SELECT * FROM (SELECT day, shop, paid FROM sales) PIVOT "
    "(sum(paid) FOR shop IN (0, 1))) AS p ON p.day = s.day",
    "SUMMARIZE": "SELECT column_name, max FROM (SUMMARIZE sales) WHERE column_name = 'paid'",
    "rank of groups, joined": ""
    "WITH g AS (SELECT day, kind, sum(paid) AS p FROM sales GROUP BY ALL), r AS (SELECT *, rank() OVER "
    "(PARTITION BY day ORDER BY p) AS k FROM g) SELECT s.sale, r.k FROM sales AS s JOIN r ON r.day = s.day "
    "AND r.kind = s.kind",
    "share of a partition": "SELECT sale, paid, sum(paid) OVER (PARTITION BY day) AS p FROM sales",
    "many with many": ""
    "SELECT a.kind, sum(a.paid * b.paid) AS p FROM sales AS a JOIN sales AS b ON b.day = a.day GROUP BY 1",
    "a total of many groups": ""
    "SELECT sum(n)::INTEGER AS n FROM (SELECT kind, count(*) AS n FROM sales GROUP BY kind)",
    "DISTINCT": "SELECT DISTINCT day, shop FROM sales",
    "UNION": "SELECT day FROM sales UNION SELECT town FROM shops",
    "SEMI JOIN": "SELECT sale FROM sales SEMI JOIN shops ON shops.shop = sales.shop",
    "IN": ""
    "SELECT day, count(*) AS n FROM sales WHERE shop IN (SELECT shop FROM shops WHERE town = 1) GROUP BY day",
    "EXISTS": ""
    "SELECT kind FROM sales AS s WHERE EXISTS (SELECT 1 FROM sales AS o WHERE o.day = s.day AND o.paid > "
    "s.paid)",
    "a correlated total": ""
    "SELECT sale, (SELECT sum(paid) FROM sales AS o WHERE o.day = s.day) AS p FROM sales AS s",
    "LATERAL": ""
    "SELECT s.sale, l.n FROM sales AS s, LATERAL (SELECT count(*) AS n FROM sales AS o WHERE o.day = s.day) "
    "AS l",
    "GROUPING SETS": ""
    "SELECT day, shop, count(*) AS n, grouping(day, shop) AS g FROM sales GROUP BY GROUPING SETS ((day), "
    "(shop), ())",
    "lists": "SELECT day, list(paid ORDER BY sale) AS l FROM sales GROUP BY day",
    "unnested lists": "SELECT day, unnest(l) AS p FROM (SELECT day, list(paid) AS l FROM sales GROUP BY day)",
}
"""Statements of which the first row is traced; sales have few days, shops and kinds, so groups grow with the table."""


def _largest(sql: str, rows: int) -> int:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            "CREATE TABLE sales AS SELECT i::INTEGER AS sale, (i % 3)::INTEGER AS day, (i % 5)::INTEGER AS shop, "
            "(i * 7 % 11)::INTEGER AS paid, CASE WHEN i % 2 = 0 THEN 'till' END AS kind FROM range($n) AS t(i)",
            {"n": rows},
        )
        connection.execute(
            "CREATE TABLE shops AS SELECT i::INTEGER AS shop, (i % 2)::INTEGER AS town FROM range(5) AS t(i)"
        )
        found = connection.execute(f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT 1")
        names = [name for name, *_ in found.description or ()]
        return largest_step(sql, SCHEMAS, dict(zip(names, found.fetchall()[0], strict=True)), connection)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("how", STATEMENTS)
def test_the_largest_step_grows_with_the_tables(how: str) -> None:
    few, more, many = (_largest(STATEMENTS[how], 60 * times) for times in (1, 4, 16))
    # a square would be sixteen times
    assert more <= 6 * few
    assert many <= 6 * more
