"""Facets of amounts: the size and the part of a dataset that was read or written."""

from __future__ import annotations

from collections.abc import Sequence

from openlineage.client.generated.base_subset_dataset import (
    InputSubsetInputDatasetFacet,
    OutputSubsetOutputDatasetFacet,
)
from openlineage.client.generated.input_statistics_input_dataset import InputStatisticsInputDatasetFacet
from openlineage.client.generated.output_statistics_output_dataset import OutputStatisticsOutputDatasetFacet

from recsys_lineage.openlineage.facets.facet import Json, facet
from recsys_lineage.openlineage.translation.read_datasets import ReadDataset
from recsys_lineage.records.materialization import Materialization, Written

_PARTITION = "partition"
"""The dimension of partitions whose column is unknown."""


def input_statistics_facet(dataset: ReadDataset) -> Json | None:
    """Rows and bytes that were read, if all reads have them; for files also their number."""
    reads = dataset.reads
    if dataset.table is not None and reads:
        rows, size, files = reads[0].rows, reads[0].bytes, None
    else:
        rows, size = _sum([read.rows for read in reads]), _sum([read.bytes for read in reads])
        files = len(reads)
    if rows is None and size is None and files is None:
        return None
    return facet(InputStatisticsInputDatasetFacet, rowCount=rows, size=size, fileCount=files)


def input_subset_facet(dataset: ReadDataset) -> Json | None:
    """The partitions of a table that were read, or the files of a scan; None if everything was read."""
    if dataset.table is not None:
        partitions = dataset.reads[0].partitions if dataset.reads else None
        if partitions is None:
            return None
        return facet(InputSubsetInputDatasetFacet, inputCondition=_partitions(partitions, _PARTITION))
    locations = dataset.locations
    if locations in ([], [dataset.name.name]):
        return None
    return facet(InputSubsetInputDatasetFacet, inputCondition={"type": "location", "locations": locations})


def output_statistics_facet(record: Materialization) -> Json | None:
    """Rows and bytes that were written, and the files if a whole version was."""
    written = record.written
    if written is None:
        return (
            facet(OutputStatisticsOutputDatasetFacet, rowCount=record.rows)
            if record.rows is not None
            else None
        )
    if not _is_part(record, written):
        return facet(
            OutputStatisticsOutputDatasetFacet,
            rowCount=record.rows,
            size=written.bytes,
            fileCount=written.files,
        )
    return facet(
        OutputStatisticsOutputDatasetFacet,
        rowCount=rows_written(record),
        size=_sum([part.bytes for part in written.partitions.values()]),
    )


def output_subset_facet(record: Materialization) -> Json | None:
    """The partitions that were written; None for an unpartitioned table, and if the partition key is tagged data."""
    written = record.written
    if written is None or written.partition_column is None or written.partition_column in record.column_tags:
        return None
    partitions = [*written.partitions]
    return facet(
        OutputSubsetOutputDatasetFacet, outputCondition=_partitions(partitions, written.partition_column)
    )


def rows_written(record: Materialization) -> int | None:
    """Number of rows in this run's files: of its partitions, or of the whole version."""
    if record.written is not None and _is_part(record, record.written):
        return sum(part.rows for part in record.written.partitions.values())
    return record.rows


def _is_part(record: Materialization, written: Written) -> bool:
    return bool(record.partitions) and written.partition_column is not None


def _partitions(keys: Sequence[str], column: str) -> Json:
    return {
        "type": "partition",
        "partitions": [{"identifier": key, "dimensions": {column: key}} for key in keys],
    }


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None
