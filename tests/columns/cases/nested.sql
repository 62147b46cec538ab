-- # a struct's field, which may look like a table's column
-- x: t.s TRANSFORMATION
-- y: t.s TRANSFORMATION
-- z: t.s TRANSFORMATION
SELECT s.x, t.s.x AS y, s['t']['y'] AS z FROM t;

-- # a table's column goes before a column's field
-- a: u.a IDENTITY
SELECT s.a FROM u AS s, (SELECT {'a': 1} AS s) AS q;

-- # the field of a struct that the query made comes from what was put into it
-- x: t.a TRANSFORMATION
-- y: t.b TRANSFORMATION
-- z: t.a TRANSFORMATION
SELECT r.x, r.y.z AS y, {'k': a}.k AS z FROM (SELECT a, {'x': a, 'y': {'z': b}} AS r FROM t);

-- # struct_pack, and all fields
-- k: t.a TRANSFORMATION
-- v: t.b TRANSFORMATION
SELECT r.* FROM (SELECT struct_pack(k := a, v := b) AS r FROM t);

-- # UNNEST of a parameter
-- a: t.a IDENTITY
-- d:
-- *: t.b FILTER
SELECT a, unnest($days) AS d FROM t WHERE b IN (SELECT unnest($days)) AND $other IS NULL;

-- # all fields of a column
-- x: t.s TRANSFORMATION
-- t: t.s TRANSFORMATION
SELECT s.* FROM t;

-- # lists and maps
-- p: t.l TRANSFORMATION, t.a TRANSFORMATION
-- q: t.l TRANSFORMATION
-- r: t.m TRANSFORMATION, t.b TRANSFORMATION
-- z: t.b TRANSFORMATION, t.c TRANSFORMATION
SELECT l[a] AS p, l[1:2] AS q, m[b] AS r, MAP {b: c} AS z FROM t;

-- # lambdas
-- p: t.l TRANSFORMATION, t.a TRANSFORMATION
-- q: t.l TRANSFORMATION, t.l FILTER, t.c FILTER
-- r: t.l TRANSFORMATION
-- z: t.l TRANSFORMATION, t.a TRANSFORMATION
SELECT
    list_transform(l, lambda a: a + t.a) AS p,
    list_filter(l, lambda x, i: x > c AND i > 1) AS q,
    list_reduce(l, lambda x, y: x + y) AS r,
    list_transform(l, lambda x: list_sum(list_transform(l, lambda y: x * y + a))) AS z
FROM t;

-- # list comprehensions
-- p: t.l TRANSFORMATION, t.a TRANSFORMATION, t.l FILTER, t.c FILTER
-- q: t.l TRANSFORMATION
SELECT [x + a FOR x IN l IF x > c] AS p, [a FOR a IN l] AS q FROM t;

-- # a function called on a value
-- p: t.b TRANSFORMATION
-- q: t.l TRANSFORMATION
SELECT b.upper().lower() AS p, l.list_sum() AS q FROM t;

-- # UNNEST in the SELECT list makes rows
-- a: t.a IDENTITY
-- e: t.l TRANSFORMATION
-- f: t.l TRANSFORMATION
-- *: t.l JOIN
SELECT a, unnest(l) AS e, e + 1 AS f FROM t;

-- # UNNEST of a struct makes columns
-- x: t.s TRANSFORMATION
-- t: t.s TRANSFORMATION
SELECT unnest(s) FROM t;

-- # UNNEST of all levels
-- p: w.ls TRANSFORMATION
-- q: w.ls TRANSFORMATION
-- *: w.ls JOIN
SELECT unnest(ls, recursive := true) FROM w;

-- # UNNEST of all levels of a struct makes no rows
-- a: t.a IDENTITY
-- x: t.s TRANSFORMATION
-- y: t.s TRANSFORMATION
SELECT a, unnest(s, recursive := true) FROM t;

-- # as many rows come of a list as it was made of, whatever its values
-- b: t.b IDENTITY
-- k:
-- v: t.a TRANSFORMATION, t.c TRANSFORMATION
SELECT b, unnest(['a', 'c']) AS k, unnest([a, c]) AS v FROM t;

