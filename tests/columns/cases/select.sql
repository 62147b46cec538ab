-- # a column as it is, an expression of one row, a literal
-- a: t.a IDENTITY
-- n: t.a TRANSFORMATION, t.c TRANSFORMATION
-- one:
SELECT a, a + c AS n, 1 AS one FROM t;

-- # names fold, quoted or not
-- a: t.a IDENTITY
-- X y: t.b IDENTITY
SELECT A, T."B" AS "X y" FROM "T";

-- # DuckDB names what has no alias
-- (a + 1): t.a TRANSFORMATION
-- count_star():
-- sum(c): t.c AGGREGATION
-- *: t.a GROUP_BY
SELECT a + 1, count(*), sum(c) FROM t GROUP BY a;

-- # a name that comes twice is numbered
-- a: t.a IDENTITY
-- a_1: t.c IDENTITY
SELECT a, c AS a FROM t;

-- # a column of a subquery that DuckDB named
-- m: t.c AGGREGATION
SELECT "max(c)" AS m FROM (SELECT max(c) FROM t);

-- # WHERE and ORDER BY are edges to every column
-- a: t.a IDENTITY
-- *: t.b FILTER, t.c SORT
SELECT a FROM t WHERE b = 'x' ORDER BY c LIMIT 3;

-- # LIMIT by a subquery
-- a: t.a IDENTITY
-- *: u.k FILTER
SELECT a FROM t LIMIT (SELECT count(*) FROM u WHERE k = 'x');

-- # FROM first
-- a: t.a IDENTITY
-- *: t.c FILTER
FROM t SELECT a WHERE c > 1;

-- # FROM alone
-- a: u.a IDENTITY
-- k: u.k IDENTITY
-- e: u.e IDENTITY
FROM u;

-- # a column goes before an alias in the SELECT list, in WHERE and within an expression of ORDER BY
-- c: t.a TRANSFORMATION
-- n: t.c TRANSFORMATION
-- *: t.c FILTER, t.c SORT
SELECT -a AS c, c + 1 AS n FROM t WHERE c > 1 ORDER BY c + 1;

-- # an alias goes before a column where it is the whole key of ORDER BY
-- c: t.a TRANSFORMATION
-- *: t.a SORT
SELECT -a AS c FROM t ORDER BY c;

-- # an alias that is no column may be used in the list behind it, in WHERE and in QUALIFY
-- x: t.a TRANSFORMATION
-- y: t.a TRANSFORMATION, t.c TRANSFORMATION
-- *: t.a FILTER
SELECT a + 1 AS x, x * c AS y FROM t WHERE x > 1 QUALIFY count(*) OVER () > x;

-- # also in parentheses and under a collation
-- a: t.b IDENTITY
-- b: t.d TRANSFORMATION
-- *: t.b SORT, t.d SORT
SELECT b AS a, d::VARCHAR AS b FROM t ORDER BY b COLLATE NOCASE, ((a));

-- # a place in parentheses
-- b: t.b IDENTITY
-- a: t.a IDENTITY
-- *: t.a SORT
SELECT b, a FROM t ORDER BY (2);

-- # ORDER BY a place, and ALL
-- b: t.b IDENTITY
-- a: t.a IDENTITY
-- *: t.a SORT
SELECT b, a FROM t ORDER BY 2;

-- # ORDER BY ALL: the first key comes in the same order, whatever the second one is
-- b: t.b IDENTITY
-- a: t.a IDENTITY, t.a SORT
-- *: t.b SORT
SELECT b, a FROM t ORDER BY ALL;

-- # a column that is a sort key comes in an order, and a LIMIT leaves values of it, that no later key decides
-- a: t.a IDENTITY
-- c: t.c IDENTITY, t.b SORT, t.c SORT
-- k: t.b TRANSFORMATION, t.b SORT
-- d: t.d IDENTITY, t.b SORT, t.c SORT
-- *: t.a SORT
SELECT a, c, b || '' AS k, d FROM t ORDER BY a DESC, k, c LIMIT 3;

-- # keys behind those of the groups decide nothing
-- a: t.a IDENTITY
-- n: t.c AGGREGATION
-- *: t.a GROUP_BY, t.a SORT
SELECT a, max(c) AS n FROM t GROUP BY a ORDER BY 1, n, max(d);

-- # keys of a set operation
-- a: t.a IDENTITY, u.a IDENTITY
-- d: t.d IDENTITY, u.e IDENTITY, t.d SORT, u.e SORT
-- *: t.a SORT, u.a SORT
SELECT a, d FROM t UNION ALL SELECT a, e FROM u ORDER BY a, d;

-- # CASE, IF, COALESCE and NULLIF look at what they choose by
-- q: t.a CONDITIONAL, t.b TRANSFORMATION, t.d TRANSFORMATION
-- r: t.c CONDITIONAL, t.b TRANSFORMATION
-- s: t.a CONDITIONAL, t.b TRANSFORMATION, u.k TRANSFORMATION
-- v: t.a TRANSFORMATION, t.a CONDITIONAL, t.c TRANSFORMATION
-- w: t.a TRANSFORMATION, t.a CONDITIONAL, t.c CONDITIONAL
-- z: t.b TRANSFORMATION, t.b CONDITIONAL
SELECT
    CASE WHEN t.a > 1 THEN b ELSE d::VARCHAR END AS q,
    CASE c WHEN 1 THEN b END AS r,
    if(t.a > 1, b, k) AS s,
    coalesce(t.a, c) AS v,
    nullif(t.a, c) AS w,
    ifnull(b, 'none') AS z
