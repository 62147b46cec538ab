-- # a scalar subquery: its WHERE is of its value alone
-- a: t.a IDENTITY
-- m: u.k AGGREGATION, u.a FILTER, t.a FILTER
SELECT a, (SELECT max(k) FROM u WHERE u.a = t.a) AS m FROM t;

-- # an order outside of parentheses
-- k: u.k IDENTITY
-- *: u.a SORT
SELECT k FROM ((SELECT k, a FROM u) ORDER BY a LIMIT 2);

-- # one that takes a value as it is
-- k: u.k IDENTITY, u.e SORT
SELECT (SELECT k FROM u ORDER BY e LIMIT 1) AS k;

-- # EXISTS looks at rows alone
-- b: t.b IDENTITY
-- *: u.a FILTER, t.a FILTER
SELECT b FROM t WHERE EXISTS (SELECT k FROM u WHERE u.a = t.a);

-- # EXISTS as a value
-- b: t.b IDENTITY
-- x: u.a FILTER, t.a FILTER
SELECT b, EXISTS (FROM u WHERE u.a = t.a) AS x FROM t;

-- # IN, NOT IN, ANY, ALL
-- b: t.b IDENTITY
-- *: t.a FILTER, u.a FILTER, u.e FILTER, t.c FILTER, v.a FILTER
SELECT b FROM t WHERE a IN (SELECT a FROM u WHERE e IS NULL) AND c NOT IN (SELECT a FROM v) AND c > ALL (SELECT a FROM v);

-- # IN as a value
-- x: t.a TRANSFORMATION, u.a FILTER
-- y: t.a TRANSFORMATION, t.c TRANSFORMATION
-- z: t.a TRANSFORMATION, t.l TRANSFORMATION
SELECT a IN (SELECT a FROM u) AS x, a IN (1, c) AS y, a IN l AS z FROM t;

-- # IN of several columns
-- b: t.b IDENTITY
-- *: t.a FILTER, t.b FILTER, u.a FILTER, u.k FILTER
SELECT b FROM t WHERE (a, b) IN (SELECT a, k FROM u);

-- # ARRAY of a subquery
-- x: u.k AGGREGATION, u.a FILTER, t.a FILTER, u.e SORT
SELECT ARRAY(SELECT k FROM u WHERE u.a = t.a ORDER BY e) AS x FROM t;

-- # ORDER BY ALL below ARRAY sorts by the columns of FROM too
-- x: u.k AGGREGATION, u.a SORT, u.e SORT, u.k SORT
SELECT ARRAY(SELECT k FROM u ORDER BY ALL) AS x;

-- # sort keys below ARRAY are there when it is made distinct
-- n: u.e SORT, u.k GROUP_BY
SELECT len(ARRAY(SELECT DISTINCT k FROM u ORDER BY e)) AS n;

-- # a name of the inner query goes before one of the outer
-- x: u.a AGGREGATION, u.k FILTER, t.b FILTER
SELECT (SELECT max(a) FROM u WHERE k = b) AS x FROM t;

-- # three levels
-- x: v.n AGGREGATION, v.a FILTER, t.a FILTER, u.a FILTER, t.c FILTER
SELECT (SELECT max(n) FROM v WHERE v.a = t.a AND EXISTS (SELECT 1 FROM u WHERE u.a = v.a AND u.a > t.c)) AS x FROM t;

-- # a subquery in ORDER BY
-- a: t.a IDENTITY
-- *: u.e SORT, u.a FILTER, t.a FILTER
SELECT a FROM t ORDER BY (SELECT max(e) FROM u WHERE u.a = t.a);

-- # VALUES in IN, EXISTS and ARRAY
-- x: v.a TRANSFORMATION, v.n TRANSFORMATION
-- w: v.n TRANSFORMATION, v.n FILTER
-- y:
-- z: v.n AGGREGATION
SELECT (a, n) IN (VALUES (1, 'a'), (2, 'b')) AS x, upper(n) IN (VALUES (n)) AS w, EXISTS (VALUES (a)) AS y,
  ARRAY(VALUES (n)) AS z
FROM v;

-- # the order before a LIMIT decides which rows remain, not how many
-- a: t.a IDENTITY
-- k: u.k IDENTITY, u.e SORT
SELECT t.a, q.k FROM t, (SELECT k FROM u ORDER BY e LIMIT 2) AS q;

-- # the order before a LIMIT of a lateral join
-- a: t.a IDENTITY
-- k: u.k IDENTITY, u.e SORT
-- *: t.a FILTER, u.a FILTER
SELECT t.a, q.k FROM t, LATERAL (SELECT k FROM u WHERE u.a = t.a ORDER BY e LIMIT 1) AS q;

-- # rows that are counted after a LIMIT
-- n:
-- k: u.k AGGREGATION, u.e SORT
SELECT count(*) AS n, max(k) AS k FROM (SELECT k FROM u ORDER BY e LIMIT 2);

-- # rows of lists after a LIMIT
-- a: t.a IDENTITY
-- x: w.ls TRANSFORMATION
-- *: w.ls JOIN, t.a SORT
SELECT q.a, unnest(q.ls).p AS x FROM (SELECT a, ls FROM t, w ORDER BY a LIMIT 1) AS q;
