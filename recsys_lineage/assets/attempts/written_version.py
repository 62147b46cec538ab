"""The committed version as a record describes it: bytes, files, partitions and columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import Written, WrittenColumn, WrittenPartition


def written_version(version: TableVersion, output: Output, failures: Mapping[str, str]) -> Written:
    """The files of a version as its record describes them: all, or those of the replaced partitions.

    Args:
        version: the version.
        output: the return value of the asset's code.
        failures: partition → why it was not written, without values.
    """
    held = version.partitions
    wrote = held if output.partitions is None else [key for key in output.partitions if key in held]
    return Written(
        bytes=version.bytes,
        files=version.files,
        partition_column=version.partition_column,
        partitions={
            key: WrittenPartition(held[key].rows, held[key].bytes, held[key].fingerprint, held[key].version)
            for key in wrote
        },
        failures=failures,
        columns={name: WrittenColumn(*astuple(c)) for name, c in version.columns_written.items()},
        hashed_by=version.hashed_by,
    )
