"""Distinct counts of columns, taken from the Parquet writer's statistics without extra counting."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from recsys_lineage.lake.parquet.table_files import WrittenFiles
from recsys_lineage.sql.names import path_literal


def with_distinct_counts(
    connection: duckdb.DuckDBPyConnection, root: str, written: WrittenFiles
) -> WrittenFiles:
    """Written files with the number of distinct values of each column, where the file's footer has it.

    DuckDB's writer counts them for a column that a row group stores with a dictionary: repeated numbers, dates and
    texts. Counts of several row groups do not add up, so they are known only for data in a single row group of at most
    122,880 rows. NULLs do not count, and a column of only NULLs has 0. The counts are missing for booleans, fields of
    nested columns, and columns whose values are rarely repeated.
    """
    if len(written.adds) != 1 or written.pieces:
        return written
    path = path_literal(f"{root}/{written.adds[0].path}")
    found = connection.execute(
        "SELECT path_in_schema, stats_distinct_count, stats_null_count, num_values "
        f"FROM parquet_metadata({path}) WHERE row_group_id < 2"
    ).fetchall()
    counts: dict[str, int] = {}
    for name, distinct, nulls, rows in found:
        if name in counts:
            return written  # another row group
        counts[name] = -1 if distinct is None and nulls != rows else distinct or 0
    columns = {
        name: replace(column, distinct=counts[name]) if counts.get(name, -1) >= 0 else column
        for name, column in written.columns.items()
    }
    return replace(written, columns=columns)
