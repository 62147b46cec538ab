"""Constructs that people seldom write: the traced rows are enough for a row of the result."""

from __future__ import annotations

import pytest

from tests.rows.laws import check_enough, drawn_tables

STATEMENTS = {
    "recursion over a graph": "WITH RECURSIVE e AS (SELECT n AS a, x AS b FROM t), r(a, b, d) AS (SELECT a, "
    "b, 1 FROM e UNION SELECT r.a, e.b, d + 1 FROM r JOIN e ON e.a = r.b WHERE d < "
    "3) SELECT a, b, min(d) AS d FROM r GROUP BY a, b",
    "recursion with a path": "WITH RECURSIVE r(a, p) AS (SELECT n, [n] FROM t WHERE k = 'a' UNION ALL SELECT "
    "t.x, list_append(p, t.x) FROM r JOIN t ON t.n = r.a WHERE NOT list_contains(p, "
    "t.x)) SELECT a, len(p) AS l FROM r",
    "QUALIFY over UNION BY NAME": "SELECT * FROM (SELECT k, n AS v FROM t UNION ALL BY NAME SELECT y AS v, k "
    "FROM u) QUALIFY row_number() OVER (PARTITION BY k ORDER BY v DESC, k) <= 2",
    "ASOF with ties": "SELECT t.k, t.n, u.y FROM t ASOF LEFT JOIN u ON t.k = u.k AND t.n >= u.y",
    "PIVOT of several": "SELECT * FROM (PIVOT t ON n IN (0, 1, 2) USING sum(x) AS s, count(*) AS c GROUP BY k)",
    "grouping()": "SELECT k, n, grouping(k, n) AS g, sum(x)::INTEGER AS s FROM t GROUP BY GROUPING SETS ((k, "
    "n), (k), ())",
    "list_aggregate with a lambda": "SELECT k, list_aggregate(list_transform(list(x ORDER BY x), lambda e: e "
    "* 2), 'sum')::INTEGER AS s FROM t GROUP BY k",
    "structs unnested twice": "WITH s AS (SELECT k, list({'n': n, 'xs': [x, x + 1]} ORDER BY n, x) AS l FROM "
    "t GROUP BY k), o AS (SELECT k, unnest(l) AS e FROM s) SELECT k, e.n AS n, "
    "unnest(e.xs) AS x FROM o",
    "DISTINCT ON by another": "SELECT DISTINCT ON (t.k) t.k, t.n, u.y FROM t JOIN u ON u.k = t.k ORDER BY "
    "t.k, u.y DESC, t.n, t.x",
    "EXCEPT ALL": "SELECT k, n FROM t EXCEPT ALL SELECT k, y FROM u",
    "INTERSECT ALL": "SELECT k, n FROM t INTERSECT ALL SELECT k, y FROM u",
    "EXISTS in CASE in a window": "SELECT k, n, sum(CASE WHEN EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.y "
    "> t.n) THEN 1 ELSE 0 END) OVER (PARTITION BY k ORDER BY n, x)::INTEGER AS "
    "s FROM t",
    "UNPIVOT and a window": "SELECT k, name, v, rank() OVER (PARTITION BY name ORDER BY v) AS r FROM t "
    "UNPIVOT (v FOR name IN (n, x))",
    "UNPIVOT with NULL": "SELECT k, name, v FROM (SELECT k, nullif(n, 1) AS n, x FROM t) UNPIVOT INCLUDE "
    "NULLS (v FOR name IN (n AS 'first', x))",
    "UNPIVOT joined": "SELECT q.name, u.y, count(*) AS c FROM (UNPIVOT t ON n, x INTO NAME name VALUE v) AS q "
    "JOIN u ON u.k = q.k AND u.y = q.v GROUP BY ALL",
    "UNPIVOT of a renamed table": "SELECT * FROM t AS r(a, b, c) UNPIVOT (v FOR name IN (b, c))",
    "UNPIVOT of an expression": "UNPIVOT t ON n, (x + 1) AS later INTO NAME what VALUE much",
    "UNPIVOT of groups": "WITH g AS (SELECT k, sum(n)::INTEGER AS a, max(x) AS b FROM t GROUP BY k) SELECT "
    "name, sum(v)::INTEGER AS s FROM g UNPIVOT (v FOR name IN (a, b)) GROUP BY name",
    "PIVOT of UNPIVOT": "SELECT * FROM (SELECT k, name, v FROM (UNPIVOT t ON n, x INTO NAME name VALUE v)) "
    "PIVOT (sum(v) FOR name IN ('n', 'x'))",
    "SEMI of UNPIVOT": "SELECT k, y FROM u SEMI JOIN (UNPIVOT t ON n, x INTO NAME name VALUE v) AS q ON q.v = u.y",
    "max_by of a window": "SELECT k, arg_max(n, r) AS m FROM (SELECT k, n, row_number() OVER (PARTITION BY k "
    "ORDER BY x, n) AS r FROM t) GROUP BY k",
    "LATERAL limit": "SELECT t.k, t.n, l.y FROM t, LATERAL (SELECT y FROM u WHERE u.k = t.k ORDER BY y LIMIT "
    "1) AS l",
    "columns of LATERAL without names": "SELECT t.k, t.n, l.* FROM t, LATERAL (SELECT count(*), max(y) + 1, "
    "-y, -y FROM u WHERE u.k = t.k GROUP BY y) AS l",
    "ARRAY of expressions": "SELECT k, n, len(ARRAY(SELECT 1 FROM u WHERE u.k = t.k)) AS c, ARRAY(SELECT y + "
    "1 FROM u WHERE u.k = t.k ORDER BY y) AS l FROM t",
    "first and last of sorted rows": "SELECT first(n) AS f, last(x) AS l, any_value(k) AS a FROM (SELECT * FROM t "
    "ORDER BY n, x, k)",
    "first and last of groups": "SELECT k, first(n) AS f, last(n) AS l, last(x) AS m FROM (SELECT * FROM t ORDER "
    "BY x, n) GROUP BY k",
    "running distinct": "SELECT k, n, count(DISTINCT x) OVER (PARTITION BY k ORDER BY n) AS c FROM t",
    "EXCLUDE TIES": "SELECT k, n, sum(x) OVER (PARTITION BY k ORDER BY n RANGE BETWEEN 1 PRECEDING AND 1 "
    "FOLLOWING EXCLUDE TIES)::INTEGER AS s FROM t",
    "map": "SELECT k, map_from_entries(list((n, x) ORDER BY n, x)) IS NOT NULL AS m, count(*) AS c FROM "
    "(SELECT DISTINCT ON (k, n) * FROM t ORDER BY k, n, x) GROUP BY k",
    "two EXISTS or": "SELECT k, n FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k) OR n IN (SELECT "
    "max(y) FROM u)",
    "quantile": "SELECT k, quantile_disc(x, 0.5) AS q, mode(n) AS m FROM t GROUP BY k",
    "correlated in the select of groups": "SELECT k, max(n) - (SELECT count(*) FROM u WHERE u.k = t.k) AS d "
    "FROM t GROUP BY k",
    "cube": "SELECT k, n, count(*) AS c FROM t GROUP BY CUBE (k, n) HAVING count(*) > 1",
    "natural full": "SELECT k, n, y FROM t NATURAL FULL JOIN u",
    "nth value": "SELECT k, nth_value(x, 2) OVER (PARTITION BY k ORDER BY n, x ROWS BETWEEN UNBOUNDED "
    "PRECEDING AND UNBOUNDED FOLLOWING) AS v FROM t",
    "UNPIVOT twice": "SELECT p, w, count(*) AS c FROM (SELECT * FROM (UNPIVOT t ON n, x INTO NAME o VALUE v)) "
    "UNPIVOT (w FOR p IN (o, k)) GROUP BY ALL",
}


def _cases() -> list[object]:
    """Each statement over five pairs of tables, one in eight of these fast."""
    return [
        pytest.param(
            sql, seed, id=f"{how}, {seed}", marks=[] if (place + seed) % 8 == 0 else [pytest.mark.slow]
        )
        for place, (how, sql) in enumerate(STATEMENTS.items())
        for seed in range(5)
    ]


@pytest.mark.parametrize(("sql", "seed"), _cases())
def test_traced_rows_are_enough_for_a_row(sql: str, seed: int) -> None:
    check_enough(drawn_tables(seed), sql)
