-- # the key of a group decides every row
-- b: t.b IDENTITY
-- n:
-- x: t.c AGGREGATION
-- *: t.b GROUP_BY
SELECT b, count(*) AS n, sum(c) AS x FROM t GROUP BY b;

-- # without a key there is always one row
-- x: t.c AGGREGATION, t.a FILTER
-- one:
SELECT max(c) AS x, 1 AS one FROM t WHERE a > 1;

-- # HAVING without a key
-- x: t.c AGGREGATION
-- *: t.a FILTER
SELECT max(c) AS x FROM t HAVING min(a) > 1;

-- # GROUP BY ALL
-- b: t.b IDENTITY
-- y: t.d TRANSFORMATION
-- x: t.c AGGREGATION
-- *: t.b GROUP_BY, t.d GROUP_BY
SELECT b, year(d) AS y, max(c) AS x FROM t GROUP BY ALL;

-- # GROUP BY a place and an alias
-- y: t.d TRANSFORMATION
-- z: t.b TRANSFORMATION
-- *: t.b GROUP_BY, t.d GROUP_BY
SELECT year(d) AS y, upper(b) AS z FROM t GROUP BY 1, z;

-- # ROLLUP, CUBE and GROUPING SETS
-- a: t.a IDENTITY
-- b: t.b IDENTITY
-- c: t.c IDENTITY
-- d: t.d IDENTITY
-- g:
-- *: t.a GROUP_BY, t.b GROUP_BY, t.c GROUP_BY, t.d GROUP_BY
SELECT a, b, c, d, grouping(a) AS g FROM t GROUP BY ROLLUP (a), CUBE (b), GROUPING SETS ((c), (d), ());

-- # HAVING takes an alias before a column, but not within an aggregate
-- b: t.b IDENTITY
-- a: t.c AGGREGATION
-- *: t.b GROUP_BY, t.c FILTER, t.a FILTER
SELECT b, sum(c) AS a FROM t GROUP BY b HAVING a > 3 AND sum(a) > 2;

-- # FILTER is of one value
-- x: t.c AGGREGATION, t.a FILTER
-- n: t.d FILTER
-- *: t.b GROUP_BY
SELECT sum(c) FILTER (WHERE a > 1) AS x, count(*) FILTER (d IS NULL) AS n FROM t GROUP BY b;

-- # DISTINCT in an aggregate
-- n: t.a AGGREGATION
SELECT count(DISTINCT a) AS n FROM t;

-- # order within an aggregate
-- x: t.a AGGREGATION, t.d SORT
-- y: t.b AGGREGATION, t.c SORT
-- z: t.b AGGREGATION, t.c SORT
SELECT list(a ORDER BY d DESC) AS x, arg_max(b, c) AS y, first(b ORDER BY c) AS z FROM t;

-- # ordered-set aggregates
-- x: t.c AGGREGATION
-- y: t.b AGGREGATION
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c) AS x, mode() WITHIN GROUP (ORDER BY b) AS y FROM t;

-- # an aggregate of an outer query in a subquery
-- x: u.k AGGREGATION, u.a FILTER, t.a FILTER
-- *: t.b GROUP_BY
SELECT (SELECT max(k) FROM u WHERE u.a = min(t.a)) AS x FROM t GROUP BY b;

-- # DISTINCT
-- a: t.a IDENTITY
-- b: t.b IDENTITY
-- *: t.a GROUP_BY, t.b GROUP_BY
SELECT DISTINCT a, b FROM t;

-- # DISTINCT ON
-- c: t.c IDENTITY
-- *: t.a GROUP_BY, t.d SORT
SELECT DISTINCT ON (a) c FROM t ORDER BY d;

-- # DISTINCT ON takes an alias before a column, in parentheses too
-- a: t.b IDENTITY
-- c: t.c IDENTITY
-- *: t.b GROUP_BY
SELECT DISTINCT ON ((a)) b AS a, c FROM t;

-- # DISTINCT ON an alias, which is also a column of two tables
-- a: u.a IDENTITY
-- b: t.b IDENTITY
-- *: u.a GROUP_BY, t.d SORT
SELECT DISTINCT ON (a) u.a AS a, b FROM t, u ORDER BY d;

-- # (DuckDB 2) ORDER BY ALL in an aggregate repeats it for each column of FROM
-- l: u.a SORT, u.k AGGREGATION
-- n: u.k AGGREGATION, u.k SORT
SELECT l, l_1 AS n FROM (SELECT list(k ORDER BY ALL) AS l FROM u);

-- # (DuckDB 2) its columns have the names of those that they are sorted by
-- a: u.a SORT, u.k AGGREGATION
-- k: u.k AGGREGATION, u.k SORT
-- e: u.e SORT, u.k AGGREGATION
SELECT string_agg(k, ',' ORDER BY ALL DESC) FROM u;

-- # windows
-- x: t.c AGGREGATION, t.b WINDOW, t.d WINDOW
-- r: t.c WINDOW
-- p: t.b WINDOW, t.c AGGREGATION, t.c WINDOW, t.d WINDOW
SELECT
    sum(c) OVER (PARTITION BY b ORDER BY d) AS x,
    rank() OVER (ORDER BY c) AS r,
    lag(c, 1) OVER (ORDER BY d) AS p
FROM t;

-- # named windows, one made of another
-- x: t.a AGGREGATION, t.b WINDOW
-- l: t.a AGGREGATION, t.b WINDOW, t.d WINDOW
SELECT sum(a) OVER w AS x, list(a) OVER (w ORDER BY d) AS l FROM t WINDOW w AS (PARTITION BY b);

