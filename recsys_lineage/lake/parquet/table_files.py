"""The Parquet files of one write: their creation by DuckDB, and the Delta actions that add and remove them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction

from recsys_lineage.errors import LineageError, OutputRefused
from recsys_lineage.lake.delta_schema import columns_of, stored_select
from recsys_lineage.lake.fingerprint import EMPTY, HASHED_BY, add_contents, partition_fingerprints
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.lake.versions.table_version import Column, ColumnStatistics
from recsys_lineage.sql.names import literal, path_literal, quote

# NULL, empty and Hive's name for both cannot be distinguished in a partition's folder; DuckDB before 2.0 reads "null"
# in any case as NULL.
_NO_PARTITION = (None, "", "null", "__hive_default_partition__")
_PARTITION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED_NAME = re.compile(r'"((?:[^"]|"")*)"')
_PARTITION_TYPES = {
    "VARCHAR": pl.String, "DATE": pl.Date, "TINYINT": pl.Int8, "SMALLINT": pl.Int16, "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
}  # fmt: skip
# A table of these columns holds files (`blobs.py`). Each of them gets a Parquet file of its own, so that versions of a
# model share what they have in common.
PIECE_COLUMNS = ("name", "part", "bytes", "sha256", "content")
_PIECE = "name"
# DuckDB's spelling of a time in UTC, by whether it has a fraction of a second.
_COUNTED_TIME = ("%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f%z")
# A row group is held in memory until it is written: rows can be a megabyte each (blobs, embeddings).
_PARQUET = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, RETURN_STATS"
_ROW_GROUP = "ROW_GROUP_SIZE_BYTES '64MB'"
# What a compaction joins is read a part at a time, such as records by a sender of events, and a row group is read as a
# whole. DuckDB 1 counts no bytes where it keeps the order of rows.
_ORDERED_ROW_GROUP = (
    "ROW_GROUP_SIZE_BYTES '8MB'" if int(duckdb.__version__.split(".")[0]) > 1 else "ROW_GROUP_SIZE 4096"
)


@dataclass(frozen=True)
class WrittenFiles:
    """Files that exist but are not committed yet.

    `contents` maps each partition ("" without partitions) to its "rows:hash sum", `sizes` to its bytes, `column_sizes`
    to the stored bytes of each column, in order. `hashed_by` names what hashed the contents. `pieces` has the content
    of each Parquet file of a table of stored files, and is empty for other tables.
    """

    schema: tuple[Column, ...]
    delta_schema: Schema
    adds: list[AddAction]
    contents: dict[str, str]
    sizes: dict[str, int]
    columns: Mapping[str, ColumnStatistics]
    hashed_by: str
    column_sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    pieces: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes.values())


def write_files(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Mapping[str, Any] | None,
    root: str,
    write_id: str,
    partition_by: str | None,
    bounds: Collection[str] = (),
) -> WrittenFiles:
    """Write the result of a query to Parquet files below `root` with `write_id` in their names, and fingerprint them.

    Args:
        connection: runs the query.
        query: one SELECT.
        parameters: its named parameters.
        root: the table's folder.
        write_id: the write.
        partition_by: the column whose values are the partitions.
        bounds: columns of TIMESTAMP WITH TIME ZONE whose minimum and maximum the log keeps for each file, so that a
            reader can skip files without opening them. The log is kept for ever: nothing personal.

    Raises:
        LineageError: columns cannot be stored, or the partition column is missing, or NULL or empty in some row.
    """
    bound = dict(parameters) if parameters else None
    select, schema = stored_select(connection, query, columns_of(connection, query, bound))
    _check_columns(schema, partition_by, root)
    stats = _copy(connection, select, bound, schema, root, write_id, partition_by)
    adds: list[AddAction] = []
    sizes: dict[str, int] = {}
    counted_of: dict[str, list[Mapping[str, Mapping[str, str]]]] = {}
    now = int(time.time() * 1000)
    for path, rows, size, _footer, counted, keys, *_ in stats:
        values = dict(keys or {})
        relative = path[len(root) + 1 :]
        if partition_by and _folded(values[partition_by]) in _NO_PARTITION:
            raise LineageError(
                f"Some rows have no value in the partition column {partition_by!r}.",
                expected="a value that is neither NULL nor empty",
                found=values[partition_by] or "NULL",
                where=root,
                advice="give every row a partition in the asset's query",
            )
        key = "" if partition_by is None else values[partition_by]
        sizes[key] = sizes.get(key, 0) + int(size)
        counted_of.setdefault(key, []).append(counted or {})
        logged = {"numRecords": int(rows), **_logged_bounds(counted or {}, bounds)}
        adds.append(AddAction(relative, int(size), values, now, True, json.dumps(logged)))
    paths = [add.path for add in adds]
    pieces: dict[str, str] = {}
    if _is_of_pieces(schema, partition_by):
        pieces = piece_contents(connection, root, paths, schema)
        contents = {"": add_contents(pieces.values())}
    else:
        contents = file_contents(connection, root, paths, schema, partition_by)
    # of an empty table: to plan the query once more would take as long as small tables take to be written
    empty = connection.sql(f"SELECT * FROM {read_files([], schema, schema, None)}").to_arrow_table().schema
    columns = _column_statistics(row[4] for row in stats)
    column_sizes = {key: _column_sizes(files, schema) for key, files in counted_of.items()}
    return WrittenFiles(
        schema, Schema.from_arrow(empty), adds, contents, sizes, columns, HASHED_BY, column_sizes, pieces
    )


def _logged_bounds(
    counted: Mapping[str, Mapping[str, str]], columns: Collection[str]
) -> dict[str, dict[str, str]]:
    """Earliest and latest time of some columns in one file, in the form of a Delta log; unknown ones are left out."""
    logged: dict[str, dict[str, str]] = {"minValues": {}, "maxValues": {}}
    for column in columns:
        found = counted.get(quote(column), {})
        if "min" in found and "max" in found:
            for kind in ("min", "max"):
                moment = datetime.strptime(f"{found[kind]}00", _COUNTED_TIME["." in found[kind]])
                logged[f"{kind}Values"][column] = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    return logged if logged["minValues"] else {}


def add_actions(delta: DeltaTable) -> pa.Table:
    """The files of an opened table version according to its log, one row each.

    It does not use `pa.table`, which would import pandas, 50 MB, to recognise its frames.
    """
    return pa.RecordBatchReader.from_stream(delta.get_add_actions(flatten=True)).read_all()


def bounded_columns(delta: DeltaTable) -> list[str]:
    """Columns with bounds in the log of an opened table version, for at least one file."""
    actions = add_actions(delta)
    names = [name.removeprefix("min.") for name in actions.column_names if name.startswith("min.")]
    return [name for name in names if actions[f"min.{name}"].null_count < len(actions)]


def files_between(delta: DeltaTable, column: str, earliest: datetime, latest: datetime) -> set[str]:
    """Relative paths of the files of an opened table version that may contain a time in a range, according to the
    log."""
    actions = pl.DataFrame(add_actions(delta))
    if f"min.{column}" not in actions.columns:
        return set(map(unquote, actions["path"]))
    before, after = pl.col(f"max.{column}") < earliest, pl.col(f"min.{column}") > latest
    return set(map(unquote, actions.filter((before | after).fill_null(False).not_())["path"]))


def _column_statistics(
    files: Iterable[Mapping[str, Mapping[str, str]] | None],
) -> dict[str, ColumnStatistics]:
    """Counts of DuckDB's COPY over all files, by top-level column; the fields of nested ones add up."""
    sizes: dict[str, int] = {}
    nulls: dict[str, int | None] = {}
    for counted in files:
        for path, found in (counted or {}).items():
            match = _QUOTED_NAME.match(path)
            name = match[1].replace('""', '"') if match else path
            sizes[name] = sizes.get(name, 0) + int(found.get("column_size_bytes", 0))
            nested = match is not None and match.end() < len(path)
            known = nulls.get(name, 0)
            here = None if nested or "null_count" not in found else int(found["null_count"])
            nulls[name] = None if known is None or here is None else known + here
    return {name: ColumnStatistics(size, nulls[name]) for name, size in sizes.items()}


