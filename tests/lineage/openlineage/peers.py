"""Events as the integrations of Spark, Airflow and dbt send them: their facets, their names, their habits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

Event = dict[str, Any]
_FACETS = "https://openlineage.io/spec/facets"
_RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
SPARK = "https://github.com/OpenLineage/OpenLineage/tree/1.39.0/integration/spark"
AIRFLOW = "https://github.com/apache/airflow/tree/providers-openlineage/2.7.0"
DBT = "https://github.com/OpenLineage/OpenLineage/tree/1.39.0/integration/dbt"


def _facet(producer: str, url: str, **fields: Any) -> Event:
    return {"_producer": producer, "_schemaURL": url, **fields}


def _known(producer: str, path: str, **fields: Any) -> Event:
    name = path.partition("/")[2]
    return _facet(producer, f"{_FACETS}/{path}.json#/$defs/{name}", **fields)


def _schema(producer: str, columns: Sequence[str]) -> Event:
    return _known(
        producer, "1-1-1/SchemaDatasetFacet", fields=[{"name": name, "type": "string"} for name in columns]
    )


def _source(producer: str, namespace: str) -> Event:
    return _known(producer, "1-0-1/DatasourceDatasetFacet", name=namespace, uri=namespace)


def spark_write(
    run_id: str,
    begin: datetime,
    end: datetime,
    source: tuple[str, str],
    target: tuple[str, str],
    columns: Sequence[str],
) -> list[Event]:
    """A Spark job that writes a folder: START without columns of lineage, RUNNING, COMPLETE; times in UTC with a Z."""
    version = _facet(SPARK, "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet")
    run = {
        "runId": run_id,
        "facets": {
            "parent": _known(
                SPARK, "1-1-0/ParentRunFacet",
                run={"runId": "0197f44a-aaaa-7d9f-a2c1-96ebf920205d"}, job={"namespace": "etl", "name": "landing_job"},
            ),
            "processing_engine": _known(
                SPARK, "1-1-1/ProcessingEngineRunFacet",
                version="3.5.1", name="spark", openlineageAdapterVersion="1.39.0",
            ),
            "spark_properties": {**version, "properties": {"spark.master": "yarn", "spark.app.name": "landing job"}},
            "environment-properties": {**version, "environment-properties": {"user": "etl"}},
            "spark_applicationDetails": {**version, "master": "yarn", "applicationId": "application_1_1"},
        },
    }  # fmt: skip
    kind = _known(
        SPARK, "2-0-3/JobTypeJobFacet", processingType="BATCH", integration="SPARK", jobType="SQL_JOB"
    )
    job = {
        "namespace": "etl",
        "name": "landing_job.execute_insert_into_hadoop_fs_relation_command.shop",
        "facets": {"jobType": kind},
    }
    read = {
        "namespace": source[0], "name": source[1],
        "facets": {"dataSource": _source(SPARK, source[0]), "schema": _schema(SPARK, columns)}, "inputFacets": {},
    }  # fmt: skip
    fields = {
        name: {
            "inputFields": [
                {
                    "namespace": source[0], "name": source[1], "field": name,
                    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "description": "", "masking": False}],
                }
            ]
        }
        for name in columns
    }  # fmt: skip
    deciding = [
        {
            "namespace": source[0], "name": source[1], "field": columns[0],
            "transformations": [{"type": "INDIRECT", "subtype": "FILTER", "description": "", "masking": False}],
        }
    ]  # fmt: skip
    write = {
        "namespace": target[0], "name": target[1],
        "facets": {
            "dataSource": _source(SPARK, target[0]),
            "schema": _schema(SPARK, columns),
            "columnLineage": _known(SPARK, "1-2-0/ColumnLineageDatasetFacet", fields=fields, dataset=deciding),
            "lifecycleStateChange": _known(
                SPARK, "1-0-1/LifecycleStateChangeDatasetFacet", lifecycleStateChange="OVERWRITE"
            ),
        },
        "outputFacets": {
            "outputStatistics": _known(
                SPARK, "1-0-2/OutputStatisticsOutputDatasetFacet", rowCount=3, size=90, fileCount=1
            )
        },
    }  # fmt: skip
    base = {"producer": SPARK, "schemaURL": _RUN_EVENT, "run": run, "job": job}
    return [
        {
            **base,
            "eventTime": _z(begin),
            "eventType": "START",
            "inputs": [read],
            "outputs": [{**write, "outputFacets": {}}],
        },
        {**base, "eventTime": _z(end), "eventType": "RUNNING", "inputs": [], "outputs": []},
        {**base, "eventTime": _z(end), "eventType": "COMPLETE", "inputs": [read], "outputs": [write]},
    ]


def airflow_copy(
    run_id: str,
    begin: datetime,
    end: datetime,
    source: tuple[str, str],
    target: tuple[str, str],
    state: str = "COMPLETE",
) -> list[Event]:
    """A task that copies a table: facets of Airflow's own, datasets without facets, a failed one without outputs."""
    own = "https://raw.githubusercontent.com/apache/airflow/providers-openlineage/2.7.0/providers/openlineage/src/airflow"
    run = {
        "runId": run_id,
        "facets": {
            "airflow": _facet(
                AIRFLOW, f"{own}/AirflowRunFacet.json", dag={"dag_id": "publish"}, task={"task_id": "copy_shops"},
                taskInstance={"try_number": 1, "queued_dttm": None}, dagRun={"run_id": "scheduled__2026-11-06"},
                taskUuid="019a5b60-0000-7000-8000-0000000000aa",
            ),
            "nominalTime": _known(AIRFLOW, "1-0-1/NominalTimeRunFacet", nominalStartTime="2026-11-06T00:00:00+00:00"),
        },
    }  # fmt: skip
    job = {
        "namespace": "airflow", "name": "publish.copy_shops",
        "facets": {
            "jobType": _known(
                AIRFLOW, "2-0-3/JobTypeJobFacet", processingType="BATCH", integration="AIRFLOW", jobType="TASK"
            ),
            "ownership": _known(AIRFLOW, "1-0-1/OwnershipJobFacet", owners=[{"name": "airflow"}]),
        },
    }  # fmt: skip
    read, write = ({"namespace": each[0], "name": each[1], "facets": {}} for each in (source, target))
    base = {"producer": AIRFLOW, "schemaURL": _RUN_EVENT, "run": run, "job": job}
    start = {**base, "eventTime": begin.isoformat(), "eventType": "START", "inputs": [], "outputs": []}
    end_ = {**base, "eventTime": end.isoformat(), "eventType": state, "inputs": [read], "outputs": [write]}
    return [start, {**end_, "outputs": []} if state == "FAIL" else end_]


