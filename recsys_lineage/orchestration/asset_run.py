"""One run of one asset inside a Dagster step: the core does the work, and its Outcome becomes Dagster's events."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import dagster as dg

from recsys_lineage.assets.asset_code import (
    CONTINUE_TAG,
    RENAMED_TAG,
    REUSE_TAG,
    AssetCode,
    Output,
    Request,
)
from recsys_lineage.assets.materialize import Outcome, attempt
from recsys_lineage.assets.reading.guarded_functions import guarded_function
from recsys_lineage.assets.vocabulary import Vocabulary
from recsys_lineage.interruption import INTERRUPTIONS
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.orchestration.dagster_failure import dagster_failure, interrupted
from recsys_lineage.orchestration.dagster_internals import (
    events_at_once,
    partition_keys_of,
    version_tags,
    without_automatic_event,
)
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.metadata.event_metadata import (
    check_result,
    event_metadata,
    partition_metadata,
)
from recsys_lineage.orchestration.metadata.stored_metadata import stored_metadata
from recsys_lineage.orchestration.run_of import run_of
from recsys_lineage.orchestration.sqlite_events import many_events
from recsys_lineage.progress import Progress, listening
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.records import Records

Event = dg.MaterializeResult[Any] | dg.AssetCheckResult
Shown = Callable[[Records], Mapping[str, Any]]
"""Function that returns further metadata for the asset's page than the run's record; see `AssetLook`."""

SECONDS_BETWEEN_LOG_LINES = 2.0
"""Seconds between two lines of one step's progress: long fits report each epoch, and Dagster stores each line."""
INTERRUPTIONS.add(dg.DagsterExecutionInterruptedError)
_COUNTS_OF_STEPS = range(1_000)
"""Integers allowed in a line of progress, which count steps."""


