"""Materialization: the record of what one run of one asset really read, ran and wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Purpose, Read
from recsys_lineage.records.parts.record_part import Columns, Parameters, RecordPart
from recsys_lineage.records.parts.recorded_columns import RecordedColumns
from recsys_lineage.records.parts.row_keys import RowKeys
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.parts.withheld import WITHHELD, is_withheld

FORMAT = 2
"""Format of the records that this code writes; those of format 1, which name none, are read too."""

Status = Literal["success", "failed", "canceled", "kept"]


@dataclass(frozen=True)
class Code:
    """The code that an asset is made of: the SQL text or the Python function's source, and where it stands."""

    kind: Literal["sql", "python"]
    text: str
    origin: str
    dialect: str | None = None


@dataclass(frozen=True)
class ScannedFiles:
    """The files behind a relation of a statement, and how they were read.

    `scan` is the table function with its pattern and options, `root` the folder that the pattern starts from.
    """

    scan: str
    root: str
    files: int


@dataclass(frozen=True)
class Statement:
    """Statement given to the engine: the text that ran, its parameters, and the files behind its relations.

    A parameter or a literal that came from data is not kept (`withheld.py`).
    """

    text: str
    parameters: Parameters = field(default_factory=dict)
    dialect: str = "duckdb"
    relations: Mapping[str, ScannedFiles] = field(default_factory=dict)

    @property
    def not_kept(self) -> tuple[str, ...]:
        """Values that the statement ran with and the record does not keep, for messages; empty if it can run again."""
        named = [f"${name} {value}" for name, value in self.parameters.items() if is_withheld(value)]
        return (*named, *(["a literal"] if f"'{WITHHELD}'" in self.text else []))


@dataclass(frozen=True)
class WrittenPartition:
    """One partition that a run wrote; `version` is the one that last changed its content."""

    rows: int
    bytes: int | None
    fingerprint: str
    version: int


@dataclass(frozen=True)
class WrittenColumn:
    """Counts of the writer for one column of the files it wrote; never a value itself.

    `distinct` counts the different values that are not NULL; None where the writer does not tell it.
    """

    bytes: int
    nulls: int | None = None
    distinct: int | None = None


@dataclass(frozen=True)
class Written:
    """Output of a run.

    Attributes:
        bytes, files: of the whole version.
        partition_column: by which the table is divided.
        partitions: those that this run wrote, each also where its content came out equal.
        failures: partitions that could not be written, and why.
        columns: what the writer counted in the files of this run.
        hashed_by: the algorithm and engine of the fingerprints.
    """

    bytes: int
    files: int
    partition_column: str | None = None
    partitions: Mapping[str, WrittenPartition] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, WrittenColumn] = field(default_factory=dict)
    hashed_by: str | None = None


@dataclass(frozen=True)
class TrainingData:
    """Training data of a model: which rows of which version of a table.

    `predicate` is the SQL condition that these rows fulfil.
    """

    table: str
    version: int
    predicate: str
    rows: int


@dataclass(frozen=True)
class Materialization(RecordPart):
    """The record of one asset's run, whatever came of it.

    Every other view of lineage (the graph, catalog events, staleness) is a pure function of these records. A record
    is for ever: no cell of a table, no customer's id, no secret and no environment variable stands in it.

    Attributes:
        id: unique.
        asset: the asset's name, and its table's.
        partitions: those that were written or asked for; empty for an asset without partitions.
        status: success, failed, canceled (interrupted) or kept (still right, so that nothing ran).
        started, ended: UTC.
        code_version: the version of the code that ran.
        code: that code.
        reads: everything that was read, each with its purpose.
        declared: the tables that the asset's code says it depends on, read or not.
        version, fingerprint, rows, schema: of the TableVersion that was written; of the one that was kept.
        parameters: the values that the code was given.
        statistics: what the asset itself counted; plain JSON values.
        observed: for an asset that looks at the outside world, what it saw (`AssetCode.observe`), as a digest where it
            could say a value (`seen.py`).
        takes: for an asset that takes only a part of its inputs, which part (`AssetCode.takes`), likewise.
        continued: whether it was allowed to start from its own version before.
        trained_on: for a model, what it was fitted on.
        keys: columns by which rows of the output belong to rows of the inputs, where the asset names some.
        keys_of: for each table that the asset names, by which columns its rows do, see `RowKeys`.
        statement: what the engine ran; None where Python made the output.
        written: what was written; None where nothing was.
        column_lineage: for each column that was written, in order, the columns of what was read that it comes from.
            An edge's table is one of the tables read, or a scan of files as `statement.relations` tells it. Empty where
            it is not known.
        column_tags: for each column that has any, its tags as they are written: its own, and those that came with the
            columns it is made of.
        checks: what the checks found.
        failure: what went wrong.
        kept: for a kept asset, the id of the record that still holds.
        run: what the orchestrator knows.
        lake: URL of the lake.
        engine: versions of the libraries whose arithmetic can change a result.
        git_commit: the commit of the code; `git_dirty` whether the checkout had uncommitted changes.
        kind: asset, or check for one that ran by itself, beside the asset it looks at.
        format: of the record.
    """

    id: str
    asset: str
    partitions: tuple[str, ...]
    status: Status
    started: datetime
    ended: datetime
    code_version: str
    code: Code
    reads: tuple[Read, ...]
    version: int | None = None
    fingerprint: str | None = None
    rows: int | None = None
    schema: Columns = ()
    parameters: Parameters = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    observed: str | None = None
    takes: Any = None
    continued: bool = False
    trained_on: tuple[TrainingData, ...] = ()
    keys: tuple[str, ...] = ()
    keys_of: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    statement: Statement | None = None
    written: Written | None = None
    column_lineage: RecordedColumns = field(default_factory=dict)
    column_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checks: tuple[CheckOutcome, ...] = ()
    failure: Failure | None = None
    kept: str | None = None
    run: Run = field(default_factory=Run)
    lake: str | None = None
    declared: tuple[str, ...] = ()
    engine: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_dirty: bool | None = None
    kind: Literal["asset", "check"] = "asset"
    format: int = 1

    @property
    def row_keys(self) -> RowKeys:
        """The columns that relate rows of the output to rows of its inputs."""
        return RowKeys(self.keys, self.keys_of)

    @property
    def seconds(self) -> float:
        """Duration of the asset's run."""
        return (self.ended - self.started).total_seconds()

    def read(self, table: str, purpose: Purpose = "input") -> Read | None:
        """The read of a table for a purpose, None if there was none."""
        return next(
            (
                read
                for read in self.reads
                if read.kind == "table" and read.name == table and read.purpose == purpose
            ),
            None,
        )

    @classmethod
    def upgraded(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data of a record in today's format.

        Format 1 kept what lineage owns among the statistics, a failure as one text, and reads of checks and of the
        version before among the inputs.
        """
        if data.get("format", 1) >= FORMAT:
            return data
        statistics = dict(data.get("statistics", {}))
        upgraded = {**data, "statistics": statistics}
        if "observed" in statistics:
            upgraded["observed"] = statistics.pop("observed")
        if "inputs" in statistics:
            upgraded["takes"] = statistics.pop("inputs")
        own = [read for read in data["reads"] if read["kind"] == "table" and read["name"] == data["asset"]]
        if own:
            upgraded["continued"] = True
            upgraded["reads"] = [
                {**read, "purpose": "previous"} if read in own else read for read in data["reads"]
            ]
        if data.get("error"):
            kind, _, message = data["error"].partition(": ")
            upgraded["failure"] = {"type": kind, "message": message}
        return upgraded
