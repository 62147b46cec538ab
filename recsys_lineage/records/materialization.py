"""Materialization: the record of one run of one asset: what it really read, ran and wrote."""

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
"""Format of the records written by this code; records of format 1, which have no number, can be read too."""

Status = Literal["success", "failed", "canceled", "kept"]


@dataclass(frozen=True)
class Code:
    """The code of an asset: the SQL text or the Python function's source, and its location."""

    kind: Literal["sql", "python"]
    text: str
    origin: str
    dialect: str | None = None


@dataclass(frozen=True)
class ScannedFiles:
    """The files behind a relation of a statement, and the options for reading them.

    `scan` is the table function with its pattern and options, `root` the base folder of the pattern.
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
        """Values that the statement ran with and the record does not contain, for messages; empty if it can run
        again."""
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
    """Counts of the writer for one column of the written files; never a value itself.

    `distinct` is the number of distinct values without NULL; None where the writer does not count it.
    """

    bytes: int
    nulls: int | None = None
    distinct: int | None = None


@dataclass(frozen=True)
class Written:
    """Output of a run.

    Attributes:
        bytes, files: the size and number of files of the whole version.
        partition_column: the column whose values are the partitions.
        partitions: those that this run wrote, even with equal content.
        failures: partition that could not be written → why.
        columns: the writer's counts for the files of this run.
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
    """Training data of a model: some rows of one version of a table.

    `predicate` is the SQL condition for these rows.
    """

    table: str
    version: int
    predicate: str
    rows: int


@dataclass(frozen=True)
class Materialization(RecordPart):
    """The record of one asset's run, whether it succeeded or not.

    Every other view of lineage (the graph, catalog events, staleness) is a pure function of these records. A record is
    kept for ever: it contains no cell of a table, no customer's id, no secret and no environment variable.

    Attributes:
        id: unique.
        asset: the asset's name, and its table's.
        partitions: those that were written or requested; empty for an asset without partitions.
        status: success, failed, canceled (interrupted) or kept (up to date, so that nothing ran).
        started, ended: UTC.
        code_version: the version of the code that ran.
        code: that code.
        reads: everything that was read, each with its purpose.
        declared: the tables that the asset's code declares as dependencies, read or not.
        version, fingerprint, rows, schema: those of the TableVersion that was written or kept.
        parameters: the values passed to the code.
        statistics: the asset's own statistics; plain JSON values.
        observed: for an asset that reads the outside world, the result of `AssetCode.observe`, as a digest where it
            could contain a value (`seen.py`).
        takes: for an asset that uses only a part of its inputs, the result of `AssetCode.takes`, likewise.
        continued: whether it was allowed to start from its own previous version.
        trained_on: for a model, its training data.
        keys: columns that match rows of the output to rows of the inputs, if the asset names some.
        keys_of: table → the pairs of columns that match its rows, see `RowKeys`.
        statement: the statement that the engine ran; None where Python made the output.
        written: the output; None where nothing was written.
        column_lineage: written column, in order → the edges from its input columns. An edge's table is one of the
            tables read, or a scan of files as in `statement.relations`. Empty where it is unknown.
        column_tags: column → its tags, as written: its own, and those inherited from its origins.
        checks: the outcomes of the checks.
        failure: the error.
        kept: for a kept asset, the id of the record of its version.
        run: the orchestrator's facts about the run.
        lake: the URL of the lake.
        engine: versions of the libraries whose arithmetic can change a result.
        git_commit: the commit of the code; `git_dirty` whether the checkout had uncommitted changes.
        kind: asset, or check for a check that ran by itself.
        format: the format of the record.
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
        """The columns that match rows of the output to rows of its inputs."""
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

        Format 1 had lineage's own values among the statistics, a failure as one text, and reads of checks and of the
        previous version among the inputs.
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


def in_todays_format(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record's JSON object in today's format; that of a later format as it is, so that nothing of it is lost."""
    if data.get("format", 1) > FORMAT:
        return data
    return Materialization.from_json(data).to_json()
