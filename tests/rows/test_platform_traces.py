"""Rows of every table of the shop that SQL makes come out again of just the rows that they are traced to."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.rows.trace_query import trace
from recsys_lineage.sql.sql_text import SqlText
from tests.sql.shop import GROUPS, PARAMETERS, make_shop

EVENTS = [
    {
        "event_time": f"2020-0{1 + n % 3}-{10 + n % 17} 10:{10 + n % 47}:00",
        "user_id": "abcd"[n % 4],
        "item_id": "pqrs"[n * n % 4],
        "order_id": f"o{n // 3}",
        "quantity": "-1" if n % 11 == 10 else str(1 + n % 3),
        "unit_price": ("1.5", "2.5", "nonsense")[n % 29 // 14],
        "store_id": "XY"[n % 2],
    }
    for n in range(60)
]
ITEMS = [
    {"item_id": item, "title": f"the {item}", "category": f"c{n % 2}", "brand": "b", "occurrences": "3"}
    for n, item in enumerate("pqrsp")
]
USERS = [{"user_id": user, "age_group": "20", "country": "DE"} for user in "abcd"]
PROMOTIONS = [
    {"item_id": "pq"[n % 2], "store_id": "X", "kind": "placement", "display": "1", "start_day": f"2020-01-0{1 + n % 5}",
     "end_day": "2020-02-01"}
    for n in range(8)
]  # fmt: skip
TABLES = [(group, table) for group, tables in GROUPS.items() for table in tables]


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop with copies, returns, refused rows and promotions."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        make_shop(connection, events=[*EVENTS, *EVENTS[:3]], items=ITEMS, users=USERS, promotions=PROMOTIONS)
        yield connection


@pytest.mark.slow
@pytest.mark.parametrize(("group", "table"), TABLES)
def test_a_row_comes_out_again_of_the_rows_that_it_is_traced_to(
    shop: duckdb.DuckDBPyConnection, group: str, table: str
) -> None:
    sql = load_sql(group, table)
    values = parameters_of(sql, PARAMETERS)
    sources = SqlText(sql).tables
    schemas = {
        source: {name: kind for name, kind, *_ in shop.execute(f"DESCRIBE {source}").fetchall()}
        for source in sources
    }
    cursor = shop.execute(f"SELECT * FROM {table} ORDER BY ALL")
    names = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    row = rows[len(rows) // 2]
    with duckdb.connect(config={"threads": 1}) as less:
        less.execute("SET TimeZone = 'UTC'")
        insufficient: set[str] = set()
        for source in sources:
            made = trace(sql, schemas, source, dict(zip(names, row, strict=True)), values)
            used = {name: value for name, value in values.items() if f"${name}" in made.sql}
            traced = shop.sql(made.sql, params=used or None).to_arrow_table()
            less.register("traced", traced)
            less.execute(f"CREATE TABLE {source} AS FROM traced").fetchall()
            less.unregister("traced")
            insufficient |= set(made.insufficient)
        kept = [n for n, name in enumerate(names) if name not in insufficient]
        again = less.execute(sql, values or None).fetchall()
    if kept:
        assert [repr(row[n]) for n in kept] in [[repr(each[n]) for n in kept] for each in again]