FROM t, u;

-- # along a chain the strongest direct way counts, and the first indirect one
-- m: t.a AGGREGATION, t.b CONDITIONAL
-- *: t.c FILTER
SELECT m FROM (SELECT max(n) AS m FROM (SELECT CASE WHEN b = 'x' THEN a + 1 END AS n FROM t WHERE c > 1));

-- # two ways from one column are two edges
-- x: t.a IDENTITY, t.a TRANSFORMATION
SELECT a AS x FROM t UNION ALL SELECT a + 1 FROM t;

-- # casts, dates, zones, JSON
-- i: t.b TRANSFORMATION
-- y: t.d TRANSFORMATION
-- z: t.d TRANSFORMATION, t.b TRANSFORMATION
-- j: t.b TRANSFORMATION
SELECT
    TRY_CAST(b AS INTEGER) AS i, year(d) + extract(month FROM d) AS y, d::TIMESTAMP AT TIME ZONE b AS z,
    b::JSON ->> '$.a' AS j
FROM t;

-- # VALUES, and what generates rows, comes from no column
-- x:
-- y:
-- i:
SELECT x, y, i FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y), range(3) AS r(i);

-- # VALUES alone
-- col0:
-- col1:
VALUES (1, 2);

-- # a whole row
-- t: u.a TRANSFORMATION, u.k TRANSFORMATION, u.e TRANSFORMATION
SELECT t FROM u AS t;

-- # a sample, a physical row number, the n-th column
-- rowid:
-- b: t.b IDENTITY
SELECT rowid, #2 FROM t USING SAMPLE 10 ROWS;

-- # parameters are no columns
-- x: t.a TRANSFORMATION
-- *: t.c FILTER
SELECT a + $more AS x FROM t WHERE c > $least;

-- # DESCRIBE tells nothing of the data
-- column_name:
-- column_type:
SELECT column_name, column_type FROM (DESCRIBE t);

-- # SUMMARIZE makes statistics of all columns
-- column_name:
-- max: u.a AGGREGATION, u.k AGGREGATION, u.e FILTER
-- count: u.e FILTER
SELECT column_name, max, count FROM (SUMMARIZE SELECT a, k FROM u WHERE e IS NOT NULL);

-- # SUMMARIZE averages only numbers and times
-- max: t.a AGGREGATION, t.b AGGREGATION, t.d AGGREGATION, t.l AGGREGATION
-- q50: t.a AGGREGATION, t.d AGGREGATION
-- std: t.a AGGREGATION
SELECT max, q50, std FROM (SUMMARIZE SELECT a, b, d, l FROM t);

-- # a slice that is turned round (DuckDB 2)
-- x: t.l TRANSFORMATION
-- y: t.l TRANSFORMATION
SELECT l[::-1] AS x, l[2::-1] AS y FROM t;

-- # values of the session, where no column is called so
-- user:
-- current_date: u.e IDENTITY
-- localtimestamp: u.k IDENTITY
SELECT user, current_date, localtimestamp FROM (SELECT e AS current_date, k AS localtimestamp FROM u);

-- # names in backticks (DuckDB 2)
-- x y: t.a TRANSFORMATION
-- b: t.b IDENTITY
-- *: t.b FILTER
SELECT `a` + 1 AS `x y`, `t`.b FROM `t` WHERE `b` <> '`a`';

-- # the last of several aliases of one name counts
-- n: t.a IDENTITY
-- n_1: t.c IDENTITY
-- z: t.c TRANSFORMATION
-- *: t.c FILTER
SELECT a AS n, c AS n, n + 1 AS z FROM t WHERE n > 1;

-- # The keys of a map that is written out decide what is taken out of it
-- m: t.b TRANSFORMATION, t.a TRANSFORMATION
SELECT map {b: a}['x'] AS m FROM t;

-- # Of a map that is written out by texts a text takes one value
-- m: t.a TRANSFORMATION
SELECT map {'x': a, 'y': c}['x'] AS m FROM t;

-- # Keys and values of a map that is written out are known apart
-- k: t.b TRANSFORMATION
-- v: t.a TRANSFORMATION
SELECT map_keys(map {b: a}) AS k, map {b: a}.map_values() AS v FROM t;

-- # Of a tuple that is written out a number takes one part
-- x: t.b TRANSFORMATION
-- y: t.a TRANSFORMATION
-- z: t.c TRANSFORMATION
SELECT (a, b)[2] AS x, row(a, c)[1] AS y, struct_extract((a, c), 2) AS z FROM t;

-- # members and the tag of a UNION that is chosen
-- i: t.c TRANSFORMATION, t.a CONDITIONAL
-- v: t.b TRANSFORMATION, t.a CONDITIONAL
-- tag: t.a CONDITIONAL
SELECT u.i, union_extract(u, 'v') AS v, union_tag(u) AS tag FROM (
    SELECT CASE WHEN a > 1 THEN union_value(v := b)::UNION(i INTEGER, v VARCHAR) ELSE c::UNION(i INTEGER, v VARCHAR) END AS u FROM t
);

-- # the tag of a UNION of one member, and a UNION as a whole
-- tag:
-- text: t.b TRANSFORMATION
SELECT union_tag(u) AS tag, u::VARCHAR AS text FROM (SELECT union_value(k := b) AS u FROM t);

-- # a UNION of which DuckDB chooses the member, in a list
-- one: t.d TRANSFORMATION
-- none:
SELECT l[1].v AS one, l[1].i AS none FROM (SELECT [d::UNION(i INTEGER, v DATE)] AS l FROM t);
