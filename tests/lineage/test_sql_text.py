"""What is derived from the text of a SQL file alone: its tables, parameters, descriptions and code version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recsys_lineage.errors import SqlAssetError
from recsys_lineage.sql.sql_text import SqlText


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM orders", {"orders"}),
        ("FROM orders", {"orders"}),
        ("SELECT * FROM orders AS o JOIN customers AS c USING (customer)", {"orders", "customers"}),
        ("WITH paid AS (SELECT * FROM orders) SELECT * FROM paid", {"orders"}),
        ("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", {"orders"}),
        ("WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM a) SELECT * FROM b", set()),
        (
            "WITH a AS (SELECT * FROM orders) SELECT * FROM (WITH a AS (SELECT * FROM items) SELECT * FROM a), a",
            {"orders", "items"},
        ),
        ("WITH a AS (SELECT 1 AS x) SELECT * FROM (SELECT * FROM a) CROSS JOIN items", {"items"}),
        (
            "WITH RECURSIVE walk AS (SELECT id FROM tree UNION ALL SELECT t.id FROM tree t JOIN walk USING (id)) "
            "SELECT * FROM walk",
            {"tree"},
        ),
        ("SELECT id FROM a UNION ALL SELECT id FROM b EXCEPT SELECT id FROM c", {"a", "b", "c"}),
        ("SELECT * FROM a WHERE id IN (SELECT id FROM b) AND EXISTS (SELECT 1 FROM c WHERE c.id = a.id)",
         {"a", "b", "c"}),
        ("SELECT (SELECT max(x) FROM b) AS top FROM a", {"a", "b"}),
        ("SELECT * FROM trades ASOF JOIN prices ON trades.at >= prices.at", {"trades", "prices"}),
        ("SELECT * FROM a QUALIFY row_number() OVER (PARTITION BY id ORDER BY x) = 1", {"a"}),
        ("SELECT list_transform(xs, lambda x: x + 1) AS ys FROM a", {"a"}),
        ("SELECT * FROM a, LATERAL (SELECT max(x) AS m FROM b WHERE b.id = a.id)", {"a", "b"}),
        ("SELECT * FROM a SEMI JOIN b USING (id)", {"a", "b"}),
        ("SELECT * FROM a POSITIONAL JOIN b", {"a", "b"}),
        ("SELECT * FROM range(10)", set()),
        ("SELECT * FROM a, unnest(a.xs) AS u(x)", {"a"}),
        ("SELECT * FROM (VALUES (1)) AS t(x)", set()),
        ('SELECT * FROM "orders"', {"orders"}),
        ("SELECT * FROM a AS b JOIN c AS a ON a.id = b.id", {"a", "c"}),
        ("SELECT * FROM (PIVOT a ON kind USING sum(x))", {"a"}),
        ("WITH p AS (PIVOT a ON kind USING sum(x)) SELECT * FROM p", {"a"}),
        ("WITH a AS (FROM b) SELECT * FROM (PIVOT a ON kind USING sum(x))", {"b"}),
        ("SELECT * FROM (UNPIVOT a ON x, y)", {"a"}),
        ("SELECT * FROM (SUMMARIZE a)", {"a"}),
        ("WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a, b", {"b"}),
        ("WITH Paid AS (FROM orders) SELECT * FROM paid", {"orders"}),
        ("(WITH a AS (SELECT 1 AS x) SELECT * FROM a) UNION ALL SELECT x FROM a", {"a"}),
        ("SELECT * FROM a TABLESAMPLE 10%", {"a"}),
    ],
)  # fmt: skip
def test_tables_are_the_names_in_from_clauses_that_nothing_else_defines(sql: str, tables: set[str]) -> None:
    assert set(SqlText(sql).tables) == tables


def test_a_table_of_another_schema_is_refused() -> None:
    with pytest.raises(SqlAssetError, match=r"shop\.orders names a schema[\s\S]*the name of an asset"):
        _ = SqlText("SELECT * FROM shop.orders").tables


DESCRIBED = """-- What each customer paid.
--
-- Refunds are left out.
-- column: customer: who paid
-- column: paid: in euro

