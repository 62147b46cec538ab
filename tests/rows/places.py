"""Places of a statement where an expression may stand, and subqueries that may be one there."""

from __future__ import annotations

ANSWERS = {
    "a correlated total": "(SELECT sum(y) FROM u WHERE u.k = t.k)",
    "a correlated count": "(SELECT count(*) FROM u WHERE u.k = t.k)",
    "a greatest of some": "(SELECT max(y) FROM u WHERE u.y <= t.x)",
    "a total": "(SELECT sum(y) FROM u)",
    "a total of its own table": "(SELECT sum(o.x) FROM t AS o WHERE o.k = t.k AND o.n <= t.n)",
    "EXISTS": "CASE WHEN EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.y > 0) THEN 2 ELSE 0 END",
    "NOT EXISTS": "CASE WHEN NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k) THEN 2 ELSE 0 END",
    "IN": "CASE WHEN t.n IN (SELECT y FROM u) THEN 2 ELSE 0 END",
    "a rank in it": "(SELECT max(r) FROM (SELECT k, rank() OVER (ORDER BY y) AS r FROM u) AS q WHERE q.k = t.k)",
    "one in order": "(SELECT y FROM u WHERE u.k = t.k ORDER BY y LIMIT 1)",
}
"""Numbers that subqueries beside a row of t say."""
PLACES = {
    "ORDER BY of a rank": "SELECT k, rank() OVER (ORDER BY {0})::INTEGER AS v FROM t",
    "ORDER BY of a rank in a partition": "SELECT k, rank() OVER (PARTITION BY k ORDER BY {0})::INTEGER AS v "
    "FROM t",
    "ORDER BY of a named window": "SELECT k, count(*) OVER w::INTEGER AS v FROM t WINDOW w AS (PARTITION BY k "
    "ORDER BY {0})",
    "PARTITION BY": "SELECT k, count(*) OVER (PARTITION BY {0})::INTEGER AS v FROM t",
    "PARTITION BY of a rank": "SELECT k, rank() OVER (PARTITION BY {0} ORDER BY n)::INTEGER AS v FROM t",
    "an argument over a partition": "SELECT k, sum({0}) OVER (PARTITION BY k)::INTEGER AS v FROM t",
    "an argument over all": "SELECT k, sum({0}) OVER ()::INTEGER AS v FROM t",
    "an argument up to a row": "SELECT k, sum({0}) OVER (ORDER BY n, x)::INTEGER AS v FROM t",
    "an argument of rows before": "SELECT k, sum({0}) OVER (PARTITION BY k ORDER BY n, x ROWS 1 "
    "PRECEDING)::INTEGER AS v FROM t",
    "an argument of LAG": "SELECT k, lag({0}) OVER (PARTITION BY k ORDER BY n, x)::INTEGER AS v FROM t",
    "FILTER over a partition": "SELECT k, count(*) FILTER (WHERE {0} > 1) OVER (PARTITION BY k)::INTEGER AS v "
    "FROM t",
    "FILTER over all": "SELECT k, sum(n) FILTER (WHERE {0} > 1) OVER ()::INTEGER AS v FROM t",
    "a frame": "SELECT k, sum(x) OVER (PARTITION BY k ORDER BY n, x ROWS coalesce({0}, 1) PRECEDING)::INTEGER "
    "AS v FROM t",
    "ORDER BY of an argument over a partition": "SELECT k, first_value(x ORDER BY {0}, n, x) OVER (PARTITION "
    "BY k) AS v FROM t",
    "QUALIFY": "SELECT k, n AS v FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY {0}, n, x) = 1",
    "QUALIFY over all": "SELECT k, n AS v FROM t QUALIFY rank() OVER (ORDER BY {0}) <= 2",
    "QUALIFY beside a window": "SELECT k, n AS v FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY n, "
    "x) <= {0}",
    "CASE in a window": "SELECT k, sum(CASE WHEN {0} > 1 THEN n ELSE x END) OVER (PARTITION BY k)::INTEGER AS "
    "v FROM t",
    "ORDER BY of an aggregate": "SELECT k, (list(x ORDER BY {0}, n, x))[1] AS v FROM t GROUP BY k",
    "FILTER of an aggregate": "SELECT k, count(*) FILTER (WHERE {0} > 1)::INTEGER AS v FROM t GROUP BY k",
    "an argument of an aggregate": "SELECT k, sum({0})::INTEGER AS v FROM t GROUP BY k",
    "GROUP BY": "SELECT ({0})::VARCHAR AS k, count(*)::INTEGER AS v FROM t GROUP BY 1",
    "GROUP BY and a rank": "SELECT ({0})::VARCHAR AS k, rank() OVER (ORDER BY count(*))::INTEGER AS v FROM t "
    "GROUP BY 1",
    "HAVING": "SELECT k, sum(n)::INTEGER AS v FROM t GROUP BY k HAVING sum({0}) > 1",
    "DISTINCT ON": "SELECT DISTINCT ON ({0}) k, n AS v FROM t ORDER BY {0}, k, n, x",
    "ORDER BY and LIMIT": "SELECT k, n AS v FROM t ORDER BY {0} DESC NULLS LAST, k, n, x LIMIT 2",
    "WHERE below a rank": "SELECT k, rank() OVER (PARTITION BY k ORDER BY n)::INTEGER AS v FROM t WHERE {0} > 1",
    "a join's condition": "SELECT t.k, j.y AS v FROM t JOIN u AS j ON j.y <= {0}",
    "an outer join's condition": "SELECT t.k, j.y AS v FROM t LEFT JOIN u AS j ON j.k = t.k AND j.y < {0}",
    "LATERAL": "SELECT t.k, l.v::INTEGER AS v FROM t, LATERAL (SELECT {0} AS v) AS l",
    "LATERAL under a rank": "SELECT t.k, rank() OVER (ORDER BY l.v)::INTEGER AS v FROM t, LATERAL (SELECT {0} "
    "AS v) AS l",
    "LATERAL under a partition": "SELECT t.k, count(*) OVER (PARTITION BY l.v)::INTEGER AS v FROM t, LATERAL "
    "(SELECT {0} AS v) AS l",
    "a column that is ranked": "SELECT k, rank() OVER (PARTITION BY k ORDER BY a)::INTEGER AS v FROM (SELECT "
    "k, {0} AS a FROM t)",
}
"""Statements of columns k and v with an expression of a row of t in it."""
BY_GROUP = {
    "HAVING of a key": "SELECT k, sum(n)::INTEGER AS v FROM t GROUP BY k HAVING {0} > 1",
    "a column of a group": "SELECT k, (sum(n) + {0})::INTEGER AS v FROM t GROUP BY k",
    "ORDER BY of a rank of groups": "SELECT k, rank() OVER (ORDER BY {0})::INTEGER AS v FROM t GROUP BY k",
    "PARTITION BY of groups": "SELECT k, sum(count(*)) OVER (PARTITION BY {0})::INTEGER AS v FROM t GROUP BY k",
}
"""The same with one of a group by k."""
ALONE = {
    "LIMIT": "SELECT k, n AS v FROM t ORDER BY ALL LIMIT (SELECT count(*) FROM u WHERE k <> 'a')",
    "OFFSET": "SELECT k, n AS v FROM t ORDER BY ALL OFFSET (SELECT min(y) FROM u)",
    "LIMIT below a window": "SELECT k, sum(v) OVER (PARTITION BY k)::INTEGER AS v FROM (SELECT k, n AS v FROM "
    "t ORDER BY ALL LIMIT (SELECT count(*) FROM u))",
    "a frame's end": "SELECT k, sum(x) OVER (ORDER BY n, x ROWS (SELECT min(y) FROM u) PRECEDING)::INTEGER AS "
    "v FROM t",
}
"""Statements with a subquery where only one that looks at no row around it may stand."""
