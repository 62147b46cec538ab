"""SQL that Python code writes reads what the record names: tables that the asset depends on, with their columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import Output, Query
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError, UndeclaredRead
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.sql_text import SqlText


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose tables all have other names that are alike."""
    lake = Lake(str(tmp_path_factory.mktemp("queries") / "lake"), Engine(threads=1))
    for value, name in enumerate(("orders", "orders_old")):
        text = SqlText(f"SELECT {value} AS id, 'ann' AS customer, 2.5 AS amount", f"{name}.sql")
        materialize(sql_code(text, name=name), lake)
    return lake


def _file(lake: Lake, table: str = "orders_old") -> str:
    return lake.files(lake.version(table))[0]


def _of_relation(orders: Any, sql: str) -> pl.DataFrame:
    return orders.query("orders", sql).pl()


Text = Callable[[Lake], str]
STATEMENTS: dict[str, Text] = {
    "a table": lambda lake: "SELECT * FROM orders_old",
    "in another case": lambda lake: "FROM Orders_Old",
    "joined": lambda lake: "SELECT o.* FROM orders AS o SEMI JOIN orders_old AS t ON t.id = o.id",
    "in a condition": lambda lake: "SELECT * FROM orders WHERE id IN (SELECT id FROM orders_old)",
    "its files": lambda lake: f"SELECT * FROM read_parquet('{_file(lake)}')",
    "its files by name": lambda lake: f"SELECT * FROM '{_file(lake)}'",
    "its files by a pattern": lambda lake: f"FROM read_parquet('{lake.uri}/orders_*/*.parquet')",
    "its log": lambda lake: f"SELECT content FROM read_text('{lake.uri}/orders_old/_delta_log/*')",
    "its names of files": lambda lake: f"SELECT * FROM glob('{lake.uri}/orders_old/**')",
    "files of a table that it depends on": lambda lake: f"FROM read_parquet('{_file(lake, 'orders')}')",
}
HOW: dict[str, Callable[[Inputs, str], object]] = {
    "query": lambda inputs, sql: inputs.query(sql),
    "output": lambda inputs, sql: Output(Query(sql)),
    "relation": lambda inputs, sql: _of_relation(inputs.duckdb("orders"), sql),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("what", STATEMENTS)
def test_a_statement_reads_nothing_that_no_record_names(lake: Lake, what: str, how: str) -> None:
    sql = STATEMENTS[what](lake)

    def mine(inputs: Inputs) -> object:
        return HOW[how](inputs, sql)

    if how == "relation" and what == "files of a table that it depends on":
        return  # DuckDB does not tell which of them; the record names the table
    with pytest.raises((LineageError, duckdb.CatalogException)) as raised:
        materialize(frame_code(mine, reads=["orders"]), lake)
    if isinstance(raised.value, UndeclaredRead):
        assert raised.value.found == "orders_old" and raised.value.expected == "orders"
        assert "'orders'" in str(raised.value.advice) and "reads=" in str(raised.value.advice)
        assert str(raised.value.where).startswith("a query of mine:1:")
    assert not lake.has("mine")


@pytest.mark.parametrize("what", STATEMENTS)
@pytest.mark.parametrize("kind", ["sql", "function"])
def test_nor_does_one_of_a_check(lake: Lake, what: str, kind: str) -> None:
    sql = STATEMENTS[what](lake)

    def looks(inputs: Inputs) -> CheckOutcome:
        inputs.query(sql)
        return CheckOutcome("looks", True, "looked")

    check = TableCheck("looks", "x", sql=sql) if kind == "sql" else TableCheck("looks", "x", function=looks)
    with pytest.raises(LineageError):
        materialize(sql_code(SqlText("SELECT * FROM orders", "m.sql"), name="mine", checks=[check]), lake)


def test_of_its_own_table_only_what_previous_gave(lake: Lake) -> None:
    def counted(inputs: Inputs) -> Output:
        if inputs.previous() is None:
            return Output(pl.DataFrame({"n": [1]}))
        return Output(Query("SELECT n + 1 AS n FROM counted"))

    for n in (1, 2):
        record = materialize(frame_code(counted), lake).record
        assert lake.arrow(lake.version("counted"))["n"].to_pylist() == [n]
    assert [(read.name, read.purpose) for read in record.reads] == [("counted", "previous")]

    def counted_by_itself() -> Output:
        return Output(Query("SELECT n + 1 AS n FROM counted"))

    with pytest.raises(UndeclaredRead):
        materialize(frame_code(counted_by_itself, name="counted"), lake)


OUTPUTS: dict[str, Callable[[Inputs], str]] = {
    "a table": lambda inputs: "SELECT id, customer FROM orders",
    "a view of fewer columns": lambda inputs: (
        inputs.view("orders", columns=["id"]) or "SELECT id, customer FROM orders"
    ),
    "a relation": lambda inputs: (
        f"SELECT id FROM {inputs.relation('orders', columns=['id', 'customer'])} AS o"
    ),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_the_columns_of_the_output_are_noted(lake: Lake, what: str) -> None:
    def mine_of_columns(inputs: Inputs) -> Output:
        return Output(Query(OUTPUTS[what](inputs)))

    (read,) = materialize(frame_code(mine_of_columns, reads=["orders"]), lake).record.reads
    assert (read.name, read.columns) == ("orders", ("id", "customer"))


def test_a_view_of_one_partition_stays_one(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))

    def days() -> Output:
        return Output(pl.DataFrame({"day": ["1", "2"], "n": [1, 2]}), partition_by="day")

    def one(inputs: Inputs) -> Output:
        inputs.view("days", partitions=["2"], columns=["n"])
        return Output(Query("SELECT n, day FROM days"))

    materialize(frame_code(days), lake)
    outcome = materialize(frame_code(one, reads=["days"]), lake)
    (read,) = outcome.record.reads
    assert outcome.record.rows == 1 and (read.partitions, read.columns) == (("2",), ("day", "n"))
