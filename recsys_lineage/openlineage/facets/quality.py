"""Facets of data quality: counts of the Parquet writer, and results of checks."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from openlineage.client.generated.data_quality_assertions_dataset import DataQualityAssertionsDatasetFacet
from openlineage.client.generated.data_quality_metrics_dataset import DataQualityMetricsDatasetFacet
from openlineage.client.generated.test_run import TestRunFacet

from recsys_lineage.openlineage.facets.amounts import rows_written
from recsys_lineage.openlineage.facets.facet import Json, facet, without_nothing
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.check_outcome import CheckOutcome


class PublishedDataQualityMetrics(DataQualityMetricsDatasetFacet):
    """The facet in its published version; the client's class names an unpublished one."""

    @staticmethod
    def _get_schema() -> str:
        name = "DataQualityMetricsDatasetFacet"
        return f"https://openlineage.io/spec/facets/1-0-0/{name}.json#/$defs/{name}"


def metrics_facet(record: Materialization) -> Json | None:
    """Counts of the Parquet writer for the files of a run: rows, bytes, NULLs and other values; never a value."""
    written = record.written
    if written is None or not written.columns:
        return None
    is_unpartitioned = not record.partitions
    return facet(
        PublishedDataQualityMetrics,
        rowCount=rows_written(record),
        bytes=written.bytes if is_unpartitioned else None,
        fileCount=written.files if is_unpartitioned else None,
        columnMetrics={
            name: without_nothing(nullCount=column.nulls, distinctCount=column.distinct)
            for name, column in written.columns.items()
        },
    )


def assertions_facet(checks: Iterable[CheckOutcome], columns: Collection[str]) -> Json | None:
    """Results of a dataset's checks.

    Args:
        checks: the dataset's checks.
        columns: the dataset's columns; a check of one column is shown as that column's.
    """
    found = [_assertion(check, columns) for check in checks]
    return facet(DataQualityAssertionsDatasetFacet, assertions=found) if found else None


def tests_facet(checks: Iterable[CheckOutcome]) -> Json | None:
    """Check results as tests of the run, included even if no version was committed."""
    found = [
        {"name": check.name, "status": "pass" if check.passed else "fail", **_check_result(check)}
        for check in checks
    ]
    return facet(TestRunFacet, tests=found) if found else None


def _assertion(check: CheckOutcome, columns: Collection[str]) -> Json:
    alone = check.columns[0] if len(check.columns) == 1 and check.columns[0] in columns else None
    return without_nothing(
        assertion=check.name, success=check.passed, name=check.name, column=alone, **_check_result(check)
    )


def _check_result(check: CheckOutcome) -> Json:
    params = without_nothing(
        blocking=check.blocking,
        columns=list(check.columns) or None,
        counts=dict(check.counts) or None,
        where=list(check.where) or None,
    )
    return without_nothing(
        severity=check.severity,
        description=check.description or None,
        expected=check.description or "the check passes",
        actual=check.found,
        params=params,
    )