-- a note for whoever edits this
SELECT customer, sum(amount) AS paid -- column: no: not here
FROM orders GROUP BY customer
"""


def test_the_leading_comment_describes_the_table_and_its_columns() -> None:
    text = SqlText(DESCRIBED)
    assert text.description.startswith("What each customer paid.\n\nRefunds are left out.")
    assert "column:" not in text.description
    assert text.column_descriptions == {"customer": "who paid", "paid": "in euro"}


def test_a_text_without_comment_has_no_description() -> None:
    assert SqlText("SELECT 1 AS one").description == ""


def version(sql: str) -> str:
    return SqlText(sql).code_version


PLAIN = "SELECT customer, 'Ann' AS name FROM orders WHERE amount > 10"


@pytest.mark.parametrize(
    "same",
    [
        "select customer, 'Ann' as name from orders where amount > 10",
        "SELECT\n    customer,\n    'Ann' AS name\nFROM orders\nWHERE amount > 10\n",
        "-- a new comment\nSELECT customer, /* here */ 'Ann' AS name FROM orders WHERE amount > 10 -- and here",
    ],
)
def test_comments_layout_and_keyword_case_are_not_part_of_the_code_version(same: str) -> None:
    assert version(same) == version(PLAIN)


@pytest.mark.parametrize(
    "other",
    [
        "SELECT customer, 'ann' AS name FROM orders WHERE amount > 10",
        "SELECT customer, 'Ann ' AS name FROM orders WHERE amount > 10",
        "SELECT customer, 'Ann' AS name FROM orders WHERE amount > 11",
        "SELECT customer, 'Ann' AS name FROM orders WHERE amount >= 10",
        "SELECT customer, 'Ann' AS title FROM orders WHERE amount > 10",
        "SELECT customer, 'Ann' AS Name FROM orders WHERE amount > 10",
        "SELECT customer, 'Ann' AS name FROM invoices WHERE amount > 10",
    ],
)
def test_literals_names_and_operators_are_part_of_the_code_version(other: str) -> None:
    assert version(other) != version(PLAIN)


def test_a_literal_and_a_column_of_the_same_letters_differ() -> None:
    assert version("SELECT 'a' AS x FROM t") != version("SELECT a AS x FROM t")


def test_parameters_are_named_once_each() -> None:
    text = SqlText("SELECT * FROM a WHERE x > $least AND y > $least AND z = $kind AND w = '$no'")
    assert text.parameters == ("kind", "least")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("", "nothing"),
        ("-- only a comment", "nothing"),
        ("SELECT 1; SELECT 2", "SELECT, SELECT"),
        ("DROP TABLE orders", "DROP"),
        ("INSERT INTO a SELECT 1", "INSERT"),
        ("CREATE TABLE a AS SELECT 1", "CREATE"),
    ],
)
def test_what_is_no_single_select_is_refused_with_what_it_is(sql: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.sql"
    path.write_text(sql)
    with pytest.raises(SqlAssetError, match=f"one SELECT[\\s\\S]*Found: {found}\n[\\s\\S]*{path}"):
        SqlText.load(path)


def test_a_syntax_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "orders.sql"
    path.write_text("SELECT FROM WHERE )")
    with pytest.raises(SqlAssetError, match=f"cannot be parsed[\\s\\S]*{path}"):
        SqlText.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SqlAssetError, match=r"cannot be read[\s\S]*absent\.sql"):
        SqlText.load(tmp_path / "absent.sql")


def test_names_and_literals_are_quoted_in_one_place() -> None:
    root = Path(__file__).parents[2]
    doubled = re.compile(r"""replace\((?:"'", "''"|'"', '""')\)""")
    found = [
        str(path.relative_to(root))
        for folder in ("recsys_assets", "recsys_lineage", "recsys_models", "benchmarks")
        for path in sorted((root / folder).rglob("*.py"))
        if doubled.search(path.read_text())
    ]
    assert found == ["recsys_lineage/sql/names.py"]
