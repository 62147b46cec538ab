"""Rerun: an asset's Python code run again on other input rows, so that its declared columns can be tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.proof.experiment import ExperimentError, RunFailed
from recsys_lineage.proof.joined_sample import joined_sample
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.sql.names import quote


class _FrameInputs(Inputs):
    """Inputs whose tables have the rows of given frames, under the versions in the lake; other tables are as in the
    lake."""

    def __init__(
        self,
        asset: AssetCode,
        lake: Lake,
        connection: duckdb.DuckDBPyConnection,
        versions: Mapping[str, int],
        frames: Mapping[str, pl.DataFrame],
    ) -> None:
        super().__init__(lake, connection, asset.name, (*asset.upstream, *asset.looks_at), versions)
        self._rows = frames
        for table, frame in frames.items():
            connection.register(_name(table), frame)

    def relation(
        self, table: str, partitions: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> str:
        if table not in self._rows:
            return super().relation(table, partitions, columns)
        self.version(table, partitions, columns)
        return quote(_name(table))

    def view(
        self, table: str, partitions: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> None:
        relation = self.relation(table, partitions, columns)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(table)} AS FROM {relation}")

    def lazy(self, table: str) -> pl.LazyFrame:
        if table not in self._rows:
            return super().lazy(table)
        self.version(table)
        return self._rows[table].lazy()


def _name(table: str) -> str:
    return f"_rows_of_{table}"


@dataclass(frozen=True)
class Rerun:
    """An asset's code as a function from frames of its inputs to the resulting frame.

    It reads as in any run; there is no previous version, and a table that it did not read in its recorded run is as in
    the lake.
    """

    asset: AssetCode
    lake: Lake
    versions: Mapping[str, int]

    def __call__(self, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Result of the code on some frames.

        Raises:
            RunFailed: it fails on them.
        """
        try:
            with self.lake.connect() as connection:
                inputs = _FrameInputs(self.asset, self.lake, connection, self.versions, frames)
                return self._frame(self.asset.compute(inputs, Request()), connection)
        except Exception as error:  # whatever code that nobody can look into stops with
            raise RunFailed(error) from error

    def _frame(self, output: object, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        if not isinstance(output, Output):
            raise ExperimentError(
                f"The code of {self.asset.name} made nothing.",
                expected="a table",
                where=self.asset.code.origin,
            )
        data = output.data
        if isinstance(data, Query):
            return connection.sql(data.sql, params=dict(data.parameters) or None).pl()
        if isinstance(data, pl.LazyFrame):
            return data.collect()
        if isinstance(data, Iterator):
            return pl.concat(data)
        return data if isinstance(data, pl.DataFrame) else pl.DataFrame(data)


@dataclass(frozen=True)
class RerunSample:
    """Input of verify_columns: the code, and samples of its inputs."""

    compute: Rerun
    schemas: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, pa.Table]


def versions_read(asset: AssetCode, record: Materialization) -> dict[str, int]:
    """The tables that a version was made from, with their versions; the asset's own table is left out."""
    return {
        read.name: read.version
        for read in record.reads
        if read.kind == "table"
        and read.version is not None
        and read.purpose == "input"
        and read.name != asset.name
    }


def rerun_sample(
    asset: AssetCode, record: Materialization, lake: Lake, rows: int, seed: int = 0
) -> RerunSample:
    """The code of an asset, and samples of the tables that one of its versions was made from.

    Args:
        asset: an asset made by `frame_code`.
        record: the version's record.
        lake: the lake of the tables.
        rows: the most rows taken of each table.
        seed: the seed of the selection.
    """
    versions = versions_read(asset, record)
    relations = {table: lake.relation(lake.version(table, version)) for table, version in versions.items()}
    with lake.connect() as connection, lake.reading():
        schemas, tables = joined_sample(connection, relations, rows, seed)
    return RerunSample(Rerun(asset, lake, versions), schemas, tables)
