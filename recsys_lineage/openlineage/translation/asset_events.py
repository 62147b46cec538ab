"""The events of one record of an asset or a check; a pure function."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache

from recsys_lineage.openlineage.facets.amounts import (
    input_statistics_facet,
    input_subset_facet,
    output_statistics_facet,
    output_subset_facet,
)
from recsys_lineage.openlineage.facets.columns import column_lineage_facet
from recsys_lineage.openlineage.facets.described import job_facets, table_facets
from recsys_lineage.openlineage.facets.facet import Json, SharedJson, without_nothing
from recsys_lineage.openlineage.facets.jobs import code_facets, job_type_facet
from recsys_lineage.openlineage.facets.model import NAME as MODEL
from recsys_lineage.openlineage.facets.model import model_facet
from recsys_lineage.openlineage.facets.quality import assertions_facet, metrics_facet, tests_facet
from recsys_lineage.openlineage.facets.run_facets import (
    dependencies_facet,
    engine_facet,
    error_facet,
    iso_time,
    nominal_time_facet,
    parameters_facet,
    parent_facet,
    tags_facet,
)
from recsys_lineage.openlineage.facets.schema import described_schema_facet, schema_facet
from recsys_lineage.openlineage.facets.table_facets import (
    catalog_facet,
    datasource_facet,
    lifecycle_facet,
    storage_facet,
    symlinks_facet,
    type_facet,
    version_facet,
)
from recsys_lineage.openlineage.translation.event_json import Ending, dataset_event, job_object, run_event
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.read_datasets import ReadDataset, datasets_read
from recsys_lineage.openlineage.translation.run_ids import asset_run_id
from recsys_lineage.openlineage.translation.shared_values import Same
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run

_ENDINGS: dict[str, Ending] = {
    "success": "COMPLETE",
    "kept": "COMPLETE",
    "failed": "FAIL",
    "canceled": "ABORT",
}


def materialization_events(
    record: Materialization, options: EventOptions | None = None, *, parent: Run | None = None
) -> list[Json]:
    """The events of one record: START and its end, after the events of observed external datasets.

    Args:
        record: a record of an asset or of a check.
        options: the content of events that is not in records.
        parent: the facts about the orchestrator's run; those in the record when None.

    Returns:
        For an observation an event for each observed dataset; then START and one of COMPLETE, FAIL and ABORT.
        The inputs are those really read; there is an output only if a version was committed. A kept asset has no
        events, because nothing ran and a catalog would draw it without inputs; the orchestrator's run names it.
    """
    options = options or EventOptions()
    if record.status == "kept":
        return []
    inputs = datasets_read(record, options)
    job = _job(record, options)
    run_id = asset_run_id(record)
    read = [_input(each, record, options) for each in inputs]
    started = iso_time(record.started)
    ended = max(started, iso_time(record.ended), key=datetime.fromisoformat)
    facets = _start_facets(record, options, parent)
    start = run_event("START", started, run_id, facets, job, read)
    facets = {**facets, **_end_facets(record, inputs, options)}
    ending = _ENDINGS[record.status]
    end = run_event(ending, ended, run_id, facets, job, read, _outputs(record, inputs, options))
    seen = [_observation(each, ended) for each in inputs if each.table is None] if record.observed else []
    return [*seen, start, end]


def _job(record: Materialization, options: EventOptions) -> Json:
    tags = {"lineage/code_version": record.code_version}
    if record.git_dirty is not None:
        tags["git/dirty"] = "true" if record.git_dirty else "false"
    facets = {
        "jobType": job_type_facet(record.kind.upper()),
        **code_facets(record.code, record.git_commit, options),
        **job_facets(options.described(record.asset), tags),
    }
    return SharedJson(job_object(options.job_of(record), facets))


def _start_facets(record: Materialization, options: EventOptions, parent: Run | None) -> Json:
    run = record.run
    written = record.written
    personal = written is not None and written.partition_column in record.column_tags
    return without_nothing(
        parent=None if run.run_id is None else parent_facet(run.run_id, parent or run, options),
        nominalTime=nominal_time_facet(() if personal else record.partitions, run.scheduled),
        processing_engine=engine_facet(record),
        executionParameters=parameters_facet(record.parameters),
    )


def _end_facets(record: Materialization, inputs: Sequence[ReadDataset], options: EventOptions) -> Json:
    tags = {"lineage/record": record.id, "lineage/status": record.status}
    if record.run.retry:
        tags["lineage/retry"] = str(record.run.retry)
    read = {each.table for each in inputs}
    unread = [options.asset_job(name, record.run) for name in record.declared if name not in read]
    return without_nothing(
        errorMessage=None if record.failure is None else error_facet(record.failure),
        jobDependencies=dependencies_facet(unread),
        tags=tags_facet(tags),
        test=tests_facet(record.checks),
    )


def _input(dataset: ReadDataset, record: Materialization, options: EventOptions) -> Json:
    facets = _input_facets(Same(dataset.columns), dataset.version, dataset.table, dataset.place, options.jobs)
    checks = record.checks if record.kind == "check" and dataset.table == record.asset else ()
    return SharedJson(
        namespace=dataset.name.namespace,
        name=dataset.name.name,
        facets=facets,
        inputFacets=without_nothing(
            inputStatistics=input_statistics_facet(dataset),
            subset=input_subset_facet(dataset),
            dataQualityAssertions=assertions_facet(checks, _names(record)) if checks else None,
        ),
    )


@lru_cache(maxsize=4096)
def _input_facets(columns: Same, version: str | None, table: str | None, place: str, namespace: str) -> Json:
    """Facets of the inputs, cached because many records read the same version."""
    return SharedJson(
        without_nothing(
            schema=schema_facet(columns.value) if columns.value else None,
            version=None if version is None else version_facet(version),
            symlinks=None if table is None else symlinks_facet(namespace, table),
            dataSource=datasource_facet(place) if place else None,
            datasetType=type_facet("FILE") if table is None else None,
        )
    )


def _outputs(record: Materialization, inputs: Sequence[ReadDataset], options: EventOptions) -> list[Json]:
    """The version that was committed; nothing if there is none, as in a failed run."""
    if record.status != "success" or record.version is None or record.kind == "check":
        return []
    lake, columns = options.lake_of(record), _names(record)
    described = options.described(record.asset)
    model = model_facet(record, options)
    lineage = column_lineage_facet(record.column_lineage, record.schema, inputs)
    facets = without_nothing(
        schema=described_schema_facet(record.schema, described.columns) if record.schema else None,
        columnLineage=lineage,
        version=version_facet(str(record.version)),
        symlinks=symlinks_facet(options.jobs, record.asset),
        dataSource=datasource_facet(lake),
        storage=storage_facet(),
        catalog=catalog_facet(options.jobs, lake),
        datasetType=type_facet("TABLE" if model is None else "MODEL"),
        lifecycleStateChange=lifecycle_facet("OVERWRITE" if record.version else "CREATE"),
        dataQualityMetrics=metrics_facet(record),
        **table_facets(described, record.column_tags),
        **{MODEL: model},
    )
    output = {
        **options.table(lake, record.asset)._asdict(),
        "facets": facets,
        "outputFacets": without_nothing(
            outputStatistics=output_statistics_facet(record),
            subset=output_subset_facet(record),
            dataQualityAssertions=assertions_facet(record.checks, columns),
        ),
    }
    return [output]


def _observation(dataset: ReadDataset, moment: str) -> Json:
    facets = _input_facets(Same(dataset.columns), dataset.version, None, dataset.place, "")
    return dataset_event(moment, {**dataset.name._asdict(), "facets": facets})


def _names(record: Materialization) -> Collection[str]:
    return {column.name for column in record.schema}
