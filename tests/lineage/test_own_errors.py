"""No own error that an asset's code causes keeps a cell that the code gave, in the record or in Dagster's storage."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.options import Option
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.dagster_failure import dagster_failure
from recsys_lineage.records.parts.failure import Failure, labelled_parts

CELL = "".join(reversed("gro.elpmaxe@ednukxqz"))
NUMBER = "".join(reversed("71432")) * 2
"""Cells that no text of this file says, so that no record could hold them as constants of the code."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))
    lake.write_arrow("people", pl.DataFrame({"customer": [CELL], "number": [NUMBER]}))
    return lake


def failed(asset: AssetCode, lake: Lake, request: Request | None = None) -> Failure:
    """The failure of an attempt, in whose record no cell stands, nor in what Dagster is given."""
    outcome = attempt(asset, lake, request or Request())
    failure = outcome.record.failure
    assert failure is not None and outcome.error is not None
    kept = json.dumps(outcome.record.to_json(), ensure_ascii=False)
    told = dagster_failure(asset.name, outcome.error, failure)
    for text in (kept, f"{told.description} {told.metadata}"):
        for part in ("zqxkunde", "gro.elpmaxe", NUMBER, NUMBER[:6]):
            assert part not in text.lower(), text
    return failure


def _doors() -> list[str]:
    """The public methods of Inputs that take a text first."""
    found = []
    for name, method in inspect.getmembers(Inputs, inspect.isfunction):
        parameters = [*inspect.signature(method).parameters.values()][1:]
        if not name.startswith("_") and parameters and "str" in str(parameters[0].annotation):
            found.append(name)
    return found


DOORS = _doors()


def test_the_doors_are_found() -> None:
    assert {"frame", "lazy", "arrow", "view", "open_file", "query"} <= {*DOORS}


@pytest.mark.parametrize("text", ["customer", "number"])
@pytest.mark.parametrize("door", DOORS)
def test_no_method_of_the_inputs_keeps_what_it_was_given(door: str, text: str, lake: Lake) -> None:
    def asked(inputs: Inputs) -> pl.DataFrame:
        getattr(inputs, door)(inputs.frame("people")[text][0])
        raise ValueError("it was taken")

    failure = failed(frame_code(asked, reads=["people"]), lake)
    assert failure.type != "TypeError" or "missing" in failure.message


WAYS: dict[str, Callable[[str], Any]] = {
    "a path": lambda v: Path(f"/srv/{v}.csv").read_text(),
    "a pattern": lambda v: pl.read_csv(f"/srv/*{v}.csv"),
    "a URL": lambda v: pl.read_parquet(f"https://shop:{v}@127.0.0.1:9/x.parquet"),
    "a signed URL": lambda v: pl.scan_csv(f"https://127.0.0.1:9/x.csv?sig={v}").collect(),
    "a file system": lambda v: fsspec.filesystem("http").cat(f"http://127.0.0.1:9/x?of={v}"),
    "a statement": lambda v: pl.sql(f"SELECT * FROM read_csv('/x.csv') WHERE a = '{v}'", eager=True),
    "a process": lambda v: subprocess.run([v, "x"]),
    "a folder": lambda v: [*os.scandir(f"/srv/{v}")],
    "two columns": lambda v: pl.DataFrame({f"a{v}": [1], f"A{v}": [2]}),
    "two columns of pandas": lambda v: pd.DataFrame([[1, 2]], columns=pd.Index([f"a{v}"] * 2)),
    "two columns of Arrow": lambda v: pa.table([[1], [2]], names=[f"a{v}"] * 2),
    "an index of pandas": lambda v: pd.DataFrame({f"a{v}": [1], "b": [1]}).set_index(f"a{v}"),
    "a type": lambda v: pd.DataFrame({f"a{v}": [object()]}),
    "blocks": lambda v: iter([pl.DataFrame({"a": [1]}), pl.DataFrame({f"a{v}": [1]})]),
    "an error of this project": lambda v: _raise(LineageError(v, expected=v, found=v, where=v, advice=v)),
}


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("text", ["customer", "number"])
@pytest.mark.parametrize("way", WAYS)
def test_no_other_way_keeps_what_it_was_given(way: str, text: str, lake: Lake) -> None:
    def made(people: pl.DataFrame) -> Any:
        return Output(WAYS[way](people[text][0]))

    assert failed(frame_code(made), lake).message


@pytest.mark.parametrize("partitions", [["2024-01-01"], ["north"]])
def test_no_partition_that_was_not_asked_for_is_named(partitions: list[str], lake: Lake) -> None:
    def divided(people: pl.DataFrame, request: Request) -> Output:
        return Output(
            people.select("number", place="customer"), partition_by="place", partitions=request.partitions
        )

    message = failed(frame_code(divided), lake, Request(partitions=partitions)).message
    assert "partitions that were not requested" in message


def test_no_column_that_is_twice_in_a_query_is_named(lake: Lake) -> None:
    def twice(inputs: Inputs) -> Output:
        cell = inputs.frame("people")["customer"][0]
        inputs.view("people")
        return Output(Query(f'SELECT number AS "{cell}", number AS "{cell.upper()}" FROM people'))

    assert "several columns" in failed(frame_code(twice, reads=["people"]), lake).message


def test_no_option_is_told_with_its_value(lake: Lake) -> None:
    def never(value: str) -> str:
        raise ValueError(f"not allowed: {value}")

    def counted() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    asset = frame_code(counted, options={"of": Option(str, "none", "of the store", never)})
    assert "the parameter of" in failed(asset, lake, Request(options={"of": CELL})).message
    assert "no parameter" in failed(asset, lake, Request(options={CELL: 1})).message


def test_what_stands_in_code_and_names_of_tables_stay(lake: Lake) -> None:
    lake.write_arrow("orders", pl.DataFrame({"a": [1]}))

    def undeclared(inputs: Inputs) -> pl.DataFrame:
        return inputs.frame("orders")

    def outside() -> pl.DataFrame:
        return pl.DataFrame({"text": [Path("/srv/orders/day.csv").read_text()]})

    parts = labelled_parts(failed(frame_code(undeclared, reads=["people"]), lake).message)
    assert parts["expected"] == "people" and parts["found"] == "orders" and "reads=" in parts["what to do"]
    message = failed(frame_code(outside), lake).message
    assert (
        "/srv/orders/day.csv" in message and f"where: {__file__}" in message and "inputs.open_file" in message
    )


def test_a_password_in_a_url_is_not_stored_even_if_it_stands_in_the_code() -> None:
    with pytest.raises(ValueError, match=r"shop\.example") as caught:
        raise ValueError("no answer of https://ann:hunter2@shop.example/x?token=hunter2")
    message = Failure.of(caught.value).message
    assert "shop.example/x" in message and "hunter2" not in message
