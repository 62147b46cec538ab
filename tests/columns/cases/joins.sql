-- # an inner join: its condition is an edge to every column
-- b: t.b IDENTITY
-- k: u.k IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT b, k FROM t JOIN u ON t.a = u.a;

-- # USING makes one column of two
-- a: t.a IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT a FROM t JOIN u USING (a);

-- # of a right join it is the right one, of a full join either
-- a: u.a IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT a FROM t RIGHT JOIN u USING (a);

-- # FULL JOIN
-- a: t.a IDENTITY, u.a IDENTITY
-- k: u.k IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT a, k FROM t FULL JOIN u USING (a);

-- # the joined columns keep their own names
-- a: t.a IDENTITY
-- a_1: u.a IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT t.a, u.a FROM t FULL JOIN u USING (a);

-- # NATURAL
-- a: u.a IDENTITY
-- k: u.k IDENTITY
-- e: u.e IDENTITY
-- n: v.n IDENTITY
-- *: u.a JOIN, v.a JOIN
FROM u NATURAL JOIN v;

-- # a left join may double the left rows
-- b: t.b IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT b FROM t LEFT JOIN u ON u.a = t.a;

-- # but not where the right side has one row for each
-- b: t.b IDENTITY
-- m: u.k AGGREGATION, u.a GROUP_BY, u.a JOIN, t.a JOIN
SELECT b, g.m FROM t LEFT JOIN (SELECT a, max(k) AS m FROM u GROUP BY a) AS g ON g.a = t.a;

-- # the same by DISTINCT ON
-- b: t.b IDENTITY
-- k: u.k IDENTITY, u.a GROUP_BY, u.e SORT, u.a JOIN, t.a JOIN
SELECT b, k FROM t LEFT JOIN (SELECT DISTINCT ON (a) a, k FROM u ORDER BY e) AS g USING (a);

-- # the same by the first of each
-- b: t.b IDENTITY
-- k: u.k IDENTITY, u.a WINDOW, u.e WINDOW, u.a JOIN, t.a JOIN
SELECT b, k
FROM t
LEFT JOIN (SELECT * FROM u QUALIFY row_number() OVER (PARTITION BY a ORDER BY e) = 1) AS g ON t.a = g.a;

-- # not where another column is compared
-- b: t.b IDENTITY
-- *: u.a GROUP_BY, u.k JOIN, t.b JOIN
SELECT b FROM t LEFT JOIN (SELECT a, max(k) AS m FROM u GROUP BY a) AS g ON g.m = t.b;

-- # nor where values of another type are compared
-- b: t.b IDENTITY
-- *: u.k GROUP_BY, u.k JOIN, t.a JOIN
SELECT b FROM t LEFT JOIN (SELECT k FROM u GROUP BY k) AS g ON g.k = t.a;

-- # nor in a join of a grouped query with itself
-- a: u.a IDENTITY
-- *: u.a GROUP_BY, u.a JOIN, u.k JOIN
WITH g AS (SELECT a, max(k) AS k FROM u GROUP BY a)
SELECT x.a FROM g AS x LEFT JOIN g AS y ON x.k = x.a::VARCHAR AND x.a = x.a;

-- # an inner join with one row for each drops rows all the same
-- b: t.b IDENTITY
-- *: u.a GROUP_BY, u.a JOIN, t.a JOIN
SELECT b FROM t JOIN (SELECT DISTINCT a FROM u) AS g ON g.a = t.a;

-- # a single row beside all
-- b: t.b IDENTITY
-- newest: u.e AGGREGATION, u.k FILTER
SELECT b, newest FROM t CROSS JOIN (SELECT max(e) AS newest FROM u WHERE k = 'x');

-- # ASOF drops what has no partner
-- b: t.b IDENTITY
-- k: u.k IDENTITY
-- *: t.a JOIN, u.a JOIN, t.d JOIN, u.e JOIN
SELECT b, k FROM t ASOF JOIN u ON t.a = u.a AND t.d >= u.e;

-- # ASOF LEFT keeps the left rows
-- b: t.b IDENTITY
-- k: u.k IDENTITY, t.a JOIN, u.a JOIN, t.d JOIN, u.e JOIN
SELECT b, k FROM t ASOF LEFT JOIN u ON t.a = u.a AND t.d >= u.e;

-- # POSITIONAL puts rows beside each other
-- b: t.b IDENTITY
-- k: u.k IDENTITY
-- *: u.e FILTER
SELECT b, q.k FROM t POSITIONAL JOIN (SELECT k FROM u WHERE e IS NOT NULL) AS q;

