"""verify: tests the lineage of one asset on samples of the tables that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reproduction import code_of, pinned_inputs
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.column_lineage import column_lineage
from recsys_lineage.columns.frames.frame_expressions import OPAQUE
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.proof.column_proof import ColumnProof
from recsys_lineage.proof.columns import changed_columns, verify_columns
from recsys_lineage.proof.experiment import Experiment, ExperimentError
from recsys_lineage.proof.joined_sample import joined_sample
from recsys_lineage.proof.keys import verify_keys
from recsys_lineage.proof.observed.observed_code import CodeProof, ObservedCode
from recsys_lineage.proof.observed.observed_reads import ReadProof, verify_reads
from recsys_lineage.proof.rerun import rerun_sample
from recsys_lineage.proof.row_proof import RowProof
from recsys_lineage.proof.rows import traced_rows
from recsys_lineage.proof.time_left import TimeLeft
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.records import Records
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.trace_query import Trace, trace_tables
from recsys_lineage.sql.file_call import replaced
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.pivot_values import with_pivot_values
from recsys_lineage.sql.sql_text import SqlText

_KEYED_ROWS = 3
"""The most rows for which the keys of a Python asset are tested; its code runs twice for each."""
_OF_COLUMNS = 2 / 3
"""The largest share of an asset's time for changing columns."""
_LONGEST_RUN = 600.0
"""Seconds of computing after which the first run on the sampled rows is given up, unless another limit is set."""


@dataclass(frozen=True)
class AssetProof:
    """Result of testing an asset's lineage.

    Attributes:
        asset: the asset.
        version: the version whose inputs were sampled; None for the present inputs.
        columns, rows, reads, ran: the proofs of its columns, its rows, its reads, and of the code that ran; None where
            one was not requested or not possible.
        not_tried: proof that could not be tried → the reason.
        without: proof that does not exist for such an asset → the reason.
        sampled: the tables and files that were read to draw the samples.
    """

    asset: str
    version: int | None
    columns: ColumnProof | None
    rows: RowProof | None
    reads: ReadProof | None
    not_tried: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    ran: CodeProof | None = None
    sampled: tuple[Read, ...] = ()

    @property
    def true(self) -> bool:
        """Whether nothing was refuted."""
        return (
            (self.columns is None or self.columns.sound)
            and (self.rows is None or self.rows.true)
            and (self.reads is None or self.reads.true)
            and (self.ran is None or self.ran.true)
        )

    @property
    def given_up(self) -> int:
        """Number of traces that were given up for time or memory, so that they have no verdict."""
        return 0 if self.rows is None else len(self.rows.unfinished)

    @property
    def verdict(self) -> str:
        """Verdict in words: "refuted", "not refuted", or that nothing could be tried."""
        if not self.true:
            return "refuted"
        columns = self.columns is not None and len(self.columns.untested) < len(self.columns.inputs)
        rows = self.rows is not None and any(trial.verdict == "proved" for trial in self.rows.trials)
        return "not refuted" if columns or rows else "not tried: no value that it reads could be changed"

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        proofs = {"columns": self.columns, "rows": self.rows, "reads": self.reads, "code": self.ran}
        return {
            "asset": self.asset,
            "version": self.version,
            "true": self.true,
            "verdict": self.verdict,
            **{name: None if proof is None else proof.to_json() for name, proof in proofs.items()},
            "not_tried": list(self.not_tried),
            "without": list(self.without),
        }

    def report(self) -> str:
        """The reports of the proofs, one after the other."""
        all_proofs = (self.columns, self.rows, self.reads, self.ran)
        proofs = [proof.report() for proof in all_proofs if proof is not None]
        return "\n\n".join([*proofs, *self.not_tried, *self.without])


@dataclass(frozen=True)
class AssetSample:
    """The statement of an asset, and samples of its inputs."""

    sql: str
    parameters: Mapping[str, Any]
    schemas: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, pa.Table]
    reads: tuple[Read, ...] = ()

    def columns_of(self, sql: str) -> list[str]:
        """Column names of a statement over the samples' tables.

        Raises:
            duckdb.Error: DuckDB refuses it.
        """
        catalog = Catalog(self.schemas, self.parameters)
        try:
            return catalog.names_of(sql)
        finally:
            catalog.close()


