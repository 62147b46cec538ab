"""Statements are bound in databases that earlier ones left, and see nothing of these."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recsys_lineage.rows.statement.catalog import Catalog, Column, RowTraceError
from recsys_lineage.rows.trace_query import trace_query
from recsys_lineage.sql.spare_database import give_back, spare_database, take_database


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    return connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()


@given(names=st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=4))
@example(names={"Größen", "GRÖSSEN", 'a"b', "İ"})
def test_a_catalog_leaves_a_database_without_tables(names: set[str]) -> None:
    first = Catalog({})
    for name in names:
        with suppress(RowTraceError):  # that DuckDB takes for no name, or for another one's
            first.add(name, [Column("id", "INTEGER")])
    first.close()
    second = Catalog({"orders": {"other": "DATE"}})
    assert second.connection is first.connection
    assert _tables(second.connection) == [("orders",)]
    assert [column.name for column in second.columns_of("SELECT * FROM orders", [])] == ["other"]
    second.close()


def test_catalogs_at_once_have_databases_of_their_own() -> None:
    one, other = Catalog({"t": {"a": "INTEGER"}}), Catalog({"t": {"b": "INTEGER"}})
    assert one.connection is not other.connection
    assert (one.names_of("FROM t"), other.names_of("FROM t")) == (["a"], ["b"])
    one.close()
    other.close()


def test_a_refused_statement_leaves_nothing() -> None:
    for _ in range(3):
        with pytest.raises(RowTraceError):
            trace_query("SELECT a FROM t", {"t": {"a": "INTEGER"}}, "u", {"a": 1})
    with spare_database() as connection:
        assert _tables(connection) == []


def test_a_database_that_failed_is_not_lent_again() -> None:
    with pytest.raises(duckdb.Error), spare_database() as failed:
        failed.execute("SELECT nothing_of_that_name")
    taken = take_database()
    assert taken is not failed
    give_back(taken)
    with pytest.raises(duckdb.Error):
        failed.execute("SELECT 1")


def test_no_file_is_seen() -> None:
    with pytest.raises(duckdb.PermissionException), spare_database() as connection:
        connection.execute(f"FROM read_text('{__file__}')")


def test_a_fork_makes_its_own() -> None:
    lent = take_database()
    give_back(lent)
    child = os.fork()
    if child == 0:
        os._exit(take_database() is lent)
    assert os.waitpid(child, 0)[1] == 0
    again = take_database()
    assert again is lent
    give_back(again)


def test_threads_share_no_database_at_a_time() -> None:
    def trace(number: int) -> str:
        name = f"c{number}"
        return trace_query(f"SELECT {name} FROM t", {"t": {name: "INTEGER"}}, "t", {name: number})

    with ThreadPoolExecutor(8) as pool:
        assert all(f"c{number}" in text for number, text in enumerate(pool.map(trace, range(200))))
