-- # EXCLUDE, REPLACE and RENAME
-- a: u.a TRANSFORMATION
-- date: u.e IDENTITY
SELECT * EXCLUDE (k) REPLACE (a + 1 AS a) RENAME (e AS date) FROM u;

-- # REPLACE spells the column
-- A: u.a TRANSFORMATION
-- k: u.k IDENTITY
-- e: u.e IDENTITY
SELECT * REPLACE (a + 1 AS A) FROM u;

-- # of one table
-- b: t.b IDENTITY
-- a: u.a IDENTITY
-- e: u.e IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT b, u.* EXCLUDE (k) FROM t JOIN u ON t.a = u.a;

-- # EXCLUDE and RENAME behind the star of one table may name it
-- k: u.k IDENTITY
-- z: u.e IDENTITY
-- *: t.a JOIN, u.a JOIN
SELECT u.* EXCLUDE (u.a) RENAME (u.e AS z) FROM t JOIN u ON t.a = u.a;

-- # EXCLUDE the column of one table
-- k: u.k IDENTITY
-- e: u.e IDENTITY
-- a: v.a IDENTITY
-- n: v.n IDENTITY
SELECT * EXCLUDE (u.a) FROM u, v;

-- # the column of USING comes once
-- a: u.a IDENTITY
-- k: u.k IDENTITY
-- e: u.e IDENTITY
-- n: v.n IDENTITY
-- *: u.a JOIN, v.a JOIN
SELECT * FROM u JOIN v USING (a);

-- # LIKE
-- a: t.a IDENTITY
SELECT * LIKE 'a%' FROM t;

-- # COLUMNS by a pattern, a lambda, a list, a star
-- a: t.a TRANSFORMATION
-- c: t.c TRANSFORMATION
-- b: t.b IDENTITY
-- d: t.d IDENTITY
-- a_1: t.a IDENTITY
-- c_1: t.c IDENTITY
SELECT COLUMNS('^(a|c)$') + 1, COLUMNS(lambda x: x IN ('b', 'd')), COLUMNS(['a', 'c']) FROM t;

-- # COLUMNS in an aggregate, named by its groups
-- max_a: t.a AGGREGATION
-- max_c: t.c AGGREGATION
SELECT max(COLUMNS('^(a|c)$')) AS 'max_\1' FROM t;

-- # COLUMNS of a star
-- k: u.k IDENTITY
-- e: u.e IDENTITY
SELECT COLUMNS(* EXCLUDE (a)) FROM u;

-- # COLUMNS as arguments
-- x: u.a TRANSFORMATION, u.a CONDITIONAL, v.a TRANSFORMATION
-- h: u.k TRANSFORMATION, u.e TRANSFORMATION, u.a TRANSFORMATION, v.a TRANSFORMATION, v.n TRANSFORMATION
SELECT coalesce(*COLUMNS('^a$')) AS x, hash(*COLUMNS(*)) AS h FROM u, v;

-- # COLUMNS in WHERE
-- b: t.b IDENTITY
-- *: t.a FILTER, t.c FILTER
SELECT b FROM t WHERE COLUMNS(['a', 'c']) > 1;

-- # PIVOT
-- e: u.e IDENTITY
-- x: u.a AGGREGATION, u.k FILTER
-- y: u.a AGGREGATION, u.k FILTER
-- *: u.e GROUP_BY
PIVOT u ON k IN ('x', 'y') USING sum(a);

-- # PIVOT with several statistics, keys and values
-- e: u.e IDENTITY
-- x_1_s: u.a AGGREGATION, u.k FILTER, u.a FILTER
-- x_1_count_star(): u.k FILTER, u.a FILTER
-- x_2_s: u.a AGGREGATION, u.k FILTER, u.a FILTER
-- x_2_count_star(): u.k FILTER, u.a FILTER
-- *: u.e GROUP_BY
FROM u PIVOT (sum(a) AS s, count(*) FOR k IN ('x') a IN (1, 2) GROUP BY e);

-- # PIVOT of a query, in WITH, ordered
-- x: u.a AGGREGATION, u.k FILTER
-- *: u.e FILTER, u.k FILTER
WITH p AS (PIVOT (SELECT a, k FROM u WHERE e IS NULL) ON k IN ('x') USING max(a)) SELECT * FROM p ORDER BY x;

-- # PIVOT with its own order
-- e: u.e IDENTITY
-- x: u.a AGGREGATION, u.k FILTER
-- *: u.e GROUP_BY, u.e SORT
PIVOT u ON k IN ('x') USING sum(a) GROUP BY e ORDER BY e LIMIT 3;

