"""A Python function over frames is an asset: its annotations say what it reads, and it can read nothing else."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pyarrow as pa
import pytest

from recsys_lineage.assets.asset_code import Output, Query, Request
from recsys_lineage.assets.code.parameters import Named
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook
from tests.lineage.project import Project, table


def rows(orders: pl.DataFrame) -> pl.DataFrame:
    """Amounts, doubled."""
    return orders.select("id", pl.col("amount") * 2)


def lazy_rows(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select("id", pl.col("amount") * 2)


def arrow_rows(orders: pa.Table) -> pa.Table:
    return pa.table({"id": orders["id"], "amount": [2 * amount for amount in orders["amount"].to_pylist()]})


def duckdb_rows(orders: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    return orders.project("id, amount * 2 AS amount")


def query_rows(inputs: Inputs) -> Output:
    return Output(Query(f"SELECT id, amount * 2 AS amount FROM {inputs.relation('orders')}"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("function", "reads"),
    [(rows, ()), (lazy_rows, ()), (arrow_rows, ()), (duckdb_rows, ()), (query_rows, ("orders",))],
)
def test_frames_of_each_kind_are_read_and_written(function, reads: tuple[str, ...], project: Project) -> None:
    asset = frame_asset(function, name="doubled", reads=reads)
    assert [dep.asset_key.to_user_string() for dep in asset.get_asset_spec().deps] == ["orders"]

    project.run(table("orders"), asset)

    assert sorted(project.frame("doubled").rows()) == [(1, 20), (2, 40), (3, 60)]
    (read,) = project.records.get("doubled").reads
    assert (read.name, read.version, read.partitions) == ("orders", 0, None)
    assert read.fingerprint == project.lake.version("orders").fingerprint


def test_name_description_kinds_and_code_version_come_from_the_function() -> None:
    spec = frame_asset(rows).get_asset_spec()
    assert spec.key == dg.AssetKey("rows")
    assert spec.description == "Amounts, doubled."
    assert "python" in spec.kinds
    assert spec.code_version == _version(rows)
    assert spec.code_version != _version(lazy_rows)


def documented(orders: pl.DataFrame) -> pl.DataFrame:
    """Amounts, doubled.

    Twice a day.

    Args:
        orders: what was ordered.

    Raises:
        ValueError: never.
    """
    return orders


def test_what_a_docstring_tells_callers_is_no_part_of_the_description() -> None:
    assert frame_asset(documented).get_asset_spec().description == "Amounts, doubled.\n\nTwice a day."


def curious(inputs: Inputs) -> pl.DataFrame:
    inputs.frame("orders")
    return inputs.frame("secrets")


def test_reading_an_undeclared_table_is_an_error_and_nothing_is_written(project: Project) -> None:
    asset = frame_asset(curious, reads=["orders"])
    secrets = table("secrets", "SELECT 1 AS x")
    project.run(table("orders"), secrets)

    result = project.run(table("orders"), secrets, asset, only=["curious"], raises=False)

    assert not result.success
    failure = result.failure_data_for_node("curious")
    assert failure is not None and failure.user_failure_data is not None
    assert failure.user_failure_data.metadata["type"].value == "UndeclaredRead"
    assert "'curious' read 'secrets'" in str(failure.user_failure_data.description)
    assert not project.lake.has("curious")
    (record,) = project.records.runs("curious")
    assert record.status == "failed"
    assert [read.name for read in record.reads] == ["orders"], "what it had read by then is on record"


def twice(inputs: Inputs, orders: pl.DataFrame) -> pl.DataFrame:
    other = table("orders", "SELECT 9 AS id, 'eve' AS customer, 9.0 AS amount")
    with dg.DagsterInstance.ephemeral() as instance:
        Project(Path(inputs._lake.uri).parent, instance).run(other)
    return pl.DataFrame({"first": [orders.height], "second": [inputs.frame("orders").height]})


def test_the_first_read_pins_the_version_for_the_whole_run(project: Project) -> None:
    project.run(table("orders"), frame_asset(twice))
    assert project.lake.version("orders").version == 1
    assert project.frame("twice").rows() == [(3, 3)]
    read = project.records.get("twice").read("orders")
    assert read is not None and read.version == 0


def scaled(orders: pl.DataFrame, factor: float, request: Request) -> pl.DataFrame:
    assert request.partitions is None
    return orders.select(pl.col("amount") * factor)


def test_other_parameters_take_given_values_which_are_on_record(project: Project) -> None:
    project.run(table("orders"), frame_asset(scaled, parameters={"factor": 0.5}))
    assert sorted(project.frame("scaled")["amount"]) == [5, 10, 15]
    assert project.records.get("scaled").parameters == {"factor": 0.5}


def test_a_parameter_without_a_source_is_refused_with_its_place() -> None:
    with pytest.raises(
        LineageError, match=r"'factor' of scaled has no source[\s\S]*test_frame_asset\.py:\d+"
    ):
        frame_asset(scaled)


def _version(function, parameters=None, name: str = "same") -> str:
    version = frame_asset(function, name=name, parameters=parameters).get_asset_spec().code_version
    assert version is not None
    return version


def _defined(tmp_path: Path, name: str, source: str):
    import importlib.util

    path = tmp_path / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


BODY = "def f(orders: object = 1, x: int = 2) -> int:\n    return x + 1\n"
GIVEN = {"orders": 1, "x": 2}


def test_comments_docstrings_and_layout_are_not_part_of_the_code_version(tmp_path: Path) -> None:
    plain = _defined(tmp_path, "plain", BODY)
    noted = _defined(
        tmp_path,
        "noted",
        'def f(\n    orders: object = 1,\n    x: int = 2,\n) -> int:\n    """Adds one."""\n'
        "    # so\n    return x + 1\n",
    )
    assert _version(plain, GIVEN) == _version(noted, GIVEN)


# A decorator that named code of this module would make it, and with it whatever can be imported, part of every asset's.
@pytest.mark.parametrize(("part", "other"), [("+ 1", "+ 2"), ("+", "-"), ("return x", "return -x")])
def test_what_the_function_does_is_part_of_the_code_version(part: str, other: str, tmp_path: Path) -> None:
    one, two = _defined(tmp_path, "one", BODY), _defined(tmp_path, "two", BODY.replace(part, other))
    assert _version(one, GIVEN) != _version(two, GIVEN)


def test_parameters_and_code_among_them_are_part_of_the_code_version(tmp_path: Path) -> None:
    function = _defined(tmp_path, "function", BODY)
    assert _version(function, GIVEN) != _version(function, {**GIVEN, "x": 3})

    def made(text: str) -> str:
        return _version(function, {**GIVEN, "x": Named("family", _defined(tmp_path, "used", text))})

    assert made("def f(): return 1") == made("def f(): return 1  # the same")
    assert made("def f(): return 1") != made("def f(): return 2")


def fitted(family: type[object], inputs: Inputs) -> pl.DataFrame:
    return pl.DataFrame({"made": [family.__name__]})


def test_a_parameter_that_is_code_is_on_record_by_its_name_and_is_found_again(project: Project) -> None:
    asset = frame_asset(fitted, parameters={"family": Named("a table", Project)})
    project.run(asset)
    assert project.frame("fitted").rows() == [("Project",)]
    assert project.records.get("fitted").parameters == {"family": "a table"}
    code = code_of(asset)
    assert code is not None and code.remade is not None and code.covers is not None
    assert code.remade({"family": "a table"}).code_version == code.code_version
    with pytest.raises(LineageError, match=r"names other code[\s\S]*Expected: another"):
        code.remade({"family": "another"})
    covered = code.covers.by_module()
    assert "fitted" in covered[__name__] and "Project" in covered["tests.lineage.project"]


CALLS: list[str] = []


def lost_connection() -> pl.DataFrame:
    CALLS.append("lost")
    if len(CALLS) < 2:
        raise ConnectionError("the store hung up")
    return pl.DataFrame({"x": [1]})


def wrong_value() -> pl.DataFrame:
    CALLS.append("wrong")
    raise ValueError("no retry mends this")


def test_a_lost_connection_is_tried_again(project: Project) -> None:
    CALLS.clear()
    assert project.run(frame_asset(lost_connection)).success
    assert CALLS == ["lost", "lost"]
    assert [record.status for record in project.records.runs("lost_connection")] == ["failed", "success"]
    assert project.records.get("lost_connection").run.retry == 1


def test_what_asked_for_a_run_and_partitions_that_failed_are_on_record(project: Project) -> None:
    def by_day() -> Output:
        frame = pl.DataFrame({"day": ["mon"], "x": [1]})
        return Output(
            frame, partition_by="day", partitions=["mon"], failures={"tue": "no file of it can be read"}
        )

    days = dg.StaticPartitionsDefinition(["mon", "tue"])
    look = AssetLook(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    told = {
        "dagster/schedule_name": "nightly", "dagster/sensor_name": "landing", "dagster/tick": "7",
        "dagster/backfill": "abc", "dagster/parent_run_id": "one", "dagster/root_run_id": "two",
        ".dagster/scheduled_execution_time": "2024-01-02T02:00:00+01:00",
    }  # fmt: skip
    asked = {f"dagster/asset_partition_range_{end}": day for end, day in (("start", "mon"), ("end", "tue"))}
    project.run(frame_asset(by_day, look=look), tags=told | asked)
    record = project.records.get("by_day")
    run = record.run
    assert (run.schedule, run.sensor, run.tick, run.backfill) == ("nightly", "landing", "7", "abc")
    assert (run.parent_run, run.root_run) == ("one", "two")
    assert str(run.scheduled) == "2024-01-02 01:00:00+00:00" and run.started is not None
    assert record.written is not None and list(record.written.failures) == ["tue"]


def test_each_run_of_a_backfill_records_it_and_the_partitions_that_it_wrote(project: Project) -> None:
    def by_day(request: Request) -> Output:
        assert request.partitions is not None
        (day,) = request.partitions
        return Output(pl.DataFrame({"day": [day], "x": [1]}), partition_by="day", partitions=[day])

    look = AssetLook(partitions_def=dg.StaticPartitionsDefinition(["mon", "tue", "wed"]))
    daily = frame_asset(by_day, look=look)
    for day in ("mon", "tue", "wed"):
        project.run(daily, tags={"dagster/backfill": "abc"}, partition=day)
    found = [project.records.get("by_day", version) for version in range(3)]
    assert [record.run.backfill for record in found] == ["abc"] * 3
    assert len({record.run.run_id for record in found}) == 3
    written = [list(record.written.partitions) for record in found if record.written is not None]
    assert written == [["mon"], ["tue"], ["wed"]]


def test_any_other_error_is_not(project: Project) -> None:
    CALLS.clear()
    assert not project.run(frame_asset(wrong_value), raises=False).success
    assert CALLS == ["wrong"]
    (record,) = project.records.runs("wrong_value")
    assert record.failure is not None
    assert (record.failure.type, record.failure.message) == ("ValueError", "no retry mends this")
