"""What a trace refuses it refuses with the place; what it leaves to the context it names."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage import trace, trace_query
from recsys_lineage.errors import LineageError
from recsys_lineage.rows.flow_query import flow_query
from recsys_lineage.rows.statement.syntax import Syntax
from tests.columns.broken_statements import BROKEN, BROKEN_TABLES

SCHEMAS = {
    "Orders": {"shop": "VARCHAR", "amount": "INTEGER"},
    "shops": {"shop": "VARCHAR", "town": "VARCHAR"},
}
ROWS = """CREATE TABLE orders AS FROM (VALUES ('A', 1), ('A', 2), ('A', 2), ('B', 5)) AS v(shop, amount);
CREATE TABLE shops AS FROM (VALUES ('A', 'Ulm'), ('B', 'Bonn')) AS v(shop, town)"""


def traced(sql: str, source: str, **row: object) -> list[tuple[object, ...]]:
    """The traced rows, sorted."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(ROWS)
        return sorted(connection.execute(trace_query(sql, SCHEMAS, source, row)).fetchall())


def test_names_fold_as_duckdb_folds_them() -> None:
    sql = "SELECT o.SHOP AS s FROM ORDERS AS o WHERE Amount > 1"
    assert traced(sql, "oRDERS", S="A") == [("A", 2), ("A", 2)]


def test_one_witness_is_enough_for_a_greatest_value() -> None:
    assert traced("SELECT shop, max(amount) AS m FROM orders GROUP BY shop", "orders", shop="B", m=5) == [
        ("B", 5)
    ]


def test_a_table_that_is_used_twice_gives_the_union() -> None:
    sql = "SELECT a.amount AS x, b.amount AS y FROM orders AS a JOIN orders AS b ON a.amount < b.amount"
    assert traced(sql, "orders", x=1, y=5) == [("A", 1), ("B", 5)]


def test_a_row_that_was_drawn_is_made_of_its_own_rows() -> None:
    sql = (
        "SELECT o.amount, s.town FROM orders AS o TABLESAMPLE reservoir(1 ROWS) JOIN shops AS s USING (shop)"
    )
    assert traced(sql, "orders", amount=2, town="Ulm") == [("A", 2), ("A", 2)]
    assert traced(sql, "shops", amount=2, town="Ulm") == [("A", "Ulm")]


def test_parameters_keep_their_names() -> None:
    sql = "SELECT shop FROM orders WHERE amount >= $least"
    query = trace_query(sql, SCHEMAS, "orders", {"shop": "A"})
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(ROWS)
        assert connection.execute(query, {"least": 2}).fetchall() == [("A", 2), ("A", 2)]


def test_a_list_of_a_subquery_in_order_is_made_of_the_subquery_s_rows() -> None:
    sql = """SELECT s.shop, ARRAY(SELECT o.amount FROM orders AS o WHERE o.shop = s.shop ORDER BY o.amount) AS amounts
        FROM shops AS s"""
    assert traced(sql, "orders", shop="A", amounts=[1, 2, 2]) == [("A", 1), ("A", 2), ("A", 2)]
    assert traced(sql, "shops", shop="B", amounts=[5]) == [("B", "Bonn")]


def test_a_row_that_is_not_there_is_made_of_nothing() -> None:
    assert traced("SELECT shop, sum(amount) AS s FROM orders GROUP BY shop", "orders", shop="A", s=6) == []


def test_another_table_than_those_read_is_needed_by_no_row() -> None:
    assert traced("SELECT shop FROM orders", "shops", shop="A") == []


BOTH = ("shop", "amount")
LAST = ("amount",)


