"""verify takes an asset apart on samples of what it reads; verify_reads sees what the process opens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage import AssetCode, Inputs, Lake, Output, Query, Request, SqlText, materialize, sql_code
from recsys_lineage.assets.asset_code import Unchanged
from recsys_lineage.assets.reproduction import OtherCode
from recsys_lineage.proof import ExperimentError, asset_proof, verify, verify_reads
from recsys_lineage.proof.joined_sample import joined_sample
from recsys_lineage.rows.trace_query import trace_tables

ORDERS = pl.DataFrame(
    {
        "order_id": range(400),
        "user_id": [n % 37 for n in range(400)],
        "price": [float(n * 7 % 13) for n in range(400)],
        "note": [None if n % 5 == 0 else f"n{n % 3}" for n in range(400)],
    }
)
USERS = pl.DataFrame({"user_id": range(40), "city": [f"city {n % 4}" for n in range(40)], "unused": [1] * 40})
SPENT = """
-- What each city spent.
SELECT users.city, sum(orders.price) AS spent, count(*) FILTER (WHERE note = 'n1') AS noted
FROM orders JOIN users USING (user_id)
WHERE orders.price > $least
GROUP BY users.city
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    lake.write_arrow("orders", ORDERS)
    lake.write_arrow("users", USERS)
    return lake


def spent(least: float = 2.0, sql: str = SPENT) -> AssetCode:
    return sql_code(SqlText(sql), name="spent", parameters={"least": least})


def test_a_row_is_traced_once_for_all_tables_however_often_its_trace_is_asked_for(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], object]] = []

    def traced(sql: str, schemas: Any, sources: list[str], row: Any, parameters: Any) -> Any:
        asked.append((sources, row["city"]))
        return trace_tables(sql, schemas, sources, row, parameters)

    materialize(spent(), lake)
    monkeypatch.setattr(asset_proof, "trace_tables", traced)
    found = verify(spent(), lake, rows=60, sample=3, rounds=1, reads=False)
    assert found.rows is not None and {trial.verdict for trial in found.rows.trials} == {"proved"}
    assert [sorted(sources) for sources, _ in asked] == [["orders", "users"]] * 3
    assert len({city for _, city in asked}) == 3


def test_the_time_given_bounds_columns_and_traces_and_refutes_nothing(lake: Lake) -> None:
    materialize(spent(), lake)
    found = verify(spent(), lake, rows=60, reads=False, seconds=1e-9)
    assert found.true and found.columns is not None and found.rows is not None
    assert found.columns.limit_reached and found.rows.limit_reached
    assert (found.rows.trials, found.rows.untried, found.rows.unfinished) == ((), 4, ())
    assert "0 of 4 rows were traced" in found.report()


def test_an_asset_is_proved_on_a_sample(lake: Lake) -> None:
    materialize(spent(), lake)
    found = verify(spent(), lake, rows=60)
    assert found.true, found.report()
    assert found.columns is not None and found.rows is not None and found.reads is not None
    assert set(found.columns.outputs) == {"city", "spent", "noted"}
    assert found.columns.pairs < found.columns.possible == 21
    assert {(c.table, c.column) for c in found.columns.shown} == {("users", "city"), ("orders", "price")}
    assert found.rows.trials and all(trial.of["orders"] == 60 for trial in found.rows.trials)
    assert found.reads.named == ("orders version 0", "users version 0")
    assert found.to_json()["true"] is True
    for word in ("spent", "proved", "files opened"):
        assert word in found.report()


@pytest.mark.parametrize(("rows", "verdict"), [(400, "not refuted"), (0, "not tried")])
def test_a_proof_that_could_change_nothing_says_so(lake: Lake, rows: int, verdict: str) -> None:
    lake.write_arrow("orders", ORDERS.head(rows))
    lake.write_arrow("users", USERS.head(rows))
    materialize(spent(), lake)
    found = verify(spent(), lake, rows=20, reads=False)
    assert found.true and found.verdict.startswith(verdict) and found.to_json()["verdict"] == found.verdict


def test_the_versions_of_the_record_are_looked_at(lake: Lake) -> None:
    materialize(spent(), lake)
    lake.write_arrow("orders", ORDERS.head(0))
    found = verify(spent(), lake, 0, rows=50)
    assert found.true and found.rows is not None and found.rows.rows > 0
    assert found.reads is not None and found.reads.named == ("orders version 0", "users version 0")


def test_other_code_than_the_records_is_refused(lake: Lake) -> None:
    materialize(spent(), lake)
    with pytest.raises(OtherCode):
        verify(spent(sql=SPENT.replace("sum", "max")), lake)
    assert verify(spent(), lake, reads=False, rows=30).reads is None


