"""Attempt: one run of one asset, from what it observes to its record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast

import duckdb
import polars as pl

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request, Unchanged
from recsys_lineage.assets.attempts.attempt_record import AttemptRecord
from recsys_lineage.assets.attempts.left_record import committed_record, leave, written_record
from recsys_lineage.assets.blocks import store_blocks
from recsys_lineage.assets.checks import run_checks
from recsys_lineage.assets.columns.column_origins import origins_of
from recsys_lineage.assets.columns.people_check import PeopleCheck
from recsys_lineage.assets.columns.tagged_columns import ADVICE as UNCLEARED
from recsys_lineage.assets.columns.tagged_columns import CHECK as CLEARANCE
from recsys_lineage.assets.outcome import BlockingCheckFailed, Outcome
from recsys_lineage.assets.output_frame import register_frame
from recsys_lineage.assets.reading.file_guard import FileGuard
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.held_files import check_held
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.libraries.duckdb_connections import frames_alone
from recsys_lineage.assets.reading.libraries.lazy_frames import check_frame
from recsys_lineage.assets.reading.noted_query import note_query
from recsys_lineage.assets.table_owner import check_owners, former_key
from recsys_lineage.assets.vocabulary import Vocabulary
from recsys_lineage.error_text import words_of
from recsys_lineage.errors import LineageError
from recsys_lineage.interruption import exit_step, is_interruption, stop_is_requested
from recsys_lineage.lake.commits.draft import Draft
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.progress import Progress, tell
from recsys_lineage.records.materialization import Materialization, Statement, Status
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.failure import LEFT_OUT
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.parts.seen import days_in
from recsys_lineage.records.records import Records
from recsys_lineage.records.staleness import why_stale
from recsys_lineage.sql.written_sql import OF_A_VALUE, value_not_stored

_FRAME = "_output_frame"
_Made = TypeVar("_Made", bound="Output | Unchanged | None")


class Attempt:
    """The state of one attempt."""

    def __init__(
        self,
        asset: AssetCode,
        lake: Lake,
        request: Request,
        run: Run,
        git: tuple[str | None, bool | None],
        into: Lake | None,
        pinned: Mapping[str, int],
        previous: Materialization | None,
        keys: Mapping[str, str],
    ) -> None:
        self._lake, self._into, self._pinned, self._keys = lake, into or lake, pinned, keys
        self._seen = AttemptRecord(asset, lake, replace(request, code_version=asset.code_version), run, git)
        self._records = Records(self._into)
        self._previous = previous
        self._is_own_lake = into is None
        self._reason: str | None = None
        self._to_commit: Materialization | None = None
        self._output: Output | None = None

    @property
    def _asset(self) -> AssetCode:
        return self._seen.asset

    def outcome(self) -> Outcome:
        """Run the asset. Only an interruption is raised, after it was recorded."""
        if stop_is_requested():
            raise KeyboardInterrupt
        tell(Progress(self._asset.name, "start"))
        try:
            with exit_step(self._interrupted):
                return self._made()
        except BaseException as error:
            if is_interruption(error):
                self._failed(error, "canceled")
                raise
            if stop_is_requested():  # DuckDB makes an error of its own of an interruption
                self._interrupted()
                raise KeyboardInterrupt from error
            return self._failed(error, "failed")

    def _interrupted(self) -> None:
        self._failed(KeyboardInterrupt("interrupted"), "canceled")

    def _made(self) -> Outcome:
        known = self._asset
        request = self._seen.request
        asset = self._seen.asset = known.with_options(request.options)
        # options of what it is to do, which no version before did
        is_announced = asset is not known and known.remade is None
        request = self._seen.request = replace(request, code_version=asset.code_version)
        if self._is_own_lake:
            self._previous = self._records.latest(asset.name)
        check_owners(self._records, asset, self._keys, request)
        self._seen.observed = asset.observe() if asset.observe else None
        if request.reuse:
            self._reason = self._why_stale()
            if self._reason is None and request.partitions is None and not is_announced:
                return self._kept()
        also: list[str] = []
        if self._into is not self._lake:
            into = self._into.table_uri(asset.name)
            self._into.storage.make_folder(into)
            also.append(into)
        tables = {asset.name, *asset.upstream, *asset.looks_at, *self._pinned}
        with self._lake.connect([*asset.opens, *also], tables=tables) as connection:
            inputs = self._seen.inputs = Inputs(
                self._lake,
                connection,
                asset.name,
                (*asset.upstream, *asset.looks_at),
                self._pinned,
                self._previous,
            )
            # what the code hands back may be made only as it is written, so the guard stays until then
            with guarded(asset.name, [request.work], inputs=inputs, packages=asset.package_files) as guard:
                output = self._output_of(asset.compute, guard, connection, inputs, request)
                if isinstance(output, Unchanged):
                    return self._kept()
                record, version, output = self._written(guard, connection, inputs, output)
                whole = [*output.warnings, *self._seen.why_columns_are_unknown(whole=True)]
        stored = [
            *self._seen.plain(list(output.warnings), output),
            *self._seen.why_columns_are_unknown(),
        ]
        for warning, recorded in zip(whole, stored, strict=True):
            if warning != recorded:
                tell(Progress(asset.name, "note", warning))
        warnings = [*stored, *leave(self._records, record)]
        tell(Progress(asset.name, "done", rows=version.rows, seconds=record.seconds))
        return Outcome(
            record, version, output, self._reason, warnings=tuple(warnings),
            plain=lambda value: self._seen.plain(value, output),
        )  # fmt: skip

    def _output_of(
        self,
        code: Callable[..., _Made],
        guard: FileGuard,
        connection: duckdb.DuckDBPyConnection,
        *arguments: object,
    ) -> _Made:
        """Result of a function of the asset's code, which opens only what the record names; its blocks too."""
        asset = self._asset
        check_held(guard, code)
        with self._lake.reading(), frames_alone(guard):
            output = code(*arguments)
            if isinstance(output, Output):  # warnings may be made as they are asked for
                output = cast(_Made, replace(output, warnings=tuple(output.warnings)))
            if isinstance(output, Output) and isinstance(output.data, pl.LazyFrame):
                # asked of the asset, not of lineage, whose frames are all that there are by now
                check_frame(replace(guard, frame=sys._getframe()), output.data)
            if isinstance(output, Output) and isinstance(output.data, Iterator):
                store_blocks(connection, _FRAME, output.data, asset.name, asset.code.origin)
        return output

    def _why_stale(self) -> str | None:
        asset = self._asset
        if (former := former_key(self._previous, self._seen.run)) is not None:
            return f"its key was {former}"
        return why_stale(
            self._records,
            asset.name,
            code_version=asset.code_version,
            upstream=asset.upstream,
            observed=self._seen.observed,
            takes=asset.takes,
            parameters=asset.parameters,
            due=self._due if asset.due is not None else None,
            checks=asset.check_versions,
        )

    def _due(self, record: Materialization) -> str | None:
        """The reason that the asset names, without what could be a value, because logs keep it."""
        reason = None if self._asset.due is None else self._asset.due(record)
        return (
            None if reason is None else Vocabulary(self._asset, names=days_in(str(reason))).plain(str(reason))
        )

    def _written(
        self, guard: FileGuard, connection: duckdb.DuckDBPyConnection, inputs: Inputs, output: Output
    ) -> tuple[Materialization, TableVersion, Output]:
        """Write an output, or its alternative where DuckDB stops; returns what was written."""
        with explaining(output.data.explain if isinstance(output.data, Query) else value_not_stored):
            try:
                return *self._write(connection, inputs, output), output
            except OF_A_VALUE as error:
                if output.otherwise is None:
                    raise
                other = self._output_of(output.otherwise, guard, connection, error)
                if other is None:
                    raise
            return *self._write(connection, inputs, other), other

    def _write(
        self, connection: duckdb.DuckDBPyConnection, inputs: Inputs, output: Output
    ) -> tuple[Materialization, TableVersion]:
        if isinstance(output.data, Query):
            query = output.data
            if self._asset.code.kind != "sql":  # whose text was noted before
                note_query(inputs, query.sql, keeps_views=True)
            self._seen.statement = Statement(query.sql, dict(query.parameters), relations=inputs.relations)
        else:
            if not isinstance(output.data, Iterator):
                register_frame(connection, _FRAME, output.data, self._asset.name, self._asset.code.origin)
            query = Query(f"SELECT * FROM {_FRAME}")
        with self._into.draft(
            self._asset.name,
            query.sql,
            connection=connection,
            parameters=query.parameters,
            partition_by=output.partition_by,
            partitions=output.partitions,
        ) as draft:
            inputs.confirm_files()
            with self._lake.reading():
                self._seen.columns = origins_of(self._asset, self._lake, inputs, output, draft.schema)
            self._check_keys(inputs, draft)
            self._check(connection, inputs, draft, output)

            def record(version: TableVersion) -> dict[str, Any]:
                self._output, self._to_commit = output, self._seen.success(output, version)
                return written_record(self._to_commit)

            version = draft.commit(record)
            assert self._to_commit is not None
            return self._to_commit, version

    def _check_keys(self, inputs: Inputs, draft: Draft) -> None:
        """Check the asset's keys against the columns of the tables that it may read and of their models' training
        data."""
        keys = self._asset.keys
        tables: dict[str, Collection[str] | None] = dict.fromkeys(self._asset.upstream)
        tables |= {name: list(types) for name, types in inputs.schemas().items() if name in tables}
        if keys.of_tables.keys() - tables.keys():
            models = map(self._seen.record_of, inputs.reads)
            fitted = {data.table: None for model in models if model is not None for data in model.trained_on}
            tables = {**fitted, **tables}
        keys.check([column.name for column in draft.schema], tables, self._asset.code.origin)

    def _check(
        self, connection: duckdb.DuckDBPyConnection, inputs: Inputs, draft: Draft, output: Output
    ) -> None:
        checks = self._seen.checks
        checks += self._seen.columns.checks
        columns = [column.name for column in draft.schema]
        vocabulary = self._seen.know_words(inputs, output, columns)

        def plain(outcome: CheckOutcome) -> CheckOutcome:
            masked = vocabulary.outcome(outcome)
            if masked.found != outcome.found:
                tell(Progress(self._asset.name, "note", outcome.found))
            return masked

        with inputs.reading_for("check"):
            others = [check for check in self._asset.checks if not isinstance(check, PeopleCheck)]
            for outcome in run_checks(others, inputs, connection, draft, plain):
                checks.append(outcome)
        failed = [outcome for outcome in checks if outcome.blocking and not outcome.passed]
        if failed:
            raise BlockingCheckFailed(
                f"{self._asset.name} was not committed: {'; '.join(o.found for o in failed)}.",
                expected="every blocking check to pass",
                found=", ".join(outcome.name for outcome in failed),
                where=", ".join(place for outcome in failed for place in outcome.where) or self._asset.name,
                advice=UNCLEARED
                if [outcome.name for outcome in failed] == [CLEARANCE]
                else "look at the rows that break the rule, fix the data or the code, and materialize again; "
                "readers still see the previous version",
            )

    def _kept(self) -> Outcome:
        """Outcome where the previous version still holds; the record is a line that names the record of that
        version."""
        before = self._previous
        assert before is not None, "only a version can be kept"
        version = self._lake.version(before.asset, before.version)
        record = self._seen.kept(before)
        warnings = leave(self._records, record)
        tell(Progress(self._asset.name, "kept", rows=before.rows))
        declared = {CLEARANCE, *(check.name for check in self._asset.checks)}
        checks = tuple(outcome for outcome in before.checks if outcome.name in declared)
        return Outcome(
            replace(record, checks=checks, statistics=before.statistics),
            version,
            None,
            "unchanged, kept as it is",
            warnings=warnings,
        )

    def _written_all_the_same(self, record: Materialization, error: BaseException) -> Outcome:
        """Outcome where something failed after the version was committed: the version holds."""
        asset = self._asset
        failure = self._seen.failure(error)
        later = f"{asset.name} was written, and what came after it failed: {failure.type}: {failure.message}"
        warnings = (later, *leave(self._records, record))
        version = self._into.version(record.asset, record.version)
        tell(Progress(asset.name, "done", rows=version.rows, seconds=record.seconds))
        return Outcome(
            record, version, self._output, self._reason, warnings=warnings,
            plain=lambda value: LEFT_OUT if self._output is None else self._seen.plain(value, self._output),
        )  # fmt: skip

    def _failed(self, error: BaseException, status: Status) -> Outcome:
        if (written := committed_record(self._records, self._to_commit)) is not None:
            return self._written_all_the_same(written, error)
        record = self._seen.failed(error, status)
        warnings = leave(self._records, record)
        tell(Progress(self._asset.name, "failed", words_of(error)))
        return Outcome(record, error=error, reason=self._reason, warnings=warnings)


@contextmanager
def explaining(explain: Callable[[Exception], LineageError | None] | None) -> Iterator[None]:
    """Inside the block, translate an error of DuckDB for the author of the code, where its meaning is known."""
    try:
        yield
    except duckdb.Error as error:
        meant = explain(error) if explain is not None else None
        if meant is None:
            raise
        raise meant from meant.__cause__
