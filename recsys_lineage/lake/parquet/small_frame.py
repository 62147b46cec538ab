"""Small frames appended to a table without an engine: one Parquet file, written and counted by Polars and Arrow.

A run appends one record, and to plan a COPY of one row and the hash of its lists takes DuckDB longer than to run both
for a thousand rows. The content of such a file is hashed as its bytes: they differ where rows do, and what is appended
to a table is compared with nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
from deltalake import Schema
from deltalake.transaction import AddAction

from recsys_lineage.lake.delta_schema import columns_of, stored_select
from recsys_lineage.lake.parquet.table_files import WrittenFiles
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.lake.versions.table_version import Column, ColumnStatistics

MOST_ROWS = 1_000
"""The most rows of a frame that counts as small."""
HASHED_BY = "files-sum-1"
"""The algorithm of the fingerprints of such files."""
_FRAME = "_small_frame"
_HASH_DIGITS = 16
_StoredAs = tuple[tuple[Column, ...], Schema]
_known: dict[tuple[Any, ...], _StoredAs | None] = {}
"""Columns of a frame → the columns of its table; None if values would have to be cast."""


def stored_as(frame: pl.DataFrame, cursor: Callable[[], duckdb.DuckDBPyConnection]) -> _StoredAs | None:
    """The columns that a frame has as a table, and their Delta types; None if the frame cannot be stored as it is."""
    key = tuple(frame.schema.items())
    if key not in _known:
        with cursor() as connection:
            connection.register(_FRAME, frame.clear().to_arrow())
            query = f"SELECT * FROM {_FRAME}"
            select, schema = stored_select(connection, query, columns_of(connection, query))
            types = connection.sql(query).to_arrow_table().schema
            _known[key] = (schema, Schema.from_arrow(types)) if select == query else None
    return _known[key]


def write_small(
    storage: Storage,
    frame: pl.DataFrame,
    root: str,
    write_id: str,
    columns: _StoredAs,
    bounds: Collection[str] = (),
) -> WrittenFiles:
    """Write a frame to one Parquet file below `root`, as `write_files` does with the result of a query.

    Args:
        storage: the lake's storage.
        frame: at most `MOST_ROWS` rows.
        root: the table's folder.
        write_id: the write.
        columns: the result of `stored_as`.
        bounds: columns of times in UTC whose minimum and maximum the log keeps.
    """
    schema, delta_schema = columns
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    content = buffer.getvalue()
    name = f"part-{write_id}-0.parquet"
    storage.write_new(f"{root}/{name}", content)
    logged = {"numRecords": frame.height, **_bounds(frame, bounds)}
    add = AddAction(name, len(content), {}, int(time.time() * 1000), True, json.dumps(logged))
    counted = _counted(content)
    hashed = hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]
    return WrittenFiles(
        schema,
        delta_schema,
        [add],
        {"": f"{frame.height}:{int(hashed, 16):x}"},
        {"": len(content)},
        counted,
        HASHED_BY,
        {"": tuple(counted[column.name].bytes for column in schema)},
    )


def _counted(content: bytes) -> Mapping[str, ColumnStatistics]:
    """Stored bytes and NULLs of each top-level column; fields of nested ones add up, and their NULLs are unknown."""
    footer = pq.ParquetFile(io.BytesIO(content)).metadata
    sizes: dict[str, int] = {}
    nulls: dict[str, int | None] = {}
    for group in range(footer.num_row_groups):
        columns = footer.row_group(group)
        for place in range(footer.num_columns):
            column = columns.column(place)
            name, *inside = column.path_in_schema.split(".")
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
            found = column.statistics
            known = nulls.get(name, 0)
            here = None if inside or found is None or not found.has_null_count else found.null_count
            nulls[name] = None if known is None or here is None else known + here
    return {name: ColumnStatistics(size, nulls[name]) for name, size in sizes.items()}


def _bounds(frame: pl.DataFrame, columns: Collection[str]) -> dict[str, dict[str, str]]:
    """Earliest and latest time of some columns, in the form of a Delta log; none for a column without any."""
    found: dict[str, dict[str, str]] = {"minValues": {}, "maxValues": {}}
    for column in columns:
        for kind, moment in (("minValues", frame[column].min()), ("maxValues", frame[column].max())):
            if isinstance(moment, datetime):
                found[kind][column] = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    return found if found["minValues"] else {}