def _column_sizes(
    files: Iterable[Mapping[str, Mapping[str, str]]], schema: Sequence[Column]
) -> tuple[int, ...]:
    """Stored bytes of each column over some files; 0 for the one stored in folder names instead."""
    counted = _column_statistics(files)
    return tuple(counted[column.name].bytes if column.name in counted else 0 for column in schema)


def file_contents(
    connection: duckdb.DuckDBPyConnection,
    root: str,
    paths: Sequence[str],
    schema: Sequence[Column],
    partition_by: str | None,
) -> dict[str, str]:
    """`{partition: "rows:hash sum"}` of some files of a table; the key is "" without partitions."""
    if not paths:
        return {}
    listed = ", ".join(path_literal(f"{root}/{path}") for path in paths)
    relation = f"read_parquet([{listed}], {_hive(schema, partition_by)})"
    return partition_fingerprints(connection, relation, schema, partition_by)


def piece_contents(
    connection: duckdb.DuckDBPyConnection, root: str, paths: Sequence[str], schema: Sequence[Column]
) -> dict[str, str]:
    """`{path: "rows:hash sum"}` of each of some files of a table without partitions."""
    return {path: file_contents(connection, root, [path], schema, None).get("", EMPTY) for path in paths}


def _is_of_pieces(schema: Sequence[Column], partition_by: str | None) -> bool:
    return partition_by is None and tuple(column.name for column in schema) == PIECE_COLUMNS