@pytest.mark.parametrize(
    ("sql", "context", "insufficient"),
    [
        ("SELECT shop, amount FROM orders", None, ()),
        (
            "SELECT shop, rank() OVER (ORDER BY amount) AS amount FROM orders WHERE shop > ''",
            "(shop > '')",
            LAST,
        ),
        ("SELECT shop, amount FROM orders QUALIFY ntile(4) OVER (ORDER BY amount) = 1", "true", BOTH),
        (
            "WITH r AS (SELECT *, max(amount) OVER () AS m FROM orders) SELECT shop, m AS amount FROM r",
            "true",
            LAST,
        ),
        ("SELECT shop, max(COLUMNS('amount')) OVER () FROM orders", "true", LAST),
        ("SELECT COLUMNS('shop'), max(amount) OVER () AS amount FROM orders", "true", LAST),
        ("SELECT shop, sum(amount) OVER (PARTITION BY shop) AS amount FROM orders", None, ()),
        ("SELECT shop, lag(amount) OVER (ORDER BY amount) AS amount FROM orders", None, ()),
        ("SELECT shop, amount FROM orders ORDER BY ALL LIMIT 2 OFFSET 1", "true", BOTH),
        ("SELECT shop, amount FROM (FROM orders ORDER BY ALL LIMIT 2 OFFSET 1) AS q", "true", BOTH),
        (
            "SELECT * FROM (SELECT shop, rank() OVER (ORDER BY amount) AS r FROM orders) UNPIVOT (amount FOR n IN (r))",
            "true",
            ("shop", "n", "amount"),
        ),
        ("SELECT shop, amount FROM orders USING SAMPLE 10% ORDER BY ALL", "true", BOTH),
        ("SELECT shop, amount FROM orders TABLESAMPLE 100%", None, ()),
    ],
)
def test_windows_over_the_whole_table_are_context(
    sql: str, context: str | None, insufficient: tuple[str, ...]
) -> None:
    made = trace(
        sql, SCHEMAS, "orders", {"shop": "A", "amount": 1} | ({"n": "r"} if "UNPIVOT" in sql else {})
    )
    assert (made.context, made.insufficient) == (context, insufficient)


@pytest.mark.parametrize(
    ("sql", "row", "words"),
    [
        ("SELECT shop FROM", {"shop": "A"}, "DuckDB refuses the SQL"),
        ("SELECT shopp FROM orders", {"shop": "A"}, r"<sql>:1:8[\s\S]*Did you mean 'shop'"),
        ("SELECT shop FROM orders, shops", {"shop": "A"}, "(?i)ambiguous"),
        ("SELECT shop FROM order_s", {"shop": "A"}, r"order_s[\s\S]*<sql>:1:18"),
        ("SELECT shop FROM orders; SELECT 1", {"shop": "A"}, "not one SELECT|refuses"),
        ("CREATE TABLE x AS SELECT 1", {"shop": "A"}, r"not one SELECT[\s\S]*give the one SELECT"),
        ("SELECT shop,\n  'a FROM orders", {"shop": "A"}, r"refuses[\s\S]*unterminated[\s\S]*<sql>:2:3"),
        ("SELECT shop, amount FROM orders", {"shop": "A"}, "lacks the column 'amount'"),
        ("SELECT shop FROM orders", {"shop": "A", "amuont": 1}, "no column 'amuont'"),
        (
            "SELECT max(amount) AS m FROM orders USING SAMPLE 10%",
            {"m": 2},
            r"a sample of rows[\s\S]*1:29|<sql>",
        ),
        (
            "SELECT s.town FROM shops AS s LEFT JOIN orders TABLESAMPLE 10% ON s.shop = orders.shop",
            {"town": "Ulm"},
            r"a sample of rows[\s\S]*<sql>:1:41",
        ),
        ("PIVOT orders ON amount USING count(*) GROUP BY shop", {"of another result": "A"}, "PIVOT"),
    ],
)
def test_bad_input_is_told_with_its_place(sql: str, row: dict[str, object], words: str) -> None:
    with pytest.raises(LineageError, match=words):
        trace_query(sql, SCHEMAS, "orders", row)


@pytest.mark.parametrize("sql", BROKEN)
def test_each_error_says_what_was_expected_and_found_where_and_what_to_do(sql: str) -> None:
    with pytest.raises(LineageError) as raised:
        trace_query(sql, BROKEN_TABLES, "t", {"id": 1})
    error = raised.value
    assert error.expected and error.found is not None and error.advice
    assert str(error.where).startswith("<sql>")


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        ("SELECT t.idd FROM t", "'id'"),
        ("SELECT s.yy FROM t", "'y'"),
        ("SELECT a FROM main.tt", "'t'"),
        ("SELECT uper(b) FROM t", "'upper'"),
    ],
)
def test_what_was_meant_is_asked_of_names_that_can_stand_there(sql: str, meant: str) -> None:
    with pytest.raises(LineageError) as raised:
        trace_query(sql, BROKEN_TABLES, "t", {"id": 1})
    assert raised.value.advice == f"Did you mean {meant}?"


def test_a_column_of_a_table_that_is_not_read_is_not_offered() -> None:
    schemas = {"t": {"a": "INTEGER"}, "other": {"note": "VARCHAR"}}
    with pytest.raises(LineageError) as raised:
        trace_query("SELECT nope FROM t", schemas, "t", {"a": 1})
    assert raised.value.advice == "correct it there, or the columns and types of the tables"


def test_an_unknown_source_is_told() -> None:
    with pytest.raises(LineageError, match="Did you mean 'Orders'"):
        trace_query("SELECT shop FROM orders", SCHEMAS, "order", {"shop": "A"})