-- # a list of a group, taken apart again
-- b: t.b IDENTITY
-- v: t.a AGGREGATION
-- w: t.a AGGREGATION, t.c SORT
-- *: t.b GROUP_BY
WITH q AS (SELECT b, list(a) AS l, list(a + 1 ORDER BY c) AS m FROM t GROUP BY b)
SELECT b, unnest(list_transform(l, lambda x: x + 1)) AS v, unnest(m) AS w FROM q;

-- # of how many values a list is chosen decides how many rows it makes
-- b: t.b IDENTITY
-- v: t.a AGGREGATION
-- *: t.b GROUP_BY, t.c FILTER
SELECT b, unnest(list(a) FILTER (c > 0)) AS v FROM t GROUP BY b;

-- # different values of a group
-- b: t.b IDENTITY
-- v: t.a AGGREGATION
-- *: t.a JOIN, t.b GROUP_BY
SELECT b, unnest(list(DISTINCT a)) AS v FROM t GROUP BY b;

-- # fields that are put into a struct stay apart
-- z: t.a TRANSFORMATION
-- x: t.s TRANSFORMATION
-- u: t.a TRANSFORMATION
-- q: t.b TRANSFORMATION
-- e: t.b TRANSFORMATION
SELECT
    struct_insert(s, z := a).z AS z, struct_insert(s, z := a).x AS x, struct_update(s, X := a).x AS u,
    struct_concat(s, {'q': b}).q AS q, struct_extract_at(struct_insert({'p': a}, q := b), 2) AS e
FROM t;

-- # UNNEST in FROM, and WITH ORDINALITY
-- a: t.a IDENTITY
-- e: t.l TRANSFORMATION
-- n: t.l TRANSFORMATION
-- i:
-- *: t.l JOIN
SELECT a, e, x.unnest AS n, i FROM t, unnest(l) AS e, unnest(l) AS x, unnest([1, 2]) WITH ORDINALITY AS y(j, i);

-- # the fields of an unnested list
-- p: w.ls TRANSFORMATION
-- *: w.ls JOIN
SELECT e.p FROM w, unnest(ls) AS r(e);

-- # rows made of a column by a function
-- i: t.a TRANSFORMATION
-- key: t.b TRANSFORMATION
-- *: t.a JOIN, t.b JOIN
SELECT i, key FROM t, range(a) AS r(i), json_each(b::JSON);

