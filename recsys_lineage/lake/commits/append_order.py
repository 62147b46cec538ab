"""The order in which rows were appended to a table, which keeps cursors valid after a compaction.

Row n of an append-only table stays row n: a compaction joins neighbouring files and keeps their order. Its commit lists
the files in that order, so a version's number of rows is the start of its successor's rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsys_lineage.lake.parquet.table_files import read_files
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.sql.names import path_literal, quote

COMPACTED = "compacted"
"""Key in a compaction's commit for the [path, rows] of each file, in the order of their rows."""


@dataclass(frozen=True)
class AppendOrder:
    """The files of a table right after a compaction: (path, rows), in the order of their rows."""

    files: Sequence[tuple[str, int]]

    def query(self, root: str, files: Sequence[str], version: TableVersion, skipped: int) -> str:
        """SQL that reads all rows of some files except the first `skipped` rows of the table, as a parenthesised
        SELECT.

        Args:
            root: the table's folder.
            files: the files of the version, full paths; those unknown to the compaction came after it.
            version: the version read.
            skipped: the number of rows before the requested ones.
        """
        names = ", ".join(quote(column.name) for column in version.schema)
        known = {f"{root}/{path}" for path, _ in self.files}
        after = [path for path in files if path not in known]
        parts = (
            [f"SELECT {names} FROM {read_files(after, version.schema, version.schema, None)}"]
            if after
            else []
        )
        start = 0
        for path, rows in self.files:
            if start + rows > skipped:
                place = path_literal(f"{root}/{path}")
                file = f"read_parquet([{place}], hive_partitioning = false, file_row_number = true)"
                parts.append(f"SELECT {names} FROM {file} WHERE file_row_number >= {max(skipped - start, 0)}")
            start += rows
        if not parts:
            return read_files([], version.schema, version.schema, None)
        return f"({' UNION ALL '.join(parts)})"


def added_rows(commits: Sequence[Mapping[str, Any]]) -> AppendOrder | None:
    """The row order after the last compaction among some commits; None if there is none."""
    for commit in reversed(commits):
        if COMPACTED in commit:
            return AppendOrder([(path, rows) for path, rows in commit[COMPACTED]])
    return None