def _copy(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    bound: dict[str, Any] | None,
    schema: Sequence[Column],
    root: str,
    write_id: str,
    partition_by: str | None,
) -> list[tuple[Any, ...]]:
    """Write the result of the query to files; returns a row of DuckDB's statistics for each."""
    try:
        _ = connection.extract_statements(f"COPY ({select}) TO ''")
    except duckdb.ParserException:  # DuckDB 1.5 copies SUMMARIZE from a FROM only
        select = f"FROM ({select}\n)"
    if len(connection.extract_statements(select)) > 1:
        # DuckDB 1.5 looks up the columns of a PIVOT in statements before it, and returns what the first of them does
        _ = connection.execute(f"CREATE OR REPLACE TEMP TABLE _result AS {select}", bound)
        try:
            return _copy(connection, "FROM _result", None, schema, root, write_id, partition_by)
        finally:
            _ = connection.execute("DROP TABLE _result")
    (keeps_order,) = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0]
    parquet = f"{_PARQUET}, {_ORDERED_ROW_GROUP if keeps_order else _ROW_GROUP}"
    if partition_by:
        pattern = f"FILENAME_PATTERN 'part-{write_id}-{{i}}', OVERWRITE_OR_IGNORE"
        layout = f"{parquet}, PARTITION_BY ({quote(partition_by)}), {pattern}"
        return connection.execute(f"COPY ({select}) TO {literal(root)} ({layout})", bound).fetchall()
    selects = [select]
    if _is_of_pieces(schema, partition_by):
        # One at a time: a partitioned COPY would hold all of them in memory.
        names = connection.execute(f"SELECT DISTINCT {_PIECE} FROM ({select}) ORDER BY 1", bound).fetchall()
        selects = [f"SELECT * FROM ({select}) WHERE {_PIECE} = {literal(name)}" for (name,) in names] or [
            select
        ]
    stats: list[tuple[Any, ...]] = []
    for number, part in enumerate(selects):
        target = literal(f"{root}/part-{write_id}-{number}.parquet")
        stats += connection.execute(f"COPY ({part}) TO {target} ({parquet})", bound).fetchall()
    return stats


def _folded(value: str | None) -> str | None:
    return value if value is None else value.casefold()


def _hive(schema: Sequence[Column], partition_by: str | None) -> str:
    if not partition_by:
        return "hive_partitioning = false"
    type_ = next(column.type for column in schema if column.name == partition_by)
    return f"hive_partitioning = true, hive_types = {{{literal(partition_by)}: {type_}}}"


