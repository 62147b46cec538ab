"""What a trace through windows over partitions holds grows with the partition, not with its square."""

from __future__ import annotations

from unittest import mock

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.rows.excluding_rows import traced
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.steps import Steps
from recsys_lineage.rows.stepwise import Stepwise
from recsys_lineage.rows.trace_query import fits_of, trace_query, traced_tables
from tests.examples import examples
from tests.rows.held import largest_kept

SCHEMAS = {"products": {"product": "INTEGER", "category": "VARCHAR", "brand": "INTEGER", "price": "INTEGER"}}
WINDOWS = {
    "two partitions": "SELECT product, sum(price) OVER (PARTITION BY category) AS c, "
    "count(*) OVER (PARTITION BY brand) AS b FROM products",
    "an expression": "SELECT product, max(price) OVER (PARTITION BY lower(category), brand % 2) AS c FROM products",
    "a named window, a rank beside": "SELECT product, avg(price) OVER w AS c, percent_rank() OVER (ORDER BY price) "
    "AS r FROM products WINDOW w AS (PARTITION BY category)",
    "QUALIFY": "SELECT product, price FROM products QUALIFY price <= max(price) OVER (PARTITION BY category)",
    "DISTINCT": "SELECT DISTINCT product, count(*) OVER (PARTITION BY category) AS c FROM products",
    "a join": "SELECT p.product, count(*) OVER (PARTITION BY o.category) AS c FROM products AS p "
    "LEFT JOIN (SELECT DISTINCT category FROM products) AS o ON o.category = p.category",
}

RUNNING = {
    "up to its own place": "SELECT product, sum(price) OVER (PARTITION BY category ORDER BY price) AS c FROM products",
    "ranks": "SELECT product, rank() OVER (PARTITION BY category ORDER BY price DESC NULLS FIRST) AS c, "
    "row_number() OVER (PARTITION BY brand ORDER BY price, product) AS b FROM products",
    "groups of equal ones": "SELECT product, count(*) OVER (PARTITION BY brand ORDER BY category DESC NULLS LAST, "
    "price GROUPS UNBOUNDED PRECEDING) AS c FROM products",
    "the first ones": "SELECT product, price FROM products "
    "QUALIFY row_number() OVER (PARTITION BY category ORDER BY price, product) <= 3 OR product % 2 = 1",
    "the same keys whole and up to its own": "SELECT product, dense_rank() OVER (PARTITION BY brand ORDER BY price) "
    "AS c, first_value(price) OVER (PARTITION BY brand ORDER BY category) AS f, max(price) "
    "OVER (PARTITION BY category) AS m FROM products",
    "of groups": "SELECT brand AS product, category, count(*) AS n, sum(count(*)) OVER (PARTITION BY brand "
    "ORDER BY min(price), category) AS s FROM products GROUP BY brand, category",
}


def _filled(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    _ = connection.execute(
        "CREATE TABLE products AS SELECT i::INTEGER AS product, CASE WHEN i >= $n THEN 'Tea' END AS category, "
        "CASE WHEN i % 3 > 0 THEN (i % 3)::INTEGER END AS brand, (i % 7)::INTEGER AS price "
        "FROM range(2 * $n) AS t(i)",
        {"n": number},
    )


def _row(connection: duckdb.DuckDBPyConnection, sql: str, product: int) -> dict[str, object]:
    found = connection.execute(f"SELECT * FROM ({sql}) WHERE product = {product}")
    names = [each[0] for each in found.description or ()]
    return dict(zip(names, found.fetchall()[0], strict=True))


def _held(sql: str, number: int) -> int:
    """The rows and list entries of the largest step."""
    with duckdb.connect(config={"threads": 1}) as connection:
        _filled(connection, number)
        catalog = Catalog(SCHEMAS, {})
        statement = Statement(sql, catalog)
        tracing = traced(statement, ("products",), *fits_of(statement, _row(connection, sql, number + 1)))
        text = tracing.rows_of("products")
        stepwise = Stepwise(connection, tracing.steps, {})
        _ = stepwise.rows(text)
        catalog.close()
        return max(largest_kept(connection), _listed(connection, tracing.steps))


def _listed(connection: duckdb.DuckDBPyConnection, steps: Steps) -> int:
    """The entries of all lists that the query of the result makes, before the wanted row is looked for in it."""
    (step,) = (step for step in steps if step.name == "__m__result")
    start, end = step.text.index(" FROM (") + len(" FROM "), step.text.index(") AS __q(") + 1
    text = steps.with_query(f"SELECT sum(len(__w0)) FROM {step.text[start:end]}")
    ((listed,),) = connection.execute(text).fetchall()
    return int(listed)


_GROWING = WINDOWS | {how: sql for how, sql in RUNNING.items() if how != "of groups"}


@pytest.mark.parametrize("sql", _GROWING.values(), ids=_GROWING.keys())
def test_what_is_held_grows_with_the_partition(sql: str) -> None:
    few, more, many = (_held(sql, number) for number in (20, 80, 320))
    # four times as many rows: a square would be sixteen times
    assert more <= 8 * few
    assert many <= 8 * more


@pytest.mark.parametrize("product", [1, 3, 21, 24])
def test_the_rows_are_those_of_each_partition_once_and_nulls_are_a_partition(product: int) -> None:
    sql = WINDOWS["two partitions"]
    with duckdb.connect(config={"threads": 1}) as connection:
        _filled(connection, 20)
        _ = connection.execute("INSERT INTO products FROM products WHERE product = 2")
        found = connection.execute(
            trace_query(sql, SCHEMAS, "products", _row(connection, sql, product))
        ).fetchall()
        wanted = connection.execute(
            "SELECT p.* FROM products AS p, (FROM products WHERE product = $p LIMIT 1) AS w "
            "WHERE p.category IS NOT DISTINCT FROM w.category OR p.brand IS NOT DISTINCT FROM w.brand",
            {"p": product},
        ).fetchall()
        assert sorted(found, key=str) == sorted(wanted, key=str)


_PRODUCTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([None, "Tea", "Milk"]),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, 0, 1, 2]),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sql", RUNNING.values(), ids=RUNNING.keys())
@given(products=_PRODUCTS, numbers=st.tuples(st.integers(0, 7), st.integers(0, 7)), single=st.booleans())
@settings(max_examples=examples(12))
def test_rows_up_to_a_place_are_those_that_lists_would_name(
    sql: str, products: list[tuple[object, ...]], numbers: tuple[int, int], single: bool
) -> None:
    def found() -> list[str]:
        with duckdb.connect(config={"threads": 1}) as connection:
            _filled(connection, 0)
            _ = connection.executemany("INSERT INTO products VALUES (?, ?, ?, ?)", products)
            result = connection.sql(sql).to_arrow_table()
            places = [number % result.num_rows for number in numbers[: 1 if single else 2]]
            rows = pa.concat_tables([result.slice(place, 1) for place in places])
            traced = traced_tables(sql, SCHEMAS, ["products"], rows, connection, {})["products"][0]
            return sorted(map(str, traced.to_pylist()))

    apart = found()
    with mock.patch("recsys_lineage.rows.witnesses.witness.set_apart", return_value=[]):
        assert apart == found()
