"""Which scans of a SELECT are divided by file: what is called divided gives each file's rows from that file alone."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.files.own_file import relations_by_file
from recsys_lineage.files.path_meaning import path_expressions, path_meanings
from tests.examples import examples

RELATIONS = frozenset({"lines", "orders"})
DIVIDED = {
    "a plain SELECT": ("SELECT k, v, _file, _line FROM lines", {"lines"}),
    "a filter and an alias": ("SELECT l.k, l._file AS _file, l._line FROM lines AS l WHERE v > 1", {"lines"}),
    "a lookup": ("SELECT l.k, o.v, l._file, l._line FROM lines l JOIN orders o ON o.k = l.k", {"lines"}),
    "a lookup that may fail": ("SELECT o.v, l._file FROM lines l LEFT JOIN orders o USING (k)", {"lines"}),
    "a lookup first": ("SELECT o.v, l._file FROM orders o JOIN lines l ON o.k = l.k", {"lines"}),
    "a lookup with a comma": ("SELECT o.v, l._file FROM orders o, lines l WHERE o.k = l.k", {"lines"}),
    "the other side kept": ("SELECT o.v, l._file FROM lines l RIGHT JOIN orders o ON o.k = l.k", set()),
    "both": ("SELECT k, _file FROM lines UNION ALL SELECT k, _file FROM orders", {"lines", "orders"}),
    "places swapped": ("SELECT k, _file FROM lines UNION ALL SELECT _file, k FROM orders", set()),
    "by name": ("SELECT k, _file FROM lines UNION ALL BY NAME SELECT _file, k FROM orders", {"lines", "orders"}),
    "both, one looked up too": (
        "SELECT k, _file FROM lines UNION ALL SELECT l.k, o._file FROM orders o JOIN lines l ON l.k = o.k",
        {"orders"},
    ),
    "WITH": ("WITH a AS (SELECT * FROM lines) SELECT k, _file FROM a", {"lines"}),
    "WITH and itself": (
        "WITH a AS (SELECT k, v, _file FROM lines) SELECT a.k, b.v, a._file FROM a JOIN a AS b ON a.k = b.k", set()
    ),
    "a subquery": ("SELECT k, _file FROM (SELECT * FROM lines WHERE v > 0) AS inside", {"lines"}),
    "a count in the projection": ("SELECT k, (SELECT count(*) FROM lines) AS v, _file FROM lines", set()),
    "another's count": ("SELECT k, (SELECT count(*) FROM orders) AS v, _file FROM lines", {"lines"}),
    "IN": ("SELECT k, _file FROM lines WHERE k IN (SELECT k FROM orders)", {"lines"}),
    "IN itself": ("SELECT k, _file FROM lines WHERE k NOT IN (SELECT k FROM lines WHERE v > 1)", set()),
    "a window in the file": (
        "SELECT last_value(v) OVER (PARTITION BY _file, k ORDER BY _line) AS v, _file FROM lines", {"lines"}
    ),
    "a named window": (
        "SELECT sum(v) OVER w AS v, _file FROM lines WINDOW w AS (PARTITION BY _file ORDER BY _line)", {"lines"}
    ),
    "a window over all": ("SELECT k, sum(v) OVER (PARTITION BY k) AS v, _file FROM lines", set()),
    "QUALIFY": ("SELECT k, _file FROM lines QUALIFY row_number() OVER (PARTITION BY k) = 1", set()),
    "a window in a WITH": (
        "WITH a AS (SELECT k, sum(v) OVER (PARTITION BY k) AS v, _file FROM lines) SELECT k, v, _file FROM a", set()
    ),
    "GROUP BY the file": ("SELECT k, _file, sum(v) AS v FROM lines GROUP BY k, _file", {"lines"}),
    "GROUP BY ALL": ("SELECT k, _file, sum(v) AS v FROM lines GROUP BY ALL", {"lines"}),
    "GROUP BY places": ("SELECT k, _file, sum(v) AS v FROM lines GROUP BY 1, 2", {"lines"}),
    "the last file's row": ("SELECT k, max(_file) AS _file FROM lines GROUP BY k", set()),
    "DISTINCT": ("SELECT DISTINCT k, _file FROM lines", {"lines"}),
    "DISTINCT ON": ("SELECT DISTINCT ON (k) k, _file FROM lines ORDER BY k, _line", set()),
    "LIMIT": ("SELECT k, _file FROM lines LIMIT 2", set()),
    "the file's own sums": (
        "SELECT l.k, s.v, l._file FROM lines l JOIN (SELECT _file, sum(v) AS v FROM lines GROUP BY _file) s"
        " USING (_file)",
        {"lines"},
    ),
    "a changed path": ("SELECT k, replace(_file, 'a', 'b') AS _file FROM lines", set()),
    "anti join": ("SELECT l.k, l._file FROM lines l ANTI JOIN orders o ON l.k = o.k", {"lines"}),
    "not in the lines": (
        "SELECT k, _file FROM lines UNION ALL SELECT k, _file FROM orders EXCEPT SELECT k, _file FROM lines", set()
    ),
    "recursive": (
        "WITH RECURSIVE a AS (SELECT k, _file FROM lines UNION SELECT k + 1, _file FROM a WHERE k < 3)"
        " SELECT k, _file FROM a",
        set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DIVIDED)
def test_which_scans_are_divided_by_file(case: str) -> None:
    sql, expected = DIVIDED[case]
    assert relations_by_file(sql, RELATIONS) == expected


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2)), max_size=8
)


@settings(deadline=None, max_examples=examples(15))
@given(lines=ROWS, orders=ROWS, gone=st.sampled_from("abc"))
def test_a_file_of_a_divided_scan_adds_its_own_rows_and_no_others(lines, orders, gone) -> None:
    with duckdb.connect() as connection:
        for table in RELATIONS:
            connection.execute(f"CREATE TABLE {table} (_file VARCHAR, _line BIGINT, k BIGINT, v BIGINT)")
        for table, rows in (("lines", lines), ("orders", orders)):
            if rows:
                connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", rows)
        for sql, _ in DIVIDED.values():
            divided = relations_by_file(sql, RELATIONS)
            # each sum and pick has one answer where the rows of a file have an order
            if not divided or "last_value" in sql or "OVER w" in sql:
                continue
            asked = f"SELECT * FROM ({sql}) WHERE _file <> '{gone}' ORDER BY ALL"
            less = ", ".join(
                f"{t} AS (SELECT * FROM main.{t} WHERE _file <> '{gone}')" for t in sorted(divided)
            )
            whole = connection.execute(asked).fetchall()
            assert connection.execute(f"WITH {less} {asked}").fetchall() == whole, sql


@pytest.mark.parametrize(
    ("sql", "same", "other"),
    [
        ("SELECT a, _file, _line FROM t", ("2024-01-01.csv", "2024-01-02.csv"), None),
        ("SELECT regexp_extract(_file, '\\d+') AS d, _file FROM t", ("1.csv", "x/1.csv"), ("1.csv", "2.csv")),
        ("SELECT a, l._file FROM t AS l WHERE l._file NOT LIKE 'test%'", ("a.csv", "b.csv"), ("a.csv", "test.csv")),
        ("SELECT _file || a AS u, _file FROM t", None, ("a.csv", "b.csv")),
        ("SELECT row_number() OVER (PARTITION BY _file ORDER BY _line) AS n, _file FROM t", ("a", "b"), None),
        ("SELECT dense_rank() OVER (ORDER BY _file) AS n, _file FROM t", None, ("a", "b")),
        ("WITH x AS (SELECT *, upper(_file) AS f FROM t) SELECT f, _file FROM x", ("a", "A"), ("a", "b")),
        ("SELECT if(starts_with(_file, 'x'), 1, 2) AS s, _file FROM t", ("xa", "xb"), ("xa", "b")),
    ],
)  # fmt: skip
def test_what_the_sql_takes_from_a_path_tells_paths_apart(sql: str, same, other) -> None:
    for pair, equal in ((same, True), (other, False)):
        if pair is not None:
            meanings = path_meanings(path_expressions(sql), pair)
            assert (meanings[pair[0]] == meanings[pair[1]]) is equal