-- # POSITIONAL: the order of a side decides which of its values stand where, not those of the other side
-- b: t.b IDENTITY, t.c SORT
-- k: u.k IDENTITY, u.e SORT
SELECT b, k FROM (SELECT b FROM t ORDER BY c) POSITIONAL JOIN (FROM u ORDER BY e);

-- # POSITIONAL: an order that chooses rows decides how many there are
-- b: t.b IDENTITY
-- k: u.k IDENTITY
-- *: t.c SORT, t.a GROUP_BY, t.a SORT
SELECT b, k FROM (SELECT DISTINCT ON (a) b FROM t ORDER BY a, c) POSITIONAL JOIN u;

-- # POSITIONAL: what is asked of one side decides rows of both
-- b: t.b IDENTITY, t.c SORT, t.b FILTER
-- k: u.k IDENTITY, t.c SORT, t.b FILTER
SELECT b, k FROM (SELECT b FROM t ORDER BY c) POSITIONAL JOIN u WHERE b > 'x';

-- # SEMI and ANTI only choose
-- b: t.b IDENTITY
-- *: t.a FILTER, u.a FILTER, t.b FILTER, v.n FILTER
SELECT b FROM t SEMI JOIN u USING (a) ANTI JOIN v ON v.n = t.b;

-- # LATERAL
-- b: t.b IDENTITY
-- m: u.k AGGREGATION, u.a FILTER, t.a FILTER
SELECT b, x.m FROM t, LATERAL (SELECT max(k) AS m FROM u WHERE u.a = t.a) AS x;

-- # a subquery that uses the table before it without the word
-- b: t.b IDENTITY
-- k: u.k IDENTITY
-- *: u.a FILTER, t.a FILTER
SELECT b, k FROM t, (SELECT k FROM u WHERE u.a = t.a) AS x;

-- # LEFT JOIN LATERAL of the latest
-- b: t.b IDENTITY
-- k: u.k IDENTITY, u.a FILTER, t.a FILTER, u.e SORT
SELECT b, k FROM t LEFT JOIN LATERAL (SELECT k FROM u WHERE u.a = t.a ORDER BY e DESC LIMIT 1) AS x ON true;

-- # a join in parentheses
-- b: t.b IDENTITY
-- k: u.k IDENTITY
-- n: v.n IDENTITY
-- *: u.a JOIN, v.a JOIN, t.a JOIN
SELECT b, k, n FROM t JOIN (u JOIN v USING (a)) ON t.a = u.a;

-- # a join in parentheses under one name (DuckDB 2)
-- n: v.n IDENTITY
-- a: u.a IDENTITY
-- *: u.a JOIN, v.a JOIN
SELECT j.n, j.a FROM (u JOIN v USING (a)) AS j;

-- # three tables by one column
-- a: t.a IDENTITY
-- *: t.a JOIN, u.a JOIN, v.a JOIN
SELECT a FROM t JOIN u USING (a) JOIN v USING (a);

-- # a condition with a subquery
-- b: t.b IDENTITY
-- *: t.a JOIN, v.a JOIN, v.n FILTER
SELECT b FROM t JOIN u ON t.a > (SELECT max(a) FROM v WHERE n = 'x');

-- # columns renamed by the alias of a table
-- x: t.a IDENTITY
-- c: t.c IDENTITY
-- *: t.b FILTER
SELECT x, c FROM t AS q(x, y) WHERE y = 'x';

-- # with a table's schema before it
-- a: t.a IDENTITY
SELECT main.t.a FROM main.t;

-- # FROM first, of subqueries that are joined
-- x: t.c IDENTITY
-- y: u.k IDENTITY
-- *: t.a JOIN, u.a JOIN
FROM (FROM t) AS one JOIN (FROM u) AS other ON one.a = other.a SELECT one.c AS x, other.k AS y;

-- # a comma after USING: the table behind it keeps its column
-- a: t.a IDENTITY
-- k: u.k IDENTITY
-- a_1: v.a IDENTITY
-- n: v.n IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT * FROM (SELECT a FROM t) AS t JOIN (SELECT a, k FROM u) AS u USING (a), v;

-- # VALUES before a join, with SELECT behind it
-- x: v.n IDENTITY
-- *: v.a JOIN
FROM (VALUES (1), (2)) AS given(a) JOIN v USING (a) SELECT v.n AS x;