-- # UNPIVOT
-- b: t.b IDENTITY
-- name:
-- value: t.a IDENTITY, t.c IDENTITY
-- *: t.a FILTER, t.c FILTER
UNPIVOT (SELECT a, b, c FROM t) ON a, c;

-- # UNPIVOT with NULLs and chosen columns
-- v: t.a IDENTITY, t.c IDENTITY
-- n:
SELECT v, n FROM t UNPIVOT INCLUDE NULLS (v FOR n IN (a, c));

-- # UNPIVOT of pairs
-- k: u.k IDENTITY
-- n:
-- v: u.a TRANSFORMATION, u.e TRANSFORMATION
-- w: u.e TRANSFORMATION, u.a TRANSFORMATION
-- *: u.a FILTER, u.e FILTER
UNPIVOT (SELECT k, a::VARCHAR AS a, e::VARCHAR AS e FROM u) ON (a, e) AS ae, (e, a) AS ea INTO NAME n VALUE v, w;

-- # columns of a table by a pattern, whatever its case
-- k: u.k IDENTITY
SELECT u.* ILIKE 'K%' FROM u;

-- # columns by a pattern, of those that are left
-- k: u.k IDENTITY
SELECT * EXCLUDE (u.a) ILIKE '%K%' FROM u;

-- # one of two columns renamed
-- z: u.a IDENTITY
-- k: u.k IDENTITY
-- e: u.e IDENTITY
-- a: v.a IDENTITY
-- n: v.n IDENTITY
SELECT * RENAME (u.a AS z) FROM u, v;

-- # COLUMNS in FILTER stands for all its columns at once (DuckDB 2)
-- n: t.a FILTER, t.c FILTER
-- a: t.b AGGREGATION, t.a FILTER, t.c FILTER
SELECT count(*) FILTER (WHERE COLUMNS('^[ac]$') > 1) AS n, max(b) FILTER (WHERE COLUMNS('^[ac]$') > 1) AS a FROM t;

-- # an alias of several columns is the last of them
-- n: t.a IDENTITY
-- n_1: t.c IDENTITY
-- *: t.c FILTER
SELECT COLUMNS('^[ac]$') AS n FROM t WHERE n > 1;

-- # COLUMNS of the star of one relation, renamed by a pattern
-- a_of_u: u.a TRANSFORMATION
-- k_of_u: u.k TRANSFORMATION
-- *: t.a JOIN, u.a JOIN
SELECT COLUMNS(u.* EXCLUDE (e))::VARCHAR AS "\0_of_u" FROM t JOIN u ON t.a = u.a;

-- # COLUMNS of a renamed star, renamed by a pattern
-- new_a: v.a IDENTITY
-- new_n: v.n IDENTITY
SELECT COLUMNS(v.* RENAME (a AS n, n AS "N")) AS "new_\0" FROM v;

-- # REPLACE makes an alias, which ORDER BY takes before the column
-- a: t.b TRANSFORMATION
-- b: t.b IDENTITY
-- *: t.b SORT
SELECT * EXCLUDE (c, d, s, l, m) REPLACE (b || '' AS a) FROM t ORDER BY a;

-- # but not within an expression
-- a: t.b TRANSFORMATION
-- b: t.b IDENTITY
-- *: t.a SORT
SELECT * EXCLUDE (c, d, s, l, m) REPLACE (b || '' AS a) FROM t ORDER BY a + 1;

-- # RENAME makes aliases for all clauses
-- z: u.a IDENTITY, u.a SORT
-- k: u.k IDENTITY
-- e: u.e IDENTITY, u.a SORT
-- m: u.a TRANSFORMATION, u.a SORT
-- *: u.a FILTER, u.a WINDOW, u.k SORT
SELECT u.* RENAME (a AS z), z + 1 AS m FROM u WHERE z > 1 QUALIFY rank() OVER (ORDER BY z) = 1 ORDER BY k, z;

-- # names that RENAME swaps
-- b: t.a IDENTITY
-- a: t.b IDENTITY
-- *: t.b SORT
SELECT * EXCLUDE (c, d, s, l, m) RENAME (a AS b, b AS a) FROM t ORDER BY a;

-- # COLUMNS makes aliases of the columns' names
-- k: u.k IDENTITY
-- a: u.a AGGREGATION
-- *: u.k GROUP_BY, u.a FILTER, u.a SORT
SELECT k, max(COLUMNS('a')) FROM u GROUP BY k HAVING a > 1 ORDER BY a;

-- # an aggregate that replaces a column is no key of GROUP BY ALL
-- a: u.a AGGREGATION
-- k: u.k IDENTITY
-- e: u.e IDENTITY
-- *: u.k GROUP_BY, u.e GROUP_BY
SELECT * REPLACE (sum(a) AS a) FROM u GROUP BY ALL;