-- # files are inputs
-- x: p.parquet.x IDENTITY
-- y: q/*.csv.y IDENTITY
-- *: p.parquet.x JOIN, q/*.csv.x JOIN
SELECT p.x, read_csv.y FROM read_parquet('p.parquet') AS p JOIN read_csv('q/*.csv', header = true) ON p.x = read_csv.x;

-- # a file in place of a table
-- x: p.parquet.x IDENTITY
SELECT p.x FROM 'p.parquet';

-- # files under the text of the call
-- z: read_csv('r.csv').z IDENTITY
SELECT z FROM read_csv('r.csv');

-- # a keyed hash hides, another does not
-- k: t.b TRANSFORMATION masking, t.a TRANSFORMATION masking
-- h: t.b TRANSFORMATION
-- l: t.b TRANSFORMATION
SELECT sha256($salt || b || a) AS k, sha256(b) AS h, $salt || sha256(b) || md5(b || $salt) AS l FROM t;

-- # a statistic over at least k people hides, a value of one of them does not
-- b: t.b IDENTITY
-- n: t.c AGGREGATION masking
-- m: t.c AGGREGATION
-- f: t.c AGGREGATION, t.d FILTER
-- *: t.b GROUP_BY, t.a FILTER
SELECT b, avg(c) AS n, max(c) AS m, sum(c) FILTER (d IS NULL) AS f FROM t GROUP BY b HAVING count(DISTINCT a) >= 5;

-- # one person is not many
-- n: t.c AGGREGATION
-- *: t.b GROUP_BY, t.a FILTER
SELECT avg(c) AS n FROM t GROUP BY b HAVING count(DISTINCT a) >= 1;

-- # nor are many rows many people
-- n: t.c AGGREGATION
-- *: t.b GROUP_BY, t.a FILTER
SELECT avg(c) AS n FROM t GROUP BY b HAVING count(a) >= 5;

-- # what nothing reads need not be right
-- a: t.a IDENTITY
WITH wrong AS MATERIALIZED (SELECT nothing FROM nowhere), worse AS (SELECT nothing FROM wrong), q AS (SELECT a FROM t)
SELECT a FROM q;

-- # recursive USING KEY with an aggregate (DuckDB 2)
-- a: t.a IDENTITY, u.a IDENTITY
-- n: t.c IDENTITY
-- *: t.a GROUP_BY, t.a JOIN, u.a GROUP_BY, u.a JOIN
WITH RECURSIVE r(a, n) USING KEY (a, min(n)) AS (
    SELECT a, c FROM t UNION SELECT u.a, r.n FROM r JOIN u ON u.a > r.a
)
SELECT a, n FROM r;

-- # structs of a list in FROM
-- a: t.a TRANSFORMATION
-- b: t.b TRANSFORMATION
SELECT x.a, x.b FROM t, unnest([{'a': t.a, 'b': t.b}]) AS r(x);

-- # a JSON object of values and their names
-- j: t.a TRANSFORMATION, t.b TRANSFORMATION
SELECT json_object('a', a, 'b', b) AS j FROM t;

-- # a dotted name in a lambda is of a column of that name, then of the parameter
-- p: t.s TRANSFORMATION, w.ls TRANSFORMATION
-- q: w.ls TRANSFORMATION
-- r: t.a TRANSFORMATION, w.ls TRANSFORMATION
-- z: w.ls TRANSFORMATION
SELECT
    list_transform(ls, lambda s: s.x) AS p,
    list_transform(ls, lambda s: s['p']) AS q,
    list_transform(ls, lambda t: t.a) AS r,
    [v.p FOR v IN ls] AS z
FROM t, w;

-- # the number of elements that a list comprehension keeps
-- n: t.l TRANSFORMATION, t.l FILTER, t.c FILTER
-- m: t.l TRANSFORMATION
SELECT len([x FOR x IN l IF x > c]) AS n, len([x + c FOR x IN l]) AS m FROM t;

-- # the rows that a list comprehension makes
-- a: t.a IDENTITY
-- x: t.l TRANSFORMATION
-- *: t.l FILTER, t.l JOIN, t.c FILTER
SELECT a, unnest([x + 1 FOR x IN l IF x > c]) AS x FROM t;

-- # a list has as many elements as the one that it is made of
-- n: t.l TRANSFORMATION
-- m: t.l TRANSFORMATION
-- x: t.l TRANSFORMATION, t.a TRANSFORMATION
-- *: t.l JOIN
SELECT len(list_transform(l, lambda x: x + a)) AS n, len([x + a FOR x IN l]) AS m, unnest([x + a FOR x IN l]) AS x FROM t;

-- # the lists inside decide how many rows an unnest of several levels makes
-- b: t.b IDENTITY
-- x: t.a TRANSFORMATION, t.l TRANSFORMATION
-- *: t.a JOIN, t.l JOIN
SELECT b, unnest([[l, [9]], [[a]]], recursive := true) AS x FROM t;

-- # the same of structs in lists of lists
-- b: t.b IDENTITY
-- p: w.ls TRANSFORMATION
-- q: w.ls TRANSFORMATION
-- *: w.ls JOIN
SELECT b, unnest([ls], recursive := true) FROM t, w;

-- # a comprehension of comparisons, whose parameter has the name of a column
-- x: t.l TRANSFORMATION
-- y: t.c TRANSFORMATION, t.l TRANSFORMATION, t.l FILTER
SELECT [a > 1 FOR a IN l] AS x, list_where(l, [NOT (a = 1 OR a < c) FOR a, i IN l IF a > 0 AND i < 3]) AS y FROM t;

-- # the value of a field in a lambda is a column of that name, then the parameter; elsewhere it is the parameter
-- p: t.a TRANSFORMATION, t.l TRANSFORMATION
-- q: t.a TRANSFORMATION, t.l TRANSFORMATION
-- r: t.l TRANSFORMATION
-- z: t.l TRANSFORMATION
SELECT
    [{'f': a} FOR a IN l] AS p,
    list_transform(l, lambda a: struct_pack(f := a)) AS q,
    list_transform(l, lambda a: {'f': a + 1, 'g': [a], 'h': map {'k': a}}) AS r,
    [{'f': x} FOR x IN l] AS z
FROM t;