def verify(
    asset: AssetCode,
    lake: Lake,
    version: int | None = None,
    *,
    rows: int = 300,
    sample: int = 10,
    rounds: int = 2,
    reads: bool = True,
    other_code: bool = False,
    seed: int = 0,
    seconds: float | None = None,
    superfluous: bool = True,
) -> AssetProof:
    """Test the lineage of an asset on samples of the inputs of one of its versions.

    The edges are those of the version's record; if it has none, or the asset reads files, they are derived. For Python
    code they are those of the record, and the code itself runs again on changed frames.

    Args:
        asset: an asset made by `sql_code` or `frame_code`, or another whose code returns a Query.
        lake: the lake of its table and its inputs.
        version: the version of its table; the latest when None.
        rows: the most rows taken of each table that it reads.
        sample: the number of output rows whose traces are tested.
        rounds: the number of data sets on which every column is changed: the rows taken, then copies with shuffled
            values.
        reads: whether it is run once more as a whole, to observe the files that it opens and the code that runs. The
            code is also observed on the samples.
        other_code: continue if today's code differs from the original code.
        seed: the seed of random choices.
        seconds: the time limit for the asset: at most two thirds for changing columns, the rest for traces. Tests
            beyond it are reported as not tried; running ones are finished, and `reads` does not count. No limit when
            None.
        superfluous: whether to search for traced rows that are not needed.

    Raises:
        ExperimentError: the code is no SELECT.
        LineageError: the version or one of its inputs is gone, or the code has changed.
    """
    left = TimeLeft(seconds)
    record = Records(lake).get(asset.name, version)
    made_of_tables = asset.remade is not None and all(read.kind == "table" for read in record.reads)
    code, pinned = (
        (code_of(asset, record, other_code), pinned_inputs(lake, record)) if made_of_tables else (asset, {})
    )
    pinned.pop(asset.name, None)
    if asset.code.kind == "python":
        return _of_python(
            code, record, lake, pinned,
            rows=rows, sample=sample, rounds=rounds, reads=reads, seed=seed, left=left,
        )  # fmt: skip
    observed = ObservedCode(code)
    taken = sampled(observed.watched(once=True), lake, pinned, rows, seed)
    columns_made = [column.name for column in record.schema]
    taken = replace(taken, sql=with_pivot_values(taken.sql, columns_made, taken.columns_of))
    recorded = record.column_lineage if made_of_tables else {}
    columns, row_proof, not_tried = _of_query(
        taken,
        recorded,
        asset.name,
        sample=sample,
        rounds=rounds,
        seed=seed,
        superfluous=superfluous,
        left=left,
    )
    request = Request(partitions=list(record.partitions) or None)
    read_proof = verify_reads(observed.watched(), lake, request, pinned=pinned) if reads else None
    tested = record.version if made_of_tables else None
    ran, unseen = observed.proof()
    return AssetProof(
        asset.name,
        tested,
        columns,
        row_proof,
        read_proof,
        (*not_tried, *unseen),
        ran=ran,
        sampled=taken.reads,
    )


def _of_query(
    taken: AssetSample,
    recorded: Mapping[str, Sequence[ColumnEdge]],
    name: str,
    *,
    sample: int,
    rounds: int,
    seed: int,
    superfluous: bool,
    left: TimeLeft,
) -> tuple[ColumnProof | None, RowProof | None, list[str]]:
    """The proofs of a query's columns and rows on samples, and why one could not be tried; arguments as in `verify`.

    Args:
        taken: the query and the samples.
        recorded: the edges on record; empty: they are derived.
        name: the asset's name.
    """
    not_tried: list[str] = []
    columns = row_proof = None
    try:
        experiment = Experiment(
            taken.sql, taken.schemas, taken.tables, parameters=taken.parameters, limit=_limit(left)
        )
    except LineageError as error:
        not_tried.append(f"columns and rows: {error}")
    else:
        try:
            edges = recorded or column_lineage(taken.sql, taken.schemas)
            columns = changed_columns(
                experiment, edges, seed=seed, rounds=rounds, name=name, left=left.part(_OF_COLUMNS)
            )
        except LineageError as error:
            not_tried.append(f"columns: {error}")
        row_proof = traced_rows(
            experiment, _Traces(taken, list(experiment.schemas)),
            sample=sample, seed=seed, superfluous=superfluous, name=name, left=left.part(1),
        )  # fmt: skip
    return columns, row_proof, not_tried