class AssetRun:
    """One run of one asset inside a Dagster step."""

    def __init__(
        self, context: dg.AssetExecutionContext, asset: AssetCode, shown: Shown | None = None
    ) -> None:
        self._resource: LakeResource = context.resources.lake
        self._context, self._asset, self._shown = context, asset, shown
        self._vocabulary = Vocabulary(asset)
        self._logged = 0.0

    def events(self) -> Iterator[Event]:
        """Run the asset; yields its check results and its result.

        Raises:
            dagster.Failure: the code, the write or a blocking check failed. No part of the new version is visible then,
                and the failure is recorded. Only transient errors may be retried.
        """
        context, asset, resource = self._context, self._asset, self._resource
        tags = context.run.tags
        request = Request(
            partitions=partition_keys_of(context),
            reuse=tags.get(REUSE_TAG) == "true",
            continues=tags.get(CONTINUE_TAG) == "true",
            renamed=tags.get(RENAMED_TAG) == "true",
            options=context.op_execution_context.op_config or {},
            work=resource.work_of(asset.name),
        )
        outcome: Outcome | None = None
        with suppress(*INTERRUPTIONS), listening(self._log_step):
            outcome = attempt(
                asset,
                resource.lake(),
                request,
                run=run_of(context, resource.code_location),
                git=resource.git(),
                keys=_keys(context),
            )
        # No failure is raised where its cause is handled: Dagster stores that too, and its message may quote a row.
        if outcome is None:
            # Dagster would begin an interrupted step again where it has a retry policy.
            run = context.instance.get_run_by_id(context.run.run_id)
            if run is not None and run.status == dg.DagsterRunStatus.STARTED:
                context.instance.report_run_canceling(run)
            raise interrupted(asset.name)
        if outcome.reason:
            context.log.info(f"{asset.name}: {outcome.reason}")
        for warning in outcome.warnings:
            context.log.warning(f"{asset.name}: {warning}")
        key = context.asset_key
        for check in outcome.record.checks:
            yield check_result(key, check)
        if outcome.error is not None:
            assert outcome.record.failure is not None
            raise dagster_failure(asset.name, outcome.error, outcome.record.failure) from None
        yield self._result(key, outcome)

    def _log_step(self, moment: Progress) -> None:
        if moment.kind == "step" and moment.asset == self._asset.name:
            now = time.monotonic()
            if now - self._logged >= SECONDS_BETWEEN_LOG_LINES:
                self._logged = now
                text = self._vocabulary.plain(moment.text, _COUNTS_OF_STEPS)
                self._context.log.info(f"{moment.asset}: {text}")

    def _result(self, key: dg.AssetKey, outcome: Outcome) -> Event:
        record, version, output = outcome.record, outcome.version, outcome.output
        assert version is not None
        if output is not None and output.found_partitions is not None:
            name, keys = output.found_partitions
            self._context.instance.add_dynamic_partitions(name, list(keys))
        uri = self._resource.lake().table_uri(version.table)
        metadata = event_metadata(record, version, uri, self._asset.column_descriptions)
        metadata["reused"] = output is None
        if version.partition_column is not None:
            self._report_partitions(key, record, version, output, metadata)
            return without_automatic_event(key)
        return dg.MaterializeResult(
            asset_key=key,
            metadata=self._ordered(metadata, self._made(outcome)),
            data_version=dg.DataVersion(version.fingerprint),
            tags={"lineage/record": record.kept or record.id, "lineage/version": str(version.version)},
        )

    def _made(self, outcome: Outcome) -> dict[str, Any]:
        """Metadata of the run itself, with possible cells of a table masked."""
        made: dict[str, Any] = {}
        for name, value in (outcome.output.metadata if outcome.output else {}).items():
            try:
                made[str(outcome.plain(name))] = stored_metadata(value, outcome.plain)
            except Exception as error:  # the version is committed: a picture of it must not fail the run
                failure = Failure.of(error)
                self._context.log.warning(
                    f"the metadata of {self._asset.name} is incomplete: {failure.type}: {failure.message}"
                )
        return made

    def _ordered(self, metadata: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
        """Metadata over many runs and of the run itself, followed by the metadata of every asset."""
        shown: Mapping[str, Any] = {}
        if self._shown is not None:
            try:
                shown = guarded_function(self._asset.name, self._shown)(Records(self._resource.lake()))
            except Exception as error:  # the version is committed: a picture of it must not fail the run
                failure = Failure.of(error)
                self._context.log.warning(
                    f"the metadata of {self._asset.name} is incomplete: {failure.type}: {failure.message}"
                )
        return {**shown, **made, **metadata, **made, **shown}

    def _report_partitions(
        self,
        key: dg.AssetKey,
        record: Materialization,
        version: TableVersion,
        output: Output | None,
        of_run: Mapping[str, Any],
    ) -> None:
        """Report one event for each partition written, and for partitions of an earlier run that died before reporting.

        The last one, which Dagster shows as the asset's latest, also has the metadata of the whole run. If there is no
        partition yet, an observation has it, so that the page shows columns and the reason why there is nothing else.
        """
        known = self._context.instance.get_materialized_partitions(key)
        written = set(output.partitions or version.partitions) if output else set()
        failed = output.failures if output else {}
        made_of = _reads_by_partition(record, output.partition_files if output else {})
        inputs = {read.name: read.fingerprint for read in record.reads if read.kind == "table"}
        reported = sorted(
            p for p in version.partitions if p not in failed and (p in written or p not in known)
        )
        if not version.partitions:
            words = f"No {version.partition_column} yet: nothing that was read has a row of one."
            shown = {"partitions": words, **of_run}
            self._context.log_event(dg.AssetObservation(asset_key=key, description=words, metadata=shown))
        with many_events(), events_at_once(self._context.instance):
            for partition in reported:
                held = version.partitions[partition]
                metadata = partition_metadata(record, version, partition, made_of.get(partition))
                if partition == reported[-1]:
                    metadata = {**of_run, "reads of the run": of_run["reads"], **metadata}
                self._context.log_event(
                    dg.AssetMaterialization(
                        asset_key=key,
                        partition=partition,
                        metadata=metadata,
                        tags={
                            **version_tags(
                                data_version=held.fingerprint, code_version=record.code_version, inputs=inputs
                            ),
                            "lineage/record": record.kept or record.id,
                            "lineage/version": str(held.version),
                        },
                    )
                )


def _keys(context: dg.AssetExecutionContext) -> dict[str, str]:
    """Dagster's keys of the asset and of its upstream assets, by the names of their tables."""
    upstream = context.assets_def.asset_deps[context.asset_key]
    return {key.path[-1]: key.to_user_string() for key in (*upstream, context.asset_key)}


def _reads_by_partition(
    record: Materialization, files: Mapping[str, Collection[str]]
) -> dict[str, Iterator[Read]]:
    """Partition → its reads: those of tables, and those of its own files."""
    others: list[Read] = []
    by_file: dict[str, list[Read]] = {}
    for read in record.reads:
        (by_file.setdefault(read.name, []) if read.kind == "file" else others).append(read)
    return {
        partition: chain(others, *(by_file.get(name, ()) for name in names))
        for partition, names in files.items()
    }
