"""AttemptRecord: what an attempt has observed so far, and the records that can be made of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import chain
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode, Output, Request
from recsys_lineage.assets.attempts.written_version import written_version
from recsys_lineage.assets.columns.column_origins import ColumnOrigins
from recsys_lineage.assets.json_values import numbers_of
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.vocabulary import Vocabulary
from recsys_lineage.error_text import words_of
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import FORMAT, Materialization, Statement, Status
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.engine_versions import engine_versions
from recsys_lineage.records.parts.failure import Failure, message_about_made_text
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.parts.seen import as_seen, is_day
from recsys_lineage.records.records import Records


@dataclass
class AttemptRecord:
    """The observations of one attempt. Whatever ends it, its record has the same id, so there is one.

    Attributes:
        asset: the asset, with the options of this request once they are known.
        lake: the lake that is read.
        request: what is to be made.
        run: the orchestrator's facts about the run.
        git: the commit of the code, and whether its checkout had uncommitted changes.
        id: the id of the record.
        started: when the attempt began.
        observed: what `observe` of the asset returned.
        inputs: the reads so far; None before the first one is possible.
        statement: the statement given to the engine; None where the asset's code returns rows.
        checks: the outcomes of checks so far.
        columns: the column lineage of the output.
        vocabulary: the texts that may be stored; None until the columns of the output are known.
    """

    asset: AssetCode
    lake: Lake
    request: Request
    run: Run
    git: tuple[str | None, bool | None]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    observed: str | None = None
    inputs: Inputs | None = None
    statement: Statement | None = None
    checks: list[CheckOutcome] = field(default_factory=list)
    columns: ColumnOrigins = field(default_factory=ColumnOrigins)
    vocabulary: Vocabulary | None = None

    # --- records -------------------------------------------------------------------------------------------

    def success(self, output: Output, version: TableVersion) -> Materialization:
        """The record of a version that is about to be committed."""
        return replace(
            self._record("success"),
            partitions=tuple(output.partitions or ()),
            version=version.version,
            fingerprint=version.fingerprint,
            rows=version.rows,
            schema=version.schema,
            column_lineage=self.columns.lineage,
            column_tags={column: tuple(map(str, tags)) for column, tags in self.columns.tags.items()},
            statistics=self.plain(output.statistics, output),
            takes=as_seen(output.takes, self._seen_names),
            trained_on=tuple(map(self.vocabulary.training_data, output.trained_on))
            if self.vocabulary
            else (),
            written=written_version(version, output, self.plain(output.failures, output)),
        )

    def kept(self, before: Materialization) -> Materialization:
        """A line that names the record of the version that is kept."""
        return replace(
            self._record("kept"),
            reads=(),
            version=before.version,
            fingerprint=before.fingerprint,
            rows=before.rows,
            kept=before.id,
        )

    def failed(self, error: BaseException, status: Status) -> Materialization:
        """The record of an attempt that committed nothing."""
        return replace(self._record(status), failure=self.failure(error))

    def failure(self, error: BaseException) -> Failure:
        """An error as a record keeps it, without values."""
        return Failure.of(error, self.asset.code.text, self._names_known())

    def _record(self, status: Status) -> Materialization:
        asset, (commit, dirty) = self.asset, self.git
        return Materialization(
            id=self.id,
            asset=asset.name,
            partitions=tuple(self.request.partitions or ()),
            status=status,
            started=self.started,
            ended=datetime.now(timezone.utc),
            code_version=asset.code_version,
            code=asset.code,
            reads=self.inputs.reads if self.inputs is not None else (),
            declared=tuple(asset.upstream),
            parameters=dict(asset.parameters),
            observed=as_seen(self.observed, self._seen_names),
            continued=self.request.continues,
            statement=self._recorded_statement(),
            keys=asset.keys.shared,
            keys_of=asset.keys.of_tables,
            checks=tuple(self.checks),
            run=self.run,
            lake=self.lake.uri,
            engine=engine_versions(),
            git_commit=commit,
            git_dirty=dirty,
            format=FORMAT,
        )

    def _recorded_statement(self) -> Statement | None:
        """The statement given to the engine, as the record keeps it."""
        if self.statement is None:
            return None
        days = self.request.partitions or ()
        words = self.vocabulary or Vocabulary(self.asset, self.inputs, (), chain(days, self.lake.tables()))
        return words.recorded_statement(self.statement)

    @property
    def _seen_names(self) -> set[str]:
        return {self.asset.name, *self.asset.upstream}

    # --- texts that may be stored --------------------------------------------------------------------------

    def know_words(self, inputs: Inputs, output: Output, columns: Sequence[str]) -> Vocabulary:
        """Set and return the texts that this attempt may store, now that its output is known."""
        partitions = {*(output.partitions or ()), *(self.request.partitions or ())}
        if output.partition_by is not None:
            partitions |= {*output.failures}
        if output.found_partitions is not None:
            name, keys = output.found_partitions
            partitions |= {name, *(key for key in keys if output.partition_by is not None or is_day(key))}
        read = (record for each in inputs.reads if (record := self.record_of(each)) is not None)
        self.vocabulary = Vocabulary(
            self.asset, inputs, read, chain(columns, partitions, self._tables_of_lake())
        )
        return self.vocabulary

    def _tables_of_lake(self) -> Iterable[str]:
        """The lake's tables, looked up only if a text needs them."""
        yield from self.lake.tables()

    def record_of(self, read: Read) -> Materialization | None:
        """The record of a table's version that was read; None where no asset made it, and of a file."""
        if read.kind != "table":
            return None
        try:
            return Records(self.lake).get(read.name, read.version)
        except LineageError:
            return None

    def plain(self, value: Any, output: Output) -> Any:
        """Mask every text of an output that could be a cell of a table."""
        assert self.vocabulary is not None, "a draft is checked before it is told of"
        counts = [dict(check.counts) for check in self.checks]
        return self.vocabulary.plain(value, {*numbers_of([dict(output.statistics), counts])})

    def why_columns_are_unknown(self, *, whole: bool = False) -> list[str]:
        """A warning if the column lineage could not be derived; unless it is wanted whole, without values."""
        asset, fault = self.asset, self.columns.fault
        if fault is None:
            return []
        is_about_code = asset.code.kind == "sql" and isinstance(fault, LineageError)
        text = (
            words_of(fault)
            if whole or is_about_code
            else message_about_made_text(fault, asset.code.text, self._names_known())
        )
        return [f"The column lineage of {asset.name} is not known: {text}"]

    def _names_known(self) -> set[str]:
        """Names that an error's message may contain: of tables, columns, parameters, and where tables and code are."""
        asset = self.asset
        reads = self.inputs.reads if self.inputs is not None else ()
        columns = {column.name for read in reads for column in read.schema}
        try:
            tables = {*self.lake.tables()}
        except Exception:  # a lake that is out of reach must not hide the failure itself
            tables = set()
        places = {*re.findall(r"\w+", f"{self.lake.uri} {asset.code.origin}")}
        return {*columns, asset.name, *asset.upstream, *asset.parameters, *asset.options, *tables, *places}