def _limit(left: TimeLeft) -> float:
    """Time limit of the first run, in seconds of computing."""
    return _LONGEST_RUN if left.seconds is None else max(left.seconds, 1.0)


class _Traces:
    """The traces of an output row to every table, computed at once for the last requested row."""

    def __init__(self, taken: AssetSample, tables: Sequence[str]) -> None:
        self._taken, self._tables = taken, tables
        self._row: Mapping[str, object] | None = None
        self._found: dict[str, Trace] = {}

    def __call__(self, table: str, row: Mapping[str, object]) -> Trace:
        if row is not self._row:
            taken = self._taken
            self._found = trace_tables(taken.sql, taken.schemas, self._tables, row, taken.parameters)
            self._row = row
        return self._found[table]


def _of_python(
    asset: AssetCode,
    record: Materialization,
    lake: Lake,
    pinned: dict[str, int],
    *,
    rows: int,
    sample: int,
    rounds: int,
    reads: bool,
    seed: int,
    left: TimeLeft,
) -> AssetProof:
    """The proof of an asset whose code is Python: its function runs again on changed frames of its inputs."""
    not_tried: list[str] = []
    columns = None
    observed = ObservedCode(asset)
    try:
        if not record.column_lineage:
            raise ExperimentError(
                "The columns have no lineage to test.", where=asset.code.origin, advice=OPAQUE
            )
        taken = rerun_sample(observed.watched(once=True), record, lake, rows, seed)
        columns = verify_columns(
            taken.compute, taken.schemas, taken.tables, record.column_lineage,
            seed=seed, rounds=rounds, name=asset.name, seconds=left.part(_OF_COLUMNS).seconds,
        )  # fmt: skip
    except LineageError as error:
        not_tried.append(f"columns: {error}")
    row_proof = verify_keys(
        asset, record, lake, sample=min(sample, _KEYED_ROWS), seed=seed, left=left.part(1)
    )
    request = Request(partitions=list(record.partitions) or None)
    read_proof = verify_reads(observed.watched(), lake, request, pinned=pinned) if reads else None
    without = () if row_proof else ("no proof of rows: the Python function names no keys of what it reads",)
    ran, unseen = observed.proof()
    not_tried += unseen
    return AssetProof(
        asset.name, record.version, columns, row_proof, read_proof, tuple(not_tried), without, ran
    )


def sampled(asset: AssetCode, lake: Lake, pinned: Mapping[str, int], rows: int, seed: int = 0) -> AssetSample:
    """The statement of an asset, and samples of the tables and files that it reads.

    Raises:
        ExperimentError: the asset's code returns no SELECT.
    """
    with lake.connect(asset.opens, keeps_order=True) as connection:
        inputs = Inputs(lake, connection, asset.name, (*asset.upstream, *asset.looks_at), pinned)
        with lake.reading(), guarded(asset.name, code=asset.compute, inputs=inputs):
            output = asset.compute(inputs, Request())
        if not isinstance(output, Output) or not isinstance(output.data, Query):
            raise ExperimentError(
                f"The code of {asset.name} is not a SELECT.",
                expected="an asset of sql_code, or one that returns a Query",
                where=asset.code.origin,
                advice="give verify_columns its function over frames",
            )
        text = SqlText(output.data.sql, asset.code.origin)
        relations = {table: quote(table) for table in text.tables}
        named: dict[Any, str] = {}
        for place, call in enumerate(text.scans):
            name = f"files_{place}"
            relations[name] = text.text[call.start : call.end]
            named[call] = f"{name} AS {quote(call.alias)}" if call.alias else name
        with lake.reading():
            schemas, tables = joined_sample(connection, relations, rows, seed)
        for table in inputs.versions():
            inputs.version(table)  # the rows are chosen by all of their columns
    return AssetSample(replaced(text.text, named), output.data.parameters, schemas, tables, inputs.reads)
