"""Bytes of a Read: those that the columns and partitions take that were read, as the Parquet files' own footers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import PartitionVersion, TableVersion

COLUMNS = ("day", "long", "short", "nested")
DAYS = ("mon", "tue", "wed")


def rows(*days: tuple[str, int]) -> str:
    """A SELECT of some rows for each day; the columns differ much in size."""
    return " UNION ALL ".join(
        f"SELECT '{day}' AS day, md5(i::VARCHAR || '{day}') AS long, (i % 3)::TINYINT AS short, "
        f"{{'a': i, 'b': [i, i + 1]}} AS nested FROM range({count}) AS numbers(i)"
        for day, count in days
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A table that was written whole, then in part, then again with the same content."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")), Engine(threads=1))
    with lake.connect() as connection:

        def write(query: str, partitions: Sequence[str] | None = None, **options: Any) -> TableVersion:
            return lake.write(
                "t", query, connection=connection, partition_by="day", partitions=partitions, **options
            )

        write(rows(("mon", 500), ("tue", 40)))
        write(rows(("tue", 300), ("wed", 10)), ["tue", "wed"])
        write(f"{rows(('tue', 300))} ORDER BY short", ["tue"])  # its files are those of before
        write(rows(("wed", 70)), append=True)
        lake.write("whole", rows(("mon", 200)), connection=connection)
    return lake


def in_footers(lake: Lake, version: TableVersion, days: Sequence[str] | None, columns: Sequence[str]) -> int:
    """What the footers of the files of these days say of these columns."""
    found = 0
    for file in lake.files(version, days):
        metadata = pq.ParquetFile(file).metadata
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                column = metadata.row_group(group).column(place)
                if column.path_in_schema.split(".")[0] in columns:
                    found += column.total_compressed_size
    return found


def subsets(values: Sequence[str]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(values, size) for size in range(1, len(values) + 1)))


def read_bytes(
    lake: Lake, table: str, days: Sequence[str] | None, columns: Sequence[str] | None
) -> int | None:
    with lake.connect() as connection:
        inputs = Inputs(lake, connection, "reader", [table])
        inputs.frame(table, columns, days)
        (read,) = inputs.reads
    return read.bytes


@pytest.mark.sampled(2)
@pytest.mark.parametrize("days", [None, *subsets(DAYS)], ids=str)
def test_bytes_are_those_of_the_columns_in_the_partitions(lake: Lake, days: tuple[str, ...] | None) -> None:
    version = lake.version("t")
    for columns in subsets(COLUMNS):
        assert read_bytes(lake, "t", days, columns) == in_footers(lake, version, days, columns)


def test_bytes_of_a_table_without_partitions(lake: Lake) -> None:
    version = lake.version("whole")
    for columns in subsets(COLUMNS):
        assert read_bytes(lake, "whole", None, columns) == in_footers(lake, version, None, columns)


def test_whole_partitions_count_their_files(lake: Lake) -> None:
    version = lake.version("t")
    for days in subsets(DAYS):
        expected = sum(Path(file).stat().st_size for file in lake.files(version, days))
        assert read_bytes(lake, "t", days, None) == expected


def test_a_version_that_does_not_tell_the_columns_counts_the_partition(lake: Lake) -> None:
    version = lake.version("t")
    old = {day: PartitionVersion.from_json(part.to_json()[:5]) for day, part in version.partitions.items()}
    assert all(part.columns is None for part in old.values())
    with lake.connect() as connection:
        inputs = Inputs(lake, connection, "reader", ["t"])
        inputs.version("t", ["tue"], ["short"])
        inputs._versions["t"] = replace(version, partitions=old)
        (read,) = inputs.reads
    assert read.bytes == version.partitions["tue"].bytes


def test_a_version_survives_json(lake: Lake) -> None:
    version = lake.version("t")
    assert TableVersion.from_json(version.to_json()) == version
    assert version.partitions["wed"].columns is not None
