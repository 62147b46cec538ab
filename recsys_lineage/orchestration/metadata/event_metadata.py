"""Metadata of a materialization in Dagster, under Dagster's standard keys if they exist."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import dagster as dg

from recsys_lineage.columns.tags import Tags
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.orchestration.metadata.column_metadata import (
    COLUMN_SCHEMA,
    column_metadata,
    recorded_tags,
    shown_schema,
)
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.read import Read

LARGEST_RECORD = 200_000
MOST_READS = 200


def event_metadata(
    record: Materialization, version: TableVersion, uri: str, column_descriptions: Mapping[str, str]
) -> dict[str, Any]:
    """Metadata of a successful run: schema, rows, bytes, seconds, fingerprint, reads and the record itself."""
    metadata: dict[str, Any] = {
        **_table_metadata(version, uri, column_descriptions, recorded_tags(record)),
        "version": version.version,
        "fingerprint": version.fingerprint,
        "bytes": version.bytes,
        "files": version.files,
        "seconds": round(record.seconds, 3),
        "reads": reads_table(record.reads),
    }
    for name, value in record.statistics.items():
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            metadata.setdefault(name, value)
    metadata |= column_metadata(record)
    as_json = {name: value for name, value in record.to_json().items() if name != "column_lineage"}
    if len(json.dumps(as_json)) <= LARGEST_RECORD:
        metadata["lineage/record"] = dg.MetadataValue.json(as_json)
    return metadata


def partition_metadata(
    record: Materialization,
    version: TableVersion,
    partition: str,
    reads: Iterable[Read] | None,
) -> dict[str, Any]:
    """Metadata of one partition that a run wrote: its rows and reads.

    Metadata of the whole table, such as its columns, is only in the event of the run's last partition: repeated for
    each day of a year, it would be most of what Dagster stores for a first load.

    Args:
        reads: the run's reads for this partition; None where they are unknown.
    """
    held = version.partitions[partition]
    return {
        "dagster/partition_row_count": held.rows,
        "version": held.version,
        "fingerprint": held.fingerprint,
        "record": record.kept or record.id,
        **({} if reads is None else {"reads": reads_table(reads)}),
    }


def _table_metadata(
    version: TableVersion, uri: str, column_descriptions: Mapping[str, str], tags: Tags
) -> dict[str, Any]:
    """Metadata of a table as a whole, under Dagster's standard keys."""
    types = {column.name: column.type for column in version.schema}
    return {
        "dagster/row_count": version.rows,
        COLUMN_SCHEMA: shown_schema(types, column_descriptions, tags),
        "dagster/uri": uri,
        "dagster/table_name": version.table,
        "dagster/storage_kind": "deltalake",
    }


def reads_table(reads: Iterable[Read]) -> dg.TableMetadataValue:
    """The first reads as a table for the UI."""
    columns = ("kind", "name", "purpose", "version", "partitions", "columns", "rows", "fingerprint")
    rows = [
        dg.TableRecord(
            {
                "kind": read.kind,
                "name": read.name,
                "purpose": read.purpose,
                "version": "" if read.version is None else read.version,
                "partitions": "all" if read.partitions is None else len(read.partitions),
                "columns": "all" if read.columns is None else len(read.columns),
                "rows": "" if read.rows is None else read.rows,
                "fingerprint": read.fingerprint,
            }
        )
        for read in islice(reads, MOST_READS)
    ]
    return dg.MetadataValue.table(rows, dg.TableSchema([dg.TableColumn(name) for name in columns]))


def check_result(asset_key: dg.AssetKey, outcome: CheckOutcome) -> dg.AssetCheckResult:
    """A check's outcome in Dagster's form."""
    metadata: dict[str, Any] = {"found": outcome.found, **outcome.counts}
    if outcome.where:
        metadata["where"] = dg.MetadataValue.md("\n".join(f"- `{place}`" for place in outcome.where))
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name=outcome.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.WARN if outcome.severity == "warn" else dg.AssetCheckSeverity.ERROR,
        description=outcome.found,
        metadata=metadata,
    )
