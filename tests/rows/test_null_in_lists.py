"""IN, ANY and ALL are NULL because of a NULL on either side, and then the rows with it are part of the trace."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest

from recsys_lineage.rows.trace_query import trace
from tests.databases import create_table, own_database

SCHEMAS = {"orders": {"id": "INTEGER", "code": "INTEGER"}, "codes": {"code": "INTEGER", "kind": "INTEGER"}}
ORDERS = [(1, 1), (2, None), (3, 3), (None, None), (4, 9)]
CODES = [[], [(7, None), (9, 4)], [(None, None), (1, 1)], [(3, 8), (8, 2), (9, 9), (1, 2)]]
TESTS = (
    "code IN (SELECT code FROM codes)", "code NOT IN (SELECT kind FROM codes)",
    "(code, id) IN (SELECT code, kind FROM codes)", "(code, id) NOT IN (SELECT code, kind FROM codes)",
    "(code, id) NOT IN (SELECT code, kind FROM codes WHERE code IS NOT NULL)",
    "(code, id) = ANY (SELECT code, kind FROM codes)", "row(code, id) IN (SELECT row(code, kind) FROM codes)",
    "(id, code, 1) IN (SELECT kind, code, 1 FROM codes)", "code > ANY (SELECT kind FROM codes)",
    "code <= ALL (SELECT kind FROM codes)", "code <> ALL (SELECT code FROM codes)",
)  # fmt: skip
if duckdb.__version__.startswith(
    "1."
):  # it takes NULL in one of several columns otherwise; only DuckDB 2 is followed
    TESTS = tuple(test for test in TESTS if "," not in test.split(" IN")[0].split(" NOT")[0].split(" =")[0])


@contextmanager
def _connected(
    orders: list[tuple[int | None, ...]], codes: list[tuple[int | None, ...]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    with own_database() as connection:
        for table, rows in (("orders", orders), ("codes", codes)):
            create_table(connection, table, SCHEMAS[table], rows)
        yield connection


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("test", "codes"), itertools.product(TESTS, CODES))
def test_the_traced_rows_give_the_same_answer(test: str, codes: list[tuple[int | None, ...]]) -> None:
    sql = f"SELECT id, {test} AS found FROM orders"
    with _connected(ORDERS, codes) as connection:
        for row in connection.execute(sql).fetchall():
            named: dict[str, object] = {"id": row[0], "found": row[1]}
            traced = [
                connection.execute(trace(sql, SCHEMAS, table, named).sql).fetchall() for table in SCHEMAS
            ]
            with _connected(*traced) as alone:
                assert row in alone.execute(sql).fetchall(), (row, traced)
