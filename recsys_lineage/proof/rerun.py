"""Rerun: an asset's Python code run again on other rows of what it read, so that its declared columns can be proved."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.proof.experiment import ExperimentError, RunFailed
from recsys_lineage.proof.sample import joined_sample
from recsys_lineage.records.materialization import Materialization


@dataclass
class Rerun:
    """An asset's code as a function from frames of the tables that it reads to the frame that it makes.

    The frames are written into a lake of its own, of which the code reads as in any run; what it read is the same again
    where a frame is. It has no version before.
    """

    asset: AssetCode
    lake: Lake
    _written: dict[str, pl.DataFrame] = field(default_factory=dict)

    def __call__(self, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """What the code makes of some frames.

        Raises:
            RunFailed: it stops at them.
        """
        try:
            for table, frame in frames.items():
                if table not in self._written or not self._written[table].equals(frame):
                    self.lake.write_arrow(table, frame)
                    self._written[table] = frame
            with self.lake.connect() as connection:
                inputs = Inputs(self.lake, connection, self.asset.name, self.asset.upstream)
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
    """What verify_columns asks for: the code, and samples of what it read."""

    compute: Rerun
    schemas: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, pa.Table]


@contextmanager
def rerun_sample(
    asset: AssetCode, record: Materialization, lake: Lake, rows: int, seed: int = 0
) -> Iterator[RerunSample]:
    """The code of an asset, and samples of the tables that one of its versions was made of.

    Args:
        asset: of `frame_code`.
        record: of the version.
        lake: where the tables are.
        rows: how many rows of each table are taken at most.
        seed: of which are taken.
    """
    versions = {
        read.name: read.version
        for read in record.reads
        if read.kind == "table" and read.purpose == "input" and read.name != asset.name
    }
    relations = {table: lake.relation(lake.version(table, version)) for table, version in versions.items()}
    with lake.connect() as connection, lake.reading():
        schemas, tables = joined_sample(connection, relations, rows, seed)
    with tempfile.TemporaryDirectory(prefix="lineage-proof-") as scratch:
        yield RerunSample(Rerun(asset, Lake(str(Path(scratch) / "lake"))), schemas, tables)
