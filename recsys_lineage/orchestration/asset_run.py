"""One run of one asset: observe the reads, write a draft, check it, commit it with its record, tell Dagster."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from recsys_lineage.assets.asset_code import (
    CONTINUE_TAG,
    REUSE_TAG,
    AssetCode,
    Compute,
    Output,
    Query,
    Request,
    Unchanged,
)
from recsys_lineage.assets.file_guard import guarded
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.draft import Draft
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.table_version import TableVersion
from recsys_lineage.orchestration.dagster_internals import (
    partition_keys_of,
    version_tags,
    without_automatic_event,
)
from recsys_lineage.orchestration.event_metadata import check_result, event_metadata
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.sqlite_events import many_events
from recsys_lineage.orchestration.transient import is_transient
from recsys_lineage.progress import Progress, listening, tell
from recsys_lineage.records.materialization import CheckOutcome, Materialization
from recsys_lineage.records.records import Records
from recsys_lineage.records.staleness import why_stale

Event = dg.MaterializeResult[Any] | dg.AssetCheckResult

SECONDS_BETWEEN_LOG_LINES = 2.0
"""Of one step's progress; long fits tell of each epoch, and each line is written to Dagster's storage."""
_RUN_TAGS = {
    "schedule": "dagster/schedule_name",
    "sensor": "dagster/sensor_name",
    "tick": "dagster/tick",
    "backfill": "dagster/backfill",
    "parent_run": "dagster/parent_run_id",
    "root_run": "dagster/root_run_id",
}


class BlockingCheckFailed(LineageError):
    """A blocking check found the new version wrong; it was not committed."""


class AssetRun:
    """One run of one asset inside a Dagster step."""

    def __init__(self, context: dg.AssetExecutionContext, asset: AssetCode, compute: Compute) -> None:
        resource: LakeResource = context.resources.lake
        self._context, self._asset, self._compute = context, asset, compute
        self._lake: Lake = resource.lake()
        self._records = Records(self._lake)
        self._git_commit = resource.git_commit or None
        self._started = datetime.now(timezone.utc)
        self._outcomes: list[CheckOutcome] = []
        self._work = resource.work_of(asset.name)
        self._logged = 0.0

    def events(self) -> Iterator[Event]:
        """Run the asset; yields its check results and its result.

        Raises:
            dagster.Failure: when the code, the write or a blocking check failed. Nothing of the new version is
                visible then, and the failure is recorded. Only transient errors may be retried.
        """
        try:
            with listening(self._log_step):
                yield from self._events()
        except Exception as error:
            tell(Progress(self._asset.name, "failed", str(error)))
            raise _failure(self._asset.name, error) from error

    def _events(self) -> Iterator[Event]:
        key = self._context.asset_key
        tell(Progress(self._asset.name, "start"))
        reuse, continues = (self._context.run.tags.get(tag) == "true" for tag in (REUSE_TAG, CONTINUE_TAG))
        request = Request(
            partition_keys_of(self._context),
            self._records.latest(self._asset.name),
            reuse,
            continues=continues,
            code_version=self._asset.code_version,
            work=self._work,
        )
        observed = self._asset.observe() if self._asset.observe else None
        if reuse and request.partitions is None and self._is_current(observed):
            yield from self._reused(key, request.previous)
            return
        with self._lake.connect(self._asset.opens) as connection:
            inputs = Inputs(
                self._lake, connection, self._asset.name, self._asset.upstream, own_version(request)
            )
            try:
                with guarded(self._asset.name, [self._work]):
                    output = self._compute(inputs, request)
                if isinstance(output, Unchanged):
                    yield from self._reused(key, request.previous)
                    return
                record, version = self._write(inputs, output, observed)
            except Exception as error:
                yield from self._check_results(key)
                self._record_failure(inputs, request, error)
                raise
        for warning in output.warnings:
            self._context.log.warning(f"{self._asset.name}: {warning}")
        self._records.append([record])
        if output.found_partitions is not None:
            name, keys = output.found_partitions
            self._context.instance.add_dynamic_partitions(name, list(keys))
        tell(Progress(self._asset.name, "done", rows=version.rows, seconds=record.seconds))
        yield from self._check_results(key)
        yield self._result(key, record, version, output)

    def _log_step(self, moment: Progress) -> None:
        if moment.kind == "step" and moment.asset == self._asset.name:
            now = time.monotonic()
            if now - self._logged >= SECONDS_BETWEEN_LOG_LINES:
                self._logged = now
                self._context.log.info(f"{moment.asset}: {moment.text}")

    def _is_current(self, observed: str | None) -> bool:
        reason = why_stale(
            self._records,
            self._asset.name,
            code_version=self._asset.code_version,
            upstream=self._asset.upstream,
            observed=observed,
            takes=self._asset.takes,
        )
        self._context.log.info(f"{self._asset.name}: {reason or 'unchanged, kept as it is'}")
        return reason is None

    def _write(
        self, inputs: Inputs, output: Output, observed: str | None
    ) -> tuple[Materialization, TableVersion]:
        if isinstance(output.data, Query):
            sql, parameters = output.data.sql, output.data.parameters
        else:
            inputs.connection.register("_output_frame", output.data)
            sql, parameters = "SELECT * FROM _output_frame", {}
        with self._lake.draft(
            self._asset.name,
            sql,
            connection=inputs.connection,
            parameters=parameters,
            partition_by=output.partition_by,
            partitions=output.partitions,
        ) as draft:
            inputs.confirm_files()
            self._check(inputs, draft)
            made: list[Materialization] = []

            def record(version: TableVersion) -> dict[str, Any]:
                made.append(self._record(inputs, output, version, observed))
                return made[-1].to_json()

            version = draft.commit(record)
            return made[-1], version

    def _check(self, inputs: Inputs, draft: Draft) -> None:
        for check in self._asset.checks:
            self._outcomes.append(check.run(inputs, draft.relation))
        failed = [outcome for outcome in self._outcomes if outcome.blocking and not outcome.passed]
        if failed:
            raise BlockingCheckFailed(
                f"{self._asset.name} was not committed: {'; '.join(o.found for o in failed)}.",
                expected="every blocking check to pass",
                found=", ".join(outcome.name for outcome in failed),
                where=self._asset.name,
                advice="look at the check's sample rows, mend the data or the code, and materialize again; "
                "readers still see the version before",
            )

    def _record(
        self, inputs: Inputs, output: Output, version: TableVersion, observed: str | None
    ) -> Materialization:
        statistics = dict(output.statistics)
        if observed is not None:
            statistics["observed"] = observed
        return Materialization(
            id=uuid.uuid4().hex,
            asset=self._asset.name,
            partitions=tuple(output.partitions or ()),
            status="success",
            started=self._started,
            ended=datetime.now(timezone.utc),
            code_version=self._asset.code_version,
            code=self._asset.code,
            reads=inputs.reads,
            version=version.version,
            fingerprint=version.fingerprint,
            rows=version.rows,
            schema=version.schema,
            parameters=self._asset.parameters,
            statistics=statistics,
            checks=tuple(self._outcomes),
            run=self._run(),
            git_commit=self._git_commit,
        )

    def _record_failure(self, inputs: Inputs, request: Request, error: Exception) -> None:
        record = Materialization(
            id=uuid.uuid4().hex,
            asset=self._asset.name,
            partitions=tuple(request.partitions or ()),
            status="failed",
            started=self._started,
            ended=datetime.now(timezone.utc),
            code_version=self._asset.code_version,
            code=self._asset.code,
            reads=inputs.reads,
            parameters=self._asset.parameters,
            checks=tuple(self._outcomes),
            run=self._run(),
            git_commit=self._git_commit,
            error=f"{type(error).__name__}: {error}",
        )
        try:
            self._records.append([record])
        except LineageError as second:  # a full disk: the first error is the one to show
            self._context.log.warning(f"The failure could not be recorded: {second}")

    def _run(self) -> dict[str, Any]:
        context = self._context
        known = {name: context.run.tags[tag] for name, tag in _RUN_TAGS.items() if tag in context.run.tags}
        return {
            "run_id": context.run.run_id,
            "job": context.run.job_name,
            "step": str(context.op_execution_context.op_handle),
            "retry": context.retry_number,
            **known,
        }

    def _check_results(self, key: dg.AssetKey) -> Iterator[dg.AssetCheckResult]:
        for outcome in self._outcomes:
            yield check_result(key, outcome, warn_only=not outcome.blocking)

    def _reused(self, key: dg.AssetKey, record: Materialization | None) -> Iterator[Event]:
        assert record is not None
        tell(Progress(self._asset.name, "kept", rows=record.rows))
        version = self._lake.version(self._asset.name, record.version)
        self._outcomes = list(record.checks)
        yield from self._check_results(key)
        yield self._result(key, record, version, None)

    def _result(
        self, key: dg.AssetKey, record: Materialization, version: TableVersion, output: Output | None
    ) -> Event:
        metadata = event_metadata(
            record, version, self._lake.table_uri(version.table), self._asset.column_descriptions
        )
        metadata["reused"] = output is None
        if version.partition_column is not None:
            self._tell_partitions(key, record, version, output)
            return without_automatic_event(key)
        return dg.MaterializeResult(
            asset_key=key,
            metadata={**metadata, **(output.metadata if output else {})},
            data_version=dg.DataVersion(version.fingerprint),
            tags={"lineage/record": record.id, "lineage/version": str(version.version)},
        )

    def _tell_partitions(
        self, key: dg.AssetKey, record: Materialization, version: TableVersion, output: Output | None
    ) -> None:
        """One event for each partition written, and for any that a run died before telling of."""
        known = self._context.instance.get_materialized_partitions(key)
        written = set(output.partitions or version.partitions) if output else set()
        failed = output.failures if output else {}
        inputs = {read.name: read.fingerprint for read in record.reads if read.kind == "table"}
        told = [p for p in version.partitions if p not in failed and (p in written or p not in known)]
        with many_events():
            for partition in sorted(told):
                held = version.partitions[partition]
                self._context.log_event(
                    dg.AssetMaterialization(
                        asset_key=key,
                        partition=partition,
                        metadata={
                            "dagster/partition_row_count": held.rows,
                            "version": held.version,
                            "fingerprint": held.fingerprint,
                            "record": record.id,
                        },
                        tags={
                            **version_tags(
                                data_version=held.fingerprint, code_version=record.code_version, inputs=inputs
                            ),
                            "lineage/record": record.id,
                            "lineage/version": str(held.version),
                        },
                    )
                )


def own_version(request: Request) -> dict[str, int]:
    """The asset's own version that a run may start from, as `Inputs` takes it."""
    previous = request.previous
    if not request.continues or previous is None or previous.version is None:
        return {}
    return {previous.asset: previous.version}


def _failure(asset: str, error: Exception) -> dg.Failure:
    if isinstance(error, dg.Failure):
        return error
    metadata: dict[str, Any] = {}
    if isinstance(error, LineageError):
        parts = (error.expected, error.found, error.where, error.advice)
        labels = ("expected", "found", "where", "what to do")
        metadata = {label: text for label, text in zip(labels, parts, strict=True) if text}
    return dg.Failure(description=f"{asset}: {error}", metadata=metadata, allow_retries=is_transient(error))
