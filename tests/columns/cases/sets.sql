-- # UNION ALL
-- a: t.a IDENTITY, u.a IDENTITY
-- b: t.b IDENTITY, u.k IDENTITY
-- *: u.e FILTER
SELECT a, b FROM t UNION ALL SELECT a, k FROM u WHERE e IS NULL;

-- # UNION
-- a: t.a IDENTITY, u.a IDENTITY
-- b: t.b IDENTITY, u.k IDENTITY
-- *: t.a GROUP_BY, t.b GROUP_BY, u.a GROUP_BY, u.k GROUP_BY
SELECT a, b FROM t UNION SELECT a, k FROM u;

-- # BY NAME
-- k: u.k IDENTITY
-- a: u.a IDENTITY, v.a IDENTITY
-- n: v.n IDENTITY
SELECT k, a FROM u UNION ALL BY NAME SELECT a, n FROM v;

-- # EXCEPT
-- a: t.a IDENTITY
-- b: t.b IDENTITY
-- *: t.a GROUP_BY, t.b GROUP_BY, u.a FILTER, u.k FILTER
SELECT a, b FROM t EXCEPT SELECT a, k FROM u;

-- # INTERSECT ALL, and ORDER BY of what comes out
-- x: t.a IDENTITY
-- *: t.a FILTER, u.a FILTER, t.a SORT
SELECT a AS x FROM t INTERSECT ALL SELECT a FROM u ORDER BY x;

-- # parentheses with an order and an end of their own
-- a: t.a IDENTITY, u.a IDENTITY
-- *: t.d SORT, u.a FILTER
(SELECT a FROM t ORDER BY d LIMIT 1) UNION ALL SELECT a FROM u WHERE a > 1;

-- # WITH, renamed, used twice
-- p: t.a IDENTITY
-- q: t.b TRANSFORMATION
-- *: t.a JOIN, t.b JOIN
WITH x(p, q) AS (SELECT a, upper(b) FROM t), y AS (SELECT * FROM x) SELECT x.p, y.q FROM x JOIN y ON x.p = y.p AND x.q = y.q;

-- # a query of WITH hides a table
-- a: u.a IDENTITY
WITH t AS (SELECT a FROM u) SELECT a FROM t;

-- # but not for itself
-- a: t.a IDENTITY
WITH t AS (SELECT a FROM t) SELECT a FROM t;

-- # WITH in a subquery
-- k: u.k IDENTITY
SELECT k FROM (WITH q AS (SELECT k FROM u) SELECT * FROM q);

-- # recursive
-- a: u.a IDENTITY
-- k: u.k IDENTITY, u.k TRANSFORMATION
-- *: u.a FILTER
WITH RECURSIVE r AS (
    SELECT a, k FROM u UNION ALL SELECT a, k || 'x' FROM r WHERE a < 5
)
SELECT * FROM r;

-- # recursive, different rows, joined with a table, values that change places
-- x: v.n IDENTITY, u.k IDENTITY
-- y: v.n IDENTITY, u.k IDENTITY
-- *: v.n GROUP_BY, u.k GROUP_BY, v.n JOIN, u.k JOIN
WITH RECURSIVE r(x, y) AS (
    SELECT n, k FROM v JOIN u ON true UNION SELECT r.y, r.x FROM r JOIN u ON u.k = r.x
)
SELECT * FROM r;

-- # recursive by a key
-- a: u.a IDENTITY
-- k: u.k IDENTITY, v.n IDENTITY
-- *: u.a GROUP_BY, u.a JOIN, v.a JOIN
WITH RECURSIVE r(a, k) USING KEY (a) AS (
    SELECT a, k FROM u UNION SELECT r.a, v.n FROM r JOIN v ON v.a = r.a
)
SELECT * FROM r;

-- # recursive, with different rows of another table
-- a: u.a IDENTITY
-- k: u.k IDENTITY, v.n IDENTITY
-- *: u.a GROUP_BY, u.k GROUP_BY, v.n GROUP_BY, u.a JOIN, v.a JOIN
WITH RECURSIVE r AS (SELECT a, k FROM u UNION SELECT r.a, v.n FROM r JOIN v ON v.a = r.a)
SELECT a, k FROM r;
