"""Appends to a table: each is one commit of its own, whoever else appends, and any Delta reader sees all rows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from recsys_lineage.errors import VersionMoved
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.table_files import add_actions, files_between

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def rows(number: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": [number], "at": [BEGAN + timedelta(days=number)], "parts": [[{"name": f"n{number}", "size": None}]]},
        schema={
            "id": pl.Int64, "at": pl.Datetime("us", "UTC"),
            "parts": pl.List(pl.Struct({"name": pl.String, "size": pl.Int64})),
        },
    )  # fmt: skip


def test_a_delta_reader_sees_all_rows_and_finds_checkpoints(folder_lake: Lake) -> None:
    lake = folder_lake
    for number in range(45):
        version = lake.write_arrow("events", rows(number), append=True, bounds=["at"])
        assert (version.version, version.rows) == (number, number + 1)
    delta = DeltaTable(lake.table_uri("events"))
    assert delta.version() == 44 and add_actions(delta).num_rows == 45
    log = Path(lake.table_uri("events"), "_delta_log")
    assert json.loads((log / "_last_checkpoint").read_bytes())["version"] >= 38
    # a checkpoint replaces the commits before it, however they were written
    for number in range(38):
        (log / f"{number:020d}.json").unlink()
    found = pl.read_delta(lake.table_uri("events")).sort("id")
    assert found.equals(pl.concat(map(rows, range(45))))
    assert files_between(delta, "at", BEGAN, BEGAN + timedelta(days=2)) < {
        *add_actions(delta)["path"].to_pylist()
    }


def test_of_appends_at_once_each_gets_a_version(lake: Lake) -> None:
    def append(number: int) -> int:
        return lake.write_arrow("events", rows(number), append=True).version

    with ThreadPoolExecutor(4) as threads:
        versions = sorted(threads.map(append, range(8)))
    assert versions == [*range(8)]
    assert sorted(lake.scan(lake.version("events")).collect()["id"]) == [*range(8)]


def test_an_append_after_a_version_fails_once_the_table_has_moved(lake: Lake) -> None:
    lake.write_arrow("events", rows(0), append=True)
    lake.write_arrow("events", rows(1), append=True, follows=0)
    with pytest.raises(VersionMoved):
        lake.write_arrow("events", rows(2), append=True, follows=0)
    files = [path for path in lake.storage.files(lake.table_uri("events")) if path.endswith(".parquet")]
    assert len(files) == 2 and lake.version("events").rows == 2
    assert lake.scan(lake.version("events")).collect().sort("id").equals(pl.concat([rows(0), rows(1)]))


def test_other_columns_are_refused_as_before(lake: Lake) -> None:
    lake.write_arrow("events", rows(0), append=True)
    with pytest.raises(Exception, match="do not fit table"):
        lake.write_arrow("events", pl.DataFrame({"other": [1]}), append=True)