@pytest.mark.parametrize(
    "joined",
    [
        "a CROSS JOIN b LEFT JOIN c ON c.x = a.x",
        "a, b JOIN c ON c.x = b.x",
        "a LEFT JOIN (b CROSS JOIN c) ON a.x = c.x",
        "a CROSS JOIN b CROSS JOIN c LEFT JOIN c AS d ON d.x = a.x",
        "a CROSS JOIN unnest(a.l) AS u(v) LEFT JOIN c ON c.x = u.v",
        "a CROSS JOIN LATERAL (SELECT a.x + 1 AS y) AS z LEFT JOIN c ON c.x = z.y",
        "a LEFT JOIN (b LEFT JOIN c ON b.x = c.x) ON a.x = b.x",
        "(SELECT count(*) AS n FROM a CROSS JOIN b LEFT JOIN c ON c.x = a.x) AS d",
    ],
)
def test_joins_that_are_written_again_are_the_same(joined: str) -> None:
    """DuckDB 1.5 writes a cross join as a comma without brackets."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE a AS SELECT i AS x, [i, i + 1] AS l FROM range(4) AS t(i)")
        connection.execute("CREATE TABLE b AS SELECT i AS x FROM range(2) AS t(i)")
        connection.execute("CREATE TABLE c AS SELECT i + 1 AS x FROM range(3) AS t(i)")
        sql, syntax = f"SELECT * FROM {joined} ORDER BY ALL", Syntax()
        parsed = syntax.parsed(sql)
        assert isinstance(parsed, dict)
        assert connection.execute(syntax.text(parsed)).fetchall() == connection.execute(sql).fetchall() != []


def test_what_a_table_s_columns_are_is_made_of_none_of_its_rows() -> None:
    sql = "SELECT column_name AS name FROM (DESCRIBE orders)"
    assert traced(sql, "orders", name="shop") == []
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(ROWS)
        connection.execute("CREATE TABLE given AS FROM orders")
        assert connection.execute(flow_query(sql, SCHEMAS, "orders", "given")).fetchall() == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT rowid AS k FROM t",
        "SELECT a.k FROM t AS a JOIN t AS b ON a.rowid = b.rowid + 1",
        "SELECT bin AS k FROM histogram_values(t, n)",
        "SELECT k FROM query_table('t')",
        "SELECT k FROM query('SELECT * FROM t')",
    ],
)
def test_what_reads_a_table_unseen_is_refused_with_its_place(sql: str) -> None:
    """A trace that knows nothing of the read would say that the row is made of no row of the table."""
    schemas = {"t": {"k": "VARCHAR", "n": "INTEGER"}}
    with pytest.raises(LineageError, match=r"cannot be traced through (rowid|the table function)") as refused:
        _ = trace_query(sql, schemas, "t", {"k": "a"})
    assert str(refused.value.where).startswith("<sql>:1:")


@pytest.mark.parametrize(
    "aggregate",
    [
        "json_group_array(amount)",
        "json_group_object(shop || amount, amount)::VARCHAR",
        "weighted_avg(amount, amount)",
    ],
)
def test_a_macro_that_is_made_of_aggregates_is_made_of_all_rows_of_its_group(aggregate: str) -> None:
    sql = f"SELECT {aggregate} AS x FROM orders WHERE shop = 'A'"
    with duckdb.connect(config={"threads": 1}) as connection:
        row = connection.execute(ROWS).execute(sql).fetchone()
    assert row is not None
    assert traced(sql, "orders", x=row[0]) == [("A", 1), ("A", 2), ("A", 2)]


@pytest.mark.parametrize(
    ("sql", "insufficient"),
    [
        ("SELECT amount AS a, {0} AS b, {0} + 1 AS c FROM orders UNION ALL SELECT 1, 2, 3", ("b", "c")),
        ("SELECT 2 AS b, 3 AS a UNION ALL BY NAME SELECT amount AS a, {0} AS b FROM orders", ("b",)),
        ("SELECT 2 AS b, 3 AS a UNION SELECT {0}, {0} FROM orders", ("b", "a")),
    ],
)
def test_each_column_of_a_union_says_whether_its_sides_need_the_context(
    sql: str, insufficient: tuple[str, ...]
) -> None:
    sql = sql.format("rank() OVER (ORDER BY amount)")
    with duckdb.connect(config={"threads": 1}) as connection:
        cursor = connection.execute(ROWS).execute(sql)
        row = dict(
            zip([column[0] for column in cursor.description or ()], cursor.fetchall()[-1], strict=True)
        )
    assert trace(sql, SCHEMAS, "orders", row).insufficient == insufficient