-- # FILTER, frame and order of a window
-- x: t.a AGGREGATION, t.c FILTER, t.b WINDOW, t.d WINDOW
-- f: t.b AGGREGATION, t.b WINDOW, t.c SORT, t.d WINDOW
SELECT
    sum(a) FILTER (WHERE c > 1) OVER (PARTITION BY b ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS x,
    first_value(b ORDER BY c) OVER (PARTITION BY d) AS f
FROM t;

-- # QUALIFY
-- a: t.a IDENTITY
-- *: t.b WINDOW, t.c WINDOW
SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c DESC) = 1;

-- # what all rows of a partition share hangs on no order among them
-- b: t.b IDENTITY
-- a: t.a IDENTITY, t.c WINDOW
-- n: t.c WINDOW
-- *: t.b WINDOW
SELECT b, a, 1 AS n FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c DESC) <= 2;

-- # the same where a query around it asks for the number
-- b: t.b IDENTITY
-- a: t.a IDENTITY, t.c WINDOW
-- *: t.b WINDOW
SELECT b, a FROM (SELECT *, row_number() OVER (PARTITION BY b ORDER BY c) AS n FROM t) AS q WHERE n = 1;

-- # the same of a query of WITH, by its name
-- b: t.b IDENTITY
-- m: t.a TRANSFORMATION, t.c WINDOW
-- *: t.b WINDOW
WITH q AS (SELECT a, b AS key, row_number() OVER (PARTITION BY b ORDER BY c) AS n FROM t)
SELECT key AS b, a + 1 AS m FROM q AS p WHERE p.n <= 2;

-- # not where more than the number is asked, or rows are counted
-- b: t.b IDENTITY
-- a: t.a IDENTITY
-- *: t.b WINDOW, t.c WINDOW, t.a FILTER
SELECT b, a FROM (SELECT *, row_number() OVER (PARTITION BY b ORDER BY c) AS n FROM t) AS q WHERE n = 1 AND a > 0;

-- # not beside windows over what is left
-- b: t.b IDENTITY
-- m: t.a AGGREGATION
-- *: t.b WINDOW, t.c WINDOW
SELECT b, max(a) OVER () AS m
FROM (SELECT *, row_number() OVER (PARTITION BY b ORDER BY c) AS n FROM t) AS q WHERE n = 1;

-- # nor does how many rows stay
-- n: t.b WINDOW
SELECT count(*) AS n FROM (FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) = 1) AS q;

-- # nor does their order by what they share, and a LIMIT
-- b: t.b IDENTITY
-- a: t.a IDENTITY, t.c WINDOW
-- *: t.b WINDOW, t.b SORT
SELECT b, a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) = 1 ORDER BY b, a LIMIT 5;

-- # the same where a query around it asks for the number
-- b: t.b IDENTITY
-- a: t.a IDENTITY, t.c WINDOW
-- *: t.b WINDOW, t.b SORT
SELECT b, a FROM (SELECT *, row_number() OVER (PARTITION BY b ORDER BY c) AS n FROM t) AS q WHERE n = 1 ORDER BY b, a;

-- # of more rows the order by something else does
-- b: t.b IDENTITY
-- a: t.a IDENTITY, t.c WINDOW, t.a SORT
-- *: t.b WINDOW, t.b SORT
SELECT b, a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) <= 2 ORDER BY b, a;

-- # but where the order decides more than that, or more is asked
-- b: t.b IDENTITY
-- a: t.a IDENTITY
-- *: t.b WINDOW, t.c WINDOW, t.a SORT
SELECT b, a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) = 1 ORDER BY a;

-- # as for rows of equal rank
-- b: t.b IDENTITY
-- *: t.b WINDOW, t.c WINDOW
SELECT b FROM t QUALIFY rank() OVER (PARTITION BY b ORDER BY c) = 1;

-- # QUALIFY takes a column before an alias
-- c: t.a TRANSFORMATION
-- *: t.c FILTER, t.d WINDOW
SELECT -a AS c FROM t QUALIFY c > rank() OVER (ORDER BY d);

-- # the length of a list of all rows hangs on none of its values
-- n: t.b GROUP_BY
-- d: t.a AGGREGATION, t.b GROUP_BY
-- f: t.b GROUP_BY, t.c FILTER
SELECT
    len(list(a ORDER BY c)) AS n,
    length(array_agg(DISTINCT a)) AS d,
    len(list(a) FILTER (c > 0)) AS f
FROM t GROUP BY b;

-- # a window over groups
-- x: t.c AGGREGATION
-- *: t.b GROUP_BY
SELECT sum(c) / sum(sum(c)) OVER () AS x FROM t GROUP BY b;

-- # rows of a table counted by its name
-- n: v.a AGGREGATION, v.n AGGREGATION
SELECT count(v.*) AS n FROM v;

-- # names of expressions are spelled as DuckDB spells them
-- date_trunc('Month', d): t.d TRANSFORMATION
-- B: t.b IDENTITY
SELECT date_trunc('Month', d), b AS "B" FROM t;

-- # macros that are made of aggregates
-- b: t.b IDENTITY
-- j: t.a AGGREGATION
-- w: t.a AGGREGATION, t.c AGGREGATION
-- *: t.b GROUP_BY
SELECT b, json_group_array(a) AS j, weighted_avg(a, c) AS w FROM t GROUP BY ALL;