def read_files(
    files: Sequence[str], schema: Sequence[Column], columns: Sequence[Column], partition_by: str | None
) -> str:
    """SQL that reads the given files of one table as a parenthesised SELECT."""
    if not files:
        typed = ", ".join(f"CAST(NULL AS {column.type}) AS {quote(column.name)}" for column in columns)
        return f"(SELECT {typed} WHERE false)"
    listed = ", ".join(path_literal(path) for path in files)
    names = ", ".join(quote(column.name) for column in columns)
    return f"(SELECT {names} FROM read_parquet([{listed}], {_hive(schema, partition_by)}))"


def scan_files(
    files: Sequence[str],
    schema: Sequence[Column],
    partition_by: str | None,
    storage: Storage,
    path_column: str | None = None,
) -> pl.LazyFrame:
    """The given files of one table as a Polars LazyFrame, optionally with each row's file in the column
    `path_column`."""
    hive = None
    if partition_by:
        type_ = next(column.type for column in schema if column.name == partition_by)
        hive = {partition_by: _PARTITION_TYPES[type_]}
    frame = pl.scan_parquet(
        list(files), glob=False, hive_partitioning=hive is not None, hive_schema=hive,
        storage_options=dict(storage.options) or None, include_file_paths=path_column,
    )  # fmt: skip
    return frame.select([column.name for column in schema] + ([path_column] if path_column else []))


def active_files(delta: DeltaTable, partition_column: str | None) -> list[tuple[str, int, str]]:
    """(relative path, bytes, partition or "") of every file of an opened table version."""
    actions = add_actions(delta)
    # A log spells paths as URLs do; partition folders of odd values contain a literal % besides.
    paths = [unquote(path) for path in actions["path"].to_pylist()]
    sizes = actions["size_bytes"].to_pylist()
    if partition_column is None:
        return [(path, size, "") for path, size in zip(paths, sizes, strict=True)]
    keys = (str(key) for key in actions[f"partition.{partition_column}"].to_pylist())
    return list(zip(paths, sizes, keys, strict=True))


def removals(
    delta: DeltaTable,
    partition_column: str | None,
    partitions: Sequence[str] | None,
    keep: Collection[str] = (),
) -> list[RemoveAction]:
    """Actions that remove the current files of the given partitions (all when None), except those to keep."""
    wanted = None if partitions is None else set(partitions)
    now = int(time.time() * 1000)
    return [
        RemoveAction(path, True, now, size, {partition_column: key} if partition_column else {})
        for path, size, key in active_files(delta, partition_column)
        if (wanted is None or key in wanted) and path not in keep
    ]


def _check_columns(schema: Sequence[Column], partition_by: str | None, root: str) -> None:
    names = [column.name for column in schema]
    folded = [name.lower() for name in names]
    repeated = sorted({name for name in names if folded.count(name.lower()) > 1})
    if repeated:
        raise OutputRefused(
            f"The query returns several columns named {', '.join(repeated)}.",
            where=root,
            advice="give each output column its own name",
        )
    if partition_by and partition_by not in names:
        raise OutputRefused(
            f"The query lacks the partition column {partition_by!r}.",
            expected=partition_by,
            found=", ".join(names),
            where=root,
        )
    if partition_by:
        type_ = next(column.type for column in schema if column.name == partition_by)
        if not _PARTITION_NAME.fullmatch(partition_by) or type_ not in _PARTITION_TYPES:
            raise OutputRefused(
                f"Column {partition_by!r} cannot be a table's partitions.",
                expected=f"a name of letters, digits and underscores, and one of the types "
                f"{', '.join(_PARTITION_TYPES)}",
                found=f"{partition_by} {type_}",
                where=root,
                advice="rename or cast it in the asset's query",
            )
        if len(schema) == 1:
            raise OutputRefused(
                f"The query returns nothing but the partition column {partition_by!r}.",
                where=root,
                advice="return at least one other column",
            )
