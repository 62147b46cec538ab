"""The statements of this folder run, give rows, and give the same whatever order the rows of their tables have."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import duckdb
import pytest

from tests.statements.corpus import FOLDER, Statement, schemas, statements, tables


def loaded(seed: int, order: int | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that holds the data of a seed, its rows shuffled where an order is given."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute((FOLDER / "schemas.sql").read_text(encoding="utf-8"))
    for table, rows in tables(seed).items():
        if order is not None:
            random.Random(order).shuffle(rows)
        holes = ", ".join("?" * len(schemas()[table]))
        connection.executemany(f'INSERT INTO "{table}" VALUES ({holes})', rows)
    return connection


def answer(connection: duckdb.DuckDBPyConnection, statement: Statement) -> list[tuple[Any, ...]]:
    """The rows of a statement: in their order where it has one at its end, sorted otherwise."""
    parameters: Mapping[str, Any] = statement.parameters
    rows = connection.execute(statement.sql, dict(parameters) or None).fetchall()
    return rows if "ORDER BY" in statement.sql.splitlines()[-1] else sorted(rows, key=repr)


@pytest.fixture(scope="module")
def as_made() -> duckdb.DuckDBPyConnection:
    return loaded(1)


@pytest.fixture(scope="module")
def shuffled() -> list[duckdb.DuckDBPyConnection]:
    return [loaded(1, order) for order in (7, 8)]


def test_there_are_almost_three_hundred() -> None:
    assert len(statements()) >= 290


@pytest.mark.sampled(4)
@pytest.mark.parametrize("statement", statements(), ids=str)
def test_gives_rows_and_the_same_in_every_order(
    as_made: duckdb.DuckDBPyConnection, shuffled: list[duckdb.DuckDBPyConnection], statement: Statement
) -> None:
    rows = answer(as_made, statement)
    assert rows
    assert any(value is not None for row in rows for value in row)
    for other in shuffled:
        assert answer(other, statement) == rows


def test_every_table_is_read_by_a_statement() -> None:
    texts = " ".join(statement.sql for statement in statements())
    assert [table for table in schemas() if f"{table}" not in texts] == []
