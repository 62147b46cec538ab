"""A Delta commit that replaces a table whole: its columns, its partitions and all its files."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import create_table_with_add_actions

from recsys_lineage.lake.parquet.table_files import WrittenFiles, add_actions


def replacing_commit(
    delta: DeltaTable | None,
    written: WrittenFiles,
    partition_by: str | None,
    configuration: Mapping[str, str | None],
    properties: CommitProperties,
) -> bytes:
    """The content of the commit that follows `delta` (None: the first) and leaves only the written files.

    delta-rs can replace a table too, but on top of the last commit rather than of the version that this commit assumes,
    and a commit that carries its own version number must not move. So delta-rs creates the commit of a new table in a
    scratch folder, which is then stored under its intended number.
    """
    with tempfile.TemporaryDirectory() as scratch:
        create_table_with_add_actions(
            scratch,
            written.delta_schema,
            written.adds,
            mode="error",
            partition_by=[partition_by] if partition_by else None,
            configuration=configuration,
            commit_properties=properties,
        )
        made = Path(scratch, "_delta_log", f"{0:020d}.json").read_bytes()
    removed = "" if delta is None else "".join(f"{line}\n" for line in _removals(delta))
    return made.rstrip(b"\n") + b"\n" + removed.encode()


def _removals(delta: DeltaTable) -> list[str]:
    columns = delta.metadata().partition_columns
    now = int(time.time() * 1000)
    lines: list[str] = []
    for action in add_actions(delta).to_pylist():
        remove = {
            "path": action["path"],
            "dataChange": True,
            "deletionTimestamp": now,
            "extendedFileMetadata": True,
            "partitionValues": {column: str(action[f"partition.{column}"]) for column in columns},
            "size": action["size_bytes"],
        }
        lines.append(json.dumps({"remove": remove}))
    return lines
