"""A Delta commit that only adds files to a table of the same columns, for which no log is replayed."""

from __future__ import annotations

import json
import time

import deltalake

from recsys_lineage.lake.commits.commit_log import COMMIT_KEY
from recsys_lineage.lake.parquet.table_files import WrittenFiles


def appending_commit(written: WrittenFiles, carried: str) -> bytes:
    """The content of a commit that adds the written files; what it adds to need not be known.

    Args:
        written: files without partitions.
        carried: the metadata of the version.
    """
    info = {
        "timestamp": int(time.time() * 1000),
        "operation": "WRITE",
        "operationParameters": {"mode": "Append", "partitionBy": "[]"},
        "engineInfo": f"recsys_lineage on deltalake {deltalake.__version__}",
        COMMIT_KEY: carried,
    }
    lines: list[dict[str, object]] = [{"commitInfo": info}]
    for add in written.adds:
        lines.append(
            {
                "add": {
                    "path": add.path,
                    "partitionValues": {},
                    "size": add.size,
                    "modificationTime": add.modification_time,
                    "dataChange": True,
                    "stats": add.stats,
                }
            }
        )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
