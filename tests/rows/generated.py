"""Statements and tables made up by hypothesis, and what the laws of a trace need to know of them."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

SCHEMAS = {
    "t": {"k": "VARCHAR", "n": "INTEGER", "x": "INTEGER"},
    "u": {"k": "VARCHAR", "y": "INTEGER"},
}
_KEYS = st.sampled_from(["a", "b", "c", None])
_NUMBERS = st.sampled_from([0, 1, 2, 3, None])


def tables() -> st.SearchStrategy[dict[str, list[tuple[object, ...]]]]:
    """Rows of both tables, with NULLs and rows that are there twice."""
    return st.fixed_dictionaries(
        {
            "t": st.lists(st.tuples(_KEYS, _NUMBERS, _NUMBERS), min_size=1, max_size=7),
            "u": st.lists(st.tuples(_KEYS, _NUMBERS), max_size=5),
        }
    )


@dataclass(frozen=True)
class Made:
    """A SELECT that gives the columns k (VARCHAR) and v (INTEGER).

    Attributes:
        sql: its text.
        one: whether some aggregate of it takes one row's value, which other rows may have too.
        cut: whether only some of equal rows, or of all, come through.
        alone: whether it gives a row without any row of a table.
    """

    sql: str
    one: bool = False
    cut: bool = False
    alone: bool = False

    def over(
        self, sql: str, *others: Made, one: bool = False, cut: bool = False, alone: bool = False
    ) -> Made:
        """A statement around this one and others."""
        every = (self, *others)
        return Made(
            sql,
            one or any(each.one for each in every),
            cut or any(each.cut for each in every),
            alone or any(each.alone for each in every),
        )


_BASES = (
    Made("SELECT k, n AS v FROM t"),
    Made("SELECT t.k, x AS v FROM t WHERE n > 0"),
    Made("SELECT k, y AS v FROM u"),
    Made("FROM t SELECT k, n + x AS v"),
    Made("SELECT DISTINCT k, n AS v FROM t"),
    Made("SELECT t.k, u.y AS v FROM t JOIN u ON t.k = u.k"),
    Made("SELECT t.k, u.y AS v FROM t LEFT JOIN u USING (k)"),
    Made("SELECT u.k, t.n AS v FROM t RIGHT JOIN u ON t.k = u.k AND t.n = u.y"),
    Made("SELECT coalesce(t.k, u.k) AS k, u.y AS v FROM t FULL JOIN u ON t.k = u.k AND t.x < u.y"),
    Made("SELECT k, x AS v FROM t SEMI JOIN u USING (k)"),
    Made("SELECT k, x AS v FROM t ANTI JOIN u USING (k)"),
    Made("SELECT k, n AS v FROM t WHERE k IN (SELECT k FROM u WHERE y > 0)"),
    Made("SELECT k, n AS v FROM t WHERE k NOT IN (SELECT k FROM u WHERE k IS NOT NULL)"),
    Made("SELECT k, n AS v FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.y <= t.n)"),
    Made("SELECT k, n AS v FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.y <= t.n)"),
    Made("SELECT k, n AS v FROM t WHERE x >= ALL (SELECT y FROM u WHERE u.k = t.k)"),
    Made("SELECT k, (SELECT sum(y)::INTEGER FROM u WHERE u.k = t.k) AS v FROM t"),
    Made("SELECT k, n + (SELECT count(*) FROM u)::INTEGER AS v FROM t", alone=False),
    Made("SELECT t.k, l.s::INTEGER AS v FROM t, LATERAL (SELECT sum(y) AS s FROM u WHERE u.k = t.k) AS l"),
    Made("SELECT k, sum(x)::INTEGER AS v FROM t GROUP BY k"),
    Made("SELECT k, count(*)::INTEGER AS v FROM t GROUP BY ALL HAVING count(*) > 1"),
    Made("SELECT k, max(x) AS v FROM t GROUP BY k", one=True),
    Made("SELECT k, arg_min(n, x) AS v FROM t GROUP BY k", one=True),
    Made("SELECT k, sum(n)::INTEGER AS v FROM t GROUP BY ROLLUP (k)"),
    Made("SELECT any_value(k) AS k, sum(n)::INTEGER AS v FROM t", alone=True),
    Made("SELECT t.k, count(DISTINCT y)::INTEGER AS v FROM t LEFT JOIN u ON u.k = t.k GROUP BY t.k"),
    Made("SELECT k, unnest([n, x]) AS v FROM t"),
    Made("SELECT k, max(x) OVER (PARTITION BY k) AS v FROM t"),
    Made("SELECT k, sum(x) OVER (PARTITION BY k ORDER BY n, x ROWS 1 PRECEDING)::INTEGER AS v FROM t"),
    Made("SELECT k, lag(x) OVER (PARTITION BY k ORDER BY n, x) AS v FROM t", cut=True),
    Made("SELECT k, rank() OVER (PARTITION BY k ORDER BY n)::INTEGER AS v FROM t", cut=True),
    Made("SELECT k, n AS v FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY n, x) = 1", cut=True),
    Made("SELECT DISTINCT ON (k) k, n AS v FROM t ORDER BY k, n, x", cut=True),
    Made("SELECT k, n AS v FROM t ORDER BY ALL LIMIT 3", cut=True),
    Made("SELECT k, rank() OVER (ORDER BY n)::INTEGER AS v FROM t"),
    Made("SELECT k, x - max(x) OVER () AS v FROM t"),
    Made("SELECT k, v FROM (SELECT *, n AS v FROM t) AS inside"),
    Made("SELECT a.k, b.n AS v FROM t AS a JOIN t AS b ON a.n = b.x"),
    Made("SELECT k, a::INTEGER AS v FROM (PIVOT t ON n IN (1, 2) USING sum(x) GROUP BY k) AS p(k, a, b)"),
    Made("SELECT k, v FROM (UNPIVOT t ON n, x INTO NAME which VALUE v)"),
    Made(
        "WITH RECURSIVE r AS (SELECT k, n AS v FROM t UNION SELECT t.k, x FROM r JOIN t ON n = v) SELECT * FROM r"
    ),
    Made("SELECT t.k, y AS v FROM t ASOF JOIN u ON t.k = u.k AND t.n >= u.y", cut=True),
    Made("SELECT k, n AS v FROM t WHERE (k, n) IN (SELECT k, y FROM u)"),
    Made("SELECT k, min(n) AS v FROM t GROUP BY k HAVING max(x) > (SELECT min(y) FROM u)", one=True),
    Made("SELECT k, CASE WHEN n IN (SELECT y FROM u) THEN 1 ELSE 0 END AS v FROM t", cut=True),
    Made("SELECT * FROM (VALUES ('a', 1), ('z', 2)) AS given(k, v)", alone=True),
)


_ALONE = (
    "SELECT k, v + 1 AS v FROM ({0}) AS q WHERE v IS NOT NULL",
    "WITH q AS ({0}) SELECT k, sum(v)::INTEGER AS v FROM q GROUP BY k",
    "SELECT DISTINCT k, v FROM ({0}) AS q",
    "SELECT k, sum(v) OVER (PARTITION BY k)::INTEGER AS v FROM ({0}) AS q",
    "WITH q AS ({0}) SELECT a.k, b.v FROM q AS a, q AS b WHERE a.k = b.k AND a.v < b.v",
)
_WITH_ANOTHER = (
    "({0}) UNION ({1})",
    "({0}) UNION ALL ({1})",
    "({0}) INTERSECT ({1})",
    "SELECT a.k, b.v FROM ({0}) AS a JOIN ({1}) AS b ON a.k = b.k",
    "SELECT * FROM ({0}) AS a WHERE v IN (SELECT v FROM ({1}) AS b)",
)
_WITHOUT_ANOTHER = (
    "({0}) EXCEPT ({1})",
    "({0}) EXCEPT ALL ({1})",
    "SELECT a.k, b.v FROM ({0}) AS a LEFT JOIN ({1}) AS b USING (k)",
    "SELECT a.* FROM ({0}) AS a ANTI JOIN ({1}) AS b USING (k)",
    "SELECT a.* FROM ({0}) AS a WHERE NOT EXISTS (SELECT 1 FROM ({1}) AS b WHERE b.k = a.k AND b.v > a.v)",
    "SELECT a.* FROM ({0}) AS a LEFT JOIN ({1}) AS b ON a.k = b.k AND b.v > 1 WHERE b.k IS NULL",
    "WITH q AS (SELECT k, v FROM ({0}) AS a WHERE k NOT IN (SELECT k FROM ({1}) AS b WHERE k IS NOT NULL)) "
    "SELECT k, sum(v)::INTEGER AS v FROM q GROUP BY k",
    "SELECT k, count(*)::INTEGER AS v FROM ({0}) AS a "
    "WHERE NOT EXISTS (SELECT 1 FROM ({1}) AS b WHERE b.k = a.k) GROUP BY k",
)
"""Statements that a row passes because another is not there."""
_BESIDE_ALL = (
    "WITH q AS ({0}), m AS (SELECT max({2}) AS m FROM {3}) SELECT k, coalesce(v, 0) + m AS v FROM q, m",
    "WITH q AS ({0}), m AS (SELECT max({2}) AS m FROM {3}), c AS (SELECT v, count(*) AS n FROM q GROUP BY v) "
    "SELECT v::VARCHAR AS k, (n * 10 + coalesce(m, 0))::INTEGER AS v FROM c, m",
)
"""Statements whose rows are made of a row of a table that is no row of their own."""


def _around(below: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    greatest = "WITH q(a, b) AS ({0}) SELECT a AS k, max(b) AS v FROM q GROUP BY a"
    return st.one_of(
        st.builds(lambda sql, q: q.over(sql.format(q.sql)), st.sampled_from(_ALONE), below),
        st.builds(lambda q: q.over(greatest.format(q.sql), one=True), below),
        st.builds(
            lambda sql, q, r: q.over(sql.format(q.sql, r.sql), r),
            st.sampled_from(_WITH_ANOTHER),
            below,
            below,
        ),
        st.builds(
            lambda sql, q, r: q.over(sql.format(q.sql, r.sql), r, cut=True),
            st.sampled_from(_WITHOUT_ANOTHER),
            below,
            below,
        ),
        st.builds(
            lambda sql, q, of: q.over(sql.format(q.sql, "", *of), one=True),
            st.sampled_from(_BESIDE_ALL),
            below,
            st.sampled_from([("x", "t"), ("n", "t"), ("y", "u")]),
        ),
    )


def statements() -> st.SearchStrategy[Made]:
    """SELECTs of one to three levels."""
    bases = st.sampled_from(_BASES)
    once = _around(bases)
    return st.one_of(bases, once, _around(st.one_of(bases, once)))