def test_an_asset_over_files_is_proved_too(lake: Lake, tmp_path: Path) -> None:
    ORDERS.write_parquet(tmp_path / "orders.parquet")
    text = SqlText("SELECT user_id, max(price) AS most FROM read_parquet('orders.parquet') GROUP BY user_id")
    asset = sql_code(text, name="most", files=tmp_path)
    materialize(asset, lake)
    found = verify(asset, lake, rows=50)
    assert found.true, found.report()
    assert found.columns is not None and {c.table for c in found.columns.shown} == {"files_0"}
    assert found.reads is not None and found.reads.named == ("orders.parquet",)


def test_python_that_gives_a_frame_is_told_what_to_do(lake: Lake) -> None:
    def compute(inputs: Inputs, request: Request) -> Output | Unchanged:
        return Output(inputs.frame("orders"))

    asset = replace(spent(), name="copied", compute=compute, upstream=("orders",), parameters={}, remade=None)
    materialize(asset, lake)
    with pytest.raises(ExperimentError, match="not a SELECT"):
        verify(asset, lake)
    assert verify_reads(asset, lake).true


def test_folders_of_partitions_hold_data_whatever_their_column_is_called(lake: Lake) -> None:
    with lake.cursor() as connection:
        query = "SELECT n, n % 3 AS _day FROM range(9) AS t(n)"
        _ = lake.write("days", query, connection=connection, partition_by="_day")
    found = verify_reads(sql_code(SqlText("SELECT max(n) AS most FROM days"), name="most"), lake)
    assert found.true and found.opened == 3, found.report()


def test_a_file_that_no_record_names_is_seen(lake: Lake, tmp_path: Path) -> None:
    """Native code opens a table behind the back of Inputs."""

    path = next((tmp_path / "lake" / "users").rglob("*.parquet"))

    def compute(inputs: Inputs, request: Request) -> Output | Unchanged:
        inputs.view("orders")
        return Output(Query(f"SELECT price FROM orders, (SELECT count(*) FROM read_parquet('{path}'))"))

    asset = replace(
        spent(), name="sly", compute=compute, upstream=("orders",), parameters={}, remade=None, opens=(path,)
    )
    found = verify_reads(asset, lake)
    assert not found.true
    assert [Path(name).parent.name for name in found.unnamed] == ["users"]
    assert "not on record" in found.report()


def test_a_file_that_another_process_opens_refutes_nothing(lake: Lake) -> None:
    users = lake.files(lake.version("users"))[0]
    beside = [f", (SELECT count(*) FROM read_parquet('{users}'))"]  # the kernel tells of it in the same words

    def compute(inputs: Inputs, request: Request) -> Output | Unchanged:
        inputs.view("orders")
        return Output(Query(f"SELECT price FROM orders{beside.pop() if beside else ''}"))

    asset = replace(
        spent(),
        name="beside",
        compute=compute,
        upstream=("orders",),
        parameters={},
        remade=None,
        opens=(Path(users),),
    )
    found = verify_reads(asset, lake)
    assert found.true and not found.unnamed
    assert [Path(name).parent.name for name in found.once] == ["users"]
    assert "perhaps by another process" in found.report()


def test_a_read_that_opens_nothing_is_seen(lake: Lake) -> None:
    def compute(inputs: Inputs, request: Request) -> Output | Unchanged:
        inputs.version("users")
        inputs.view("orders")
        return Output(Query("SELECT price FROM orders"))

    asset = replace(
        spent(), name="idle", compute=compute, upstream=("orders", "users"), parameters={}, remade=None
    )
    found = verify_reads(asset, lake)
    assert found.unopened == ("users version 0",) and not found.unnamed


def test_an_asset_that_fails_raises_what_it_raises(lake: Lake) -> None:
    def compute(inputs: Inputs, request: Request) -> Any:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        verify_reads(replace(spent(), compute=compute), lake)


@given(st.sampled_from(["_row", "_ROW", "_row0", "note"]))
@settings(max_examples=4, deadline=None)
def test_which_rows_are_sampled_hangs_on_the_seed_whatever_columns_are_called(name: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT range AS n, NULL AS {name} FROM range(1000)")
        drawn = [
            joined_sample(connection, {"t": "t"}, 20, seed)[1]["t"].column("n").to_pylist() for seed in (0, 1)
        ]
    assert len(set(drawn[0]) & set(drawn[1])) < 10
    assert max(drawn[0]) > 100