-- # an expression that replaces a column is a key of groups
-- a: u.k TRANSFORMATION
-- n: u.e AGGREGATION
-- *: u.k GROUP_BY, u.k SORT
SELECT * EXCLUDE (k, e) REPLACE (upper(k) AS a), count(e) AS n FROM u GROUP BY upper(k) ORDER BY a, n;

-- # aliases of UNPIVOT's entries, with or without AS, or before them
-- d: t.d IDENTITY
-- n:
-- v: t.a TRANSFORMATION, t.c TRANSFORMATION, t.b IDENTITY
-- *: t.a FILTER, t.c FILTER, t.b FILTER
UNPIVOT (SELECT a, b, c, d FROM t) ON a::VARCHAR "x y", y: c::VARCHAR, (b) AS z INTO NAME n VALUE v;

-- # pairs of columns with an alias
-- b: t.b IDENTITY
-- n:
-- v: t.a IDENTITY
-- w: t.c IDENTITY
-- *: t.a FILTER, t.c FILTER
FROM (UNPIVOT (SELECT a, b, c FROM t) ON (a, c) pair INTO NAME n VALUE v, w) SELECT b, n, v, w;

-- # aliases of PIVOT's values and statistics
-- e: u.e IDENTITY
-- one_total: u.a AGGREGATION, u.k FILTER
-- one_m: u.a AGGREGATION, u.k FILTER
-- two_total: u.a AGGREGATION, u.k FILTER
-- two_m: u.a AGGREGATION, u.k FILTER
-- *: u.e GROUP_BY, u.e SORT
SELECT * FROM (PIVOT u ON k IN ('x' one, two: 'y') USING total: sum(a), max(a) m GROUP BY e) ORDER BY e;

-- # aliases before entries of UNPIVOT behind a table, one of them of several columns
-- d: t.d IDENTITY
-- n:
-- v: t.a TRANSFORMATION, t.c IDENTITY
-- *: t.a FILTER, t.c FILTER
FROM (SELECT a, c, d FROM t) UNPIVOT (v FOR n IN ("x y": a::INTEGER, others: COLUMNS('c')));

-- # aliases before pairs of UNPIVOT behind a table
-- b: t.b IDENTITY
-- n:
-- v: t.a IDENTITY, t.c IDENTITY
-- w: t.c IDENTITY, t.a IDENTITY
FROM (SELECT a, b, c FROM t) UNPIVOT INCLUDE NULLS ((v, w) FOR n IN (one: (a, c), (c, a) AS other));

-- # aliases of PIVOT's values behind a table, of several columns, and before its statistics
-- e: u.e IDENTITY
-- x_o_total: u.a AGGREGATION, u.k FILTER
-- x_o_n: u.k FILTER
-- x_2_total: u.a AGGREGATION, u.k FILTER
-- x_2_n: u.k FILTER
-- *: u.e GROUP_BY
SELECT * FROM u PIVOT (total: sum(a), n: count(*) FOR k IN (x: 'one') k IN (o: 'one', '2') GROUP BY e);

-- # aggregates that replace some of the columns of COLUMNS, grouped by the others
-- k: u.k IDENTITY
-- a: u.a AGGREGATION
-- *: u.k GROUP_BY
SELECT COLUMNS(* REPLACE (sum(a) AS a)) FROM (SELECT k, a FROM u) GROUP BY ALL;

-- # aggregates that replace all columns of COLUMNS
-- a: u.a AGGREGATION
-- k: u.k AGGREGATION
SELECT COLUMNS(u.* EXCLUDE e REPLACE (max(a) AS a, min(k) AS k)) FROM u GROUP BY ALL;

-- # the fields of a struct that a function makes of a column, by a text
-- x: t.b TRANSFORMATION
-- z: t.b TRANSFORMATION
SELECT unnest(from_json(b, '{"x": "INTEGER", "y": {"z": "DATE"}}'), recursive := true) FROM t;

-- # statistics of PIVOT that are more than a call, one with its alias before it
-- e: u.e IDENTITY
-- x_half: u.a AGGREGATION, u.k FILTER
-- x_n: u.a AGGREGATION, u.k FILTER
-- *: u.e GROUP_BY
PIVOT u ON k IN ('x') USING sum(a) / 2 AS half, n: -max(a) GROUP BY e;

-- # the same behind a table
-- e: u.e IDENTITY
-- x_k: u.a AGGREGATION, u.k FILTER
-- *: u.e GROUP_BY
SELECT p.* FROM u PIVOT (list(a)[1]::VARCHAR AS k FOR k IN ('x') GROUP BY e) AS p;