def dbt_model(
    run_id: str,
    begin: datetime,
    end: datetime,
    source: tuple[str, str],
    target: tuple[str, str],
    columns: Sequence[str],
) -> list[Event]:
    """A dbt model: both events made after the run, tests as assertions, lineage in its older words."""
    version = _facet(
        DBT,
        "https://github.com/OpenLineage/OpenLineage/tree/main/integration/common/dbt-version-run-facet.json",
        version="1.9",
    )
    run = {"runId": run_id, "facets": {"dbt_version": version}}
    kind = _known(DBT, "2-0-3/JobTypeJobFacet", processingType="BATCH", integration="DBT", jobType="MODEL")
    sql = _known(DBT, "1-0-1/SQLJobFacet", query="select * from shops")
    job = {"namespace": "dbt", "name": "shop.analytics.report", "facets": {"jobType": kind, "sql": sql}}
    assertions = [{"assertion": "not_null", "success": True, "column": columns[0]}]
    read = {
        "namespace": source[0], "name": source[1],
        "facets": {"dataSource": _source(DBT, source[0]), "schema": _schema(DBT, columns)},
        "inputFacets": {
            "dataQualityAssertions": _known(DBT, "1-0-1/DataQualityAssertionsDatasetFacet", assertions=assertions)
        },
    }  # fmt: skip
    fields = {
        name: {
            "inputFields": [{"namespace": source[0], "name": source[1], "field": name}],
            "transformationDescription": "", "transformationType": "MASKED" if name == columns[-1] else "IDENTITY",
        }
        for name in columns
    }  # fmt: skip
    write = {
        "namespace": target[0], "name": target[1],
        "facets": {
            "dataSource": _source(DBT, target[0]),
            "schema": _schema(DBT, columns),
            "documentation": _known(DBT, "1-0-0/DocumentationDatasetFacet", description="the report"),
            "columnLineage": _known(DBT, "1-0-1/ColumnLineageDatasetFacet", fields=fields),
        },
    }  # fmt: skip
    base = {
        "producer": DBT,
        "schemaURL": _RUN_EVENT,
        "run": run,
        "job": job,
        "inputs": [read],
        "outputs": [write],
    }
    return [
        {**base, "eventTime": _z(begin), "eventType": "START"},
        {**base, "eventTime": _z(end), "eventType": "COMPLETE"},
    ]


def _z(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
