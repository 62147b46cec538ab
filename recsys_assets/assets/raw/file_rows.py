"""The rows of a raw table: those of existing files, and those kept of deleted files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from recsys_assets.assets.raw.raw_shape import cast_columns, common, widened
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.raw_columns import TRACE
from recsys_assets.shop.source import NamedScan
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import failing_rows, open_scan
from recsys_lineage.errors import FilesChanged, LineageError
from recsys_lineage.files import FailingRows, SourceFile
from recsys_lineage.files.source_file import hashed_file
from recsys_lineage.lake.versions.table_version import Column

DAY = "_day"
MOST_SHOWN = 5
_FAILING_ADVICE = (
    "fix the file, or write TRY_CAST for CAST, try_strptime for strptime, TRY(f(x)) for another function f(x), and of "
    "JSON CASE WHEN json_valid(x) THEN x END for x in the SQL: what cannot be read is NULL then, and a row that needs "
    "it is rejected with its file and line"
)
_BYTES_ADVICE = (
    "fix the file, or leave out binary_as_string, so that the column holds bytes, and write TRY(decode(x)) for x in "
    "the SQL: bytes that are no UTF-8 are NULL then, and a row that needs them is rejected with its file and line"
)
_FIXED = (*TRACE, "_fault", "_row", DAY)
"""Columns of raw tables that do not come from a file."""


class FaultyFiles(LineageError):
    """Files with the requested rows cannot be read, or are gone."""


def failing_advice(values: Iterable[str]) -> str:
    """Advice for rows at which the SQL fails, from DuckDB's message for each."""
    texts = [*values]
    of_bytes = bool(texts) and all("Invalid string encoding" in text for text in texts)
    return _BYTES_ADVICE if of_bytes else _FAILING_ADVICE


def open_files(folder: SourceFolder, inputs: Inputs, chosen: Mapping[NamedScan, pl.DataFrame]) -> None:
    """Open the files of each scan on the run's connection, checked to be those that `source_files` listed.

    Raises:
        FilesChanged: one has changed or is gone.
        FaultyFiles: one cannot be read any more, or lacks a column that is needed now.
    """
    inside = folder.root.resolve()
    for named, frame in chosen.items():
        files: list[SourceFile] = []
        for path, sha in frame["path", "sha256"].iter_rows():
            file = hashed_file(folder.root / path, path, inside)
            if file.sha256 != sha:
                raise FilesChanged(
                    f"The file {path} is not what it was when source_files listed it.",
                    expected=f"sha256 {sha[:16]}…",
                    found=f"sha256 {file.sha256[:16]}…" if file.fault is None else file.fault.found,
                    where=str(folder.root / path),
                    advice="materialize source_files, then this asset again",
                )
            files.append(file)
        opened = open_scan(
            inputs,
            folder.root,
            named.scan,
            files,
            named.relation,
            required_columns=named.required_columns,
            named_at=named.named_at,
        )
        if opened.faults:
            raise FaultyFiles(
                "Files that could be read when source_files listed them cannot be read any more.\n  "
                + "\n  ".join(map(str, opened.faults[:MOST_SHOWN])),
                found=f"{len(opened.faults)} of {len(files)} files",
                where=", ".join(fault.path for fault in opened.faults[:MOST_SHOWN]),
                advice="materialize source_files, then this asset again; readers still see what it held before",
            )


def failing_of(folder: SourceFolder, inputs: Inputs, table: str, error: Exception) -> FailingRows:
    """The rows of the opened files at which the SQL of a raw table fails; none if the error is not about a value."""
    source = folder.source
    if table not in source.queries:
        return FailingRows()
    own = [named.scan for named in folder.scans_by_file(table)]
    return failing_rows(inputs, source.queries[table], source.relations(table), own, error)


def rows_failed(message: str, failing: FailingRows, where: str) -> FaultyFiles:
    """The error for rows at which the source's SQL fails; their values are in `found`, which no record keeps."""
    shown = failing.values()
    more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    error = FaultyFiles(
        "\n  ".join([message, *failing.places()[:MOST_SHOWN]]),
        found="; ".join(shown[:MOST_SHOWN]) + more,
        where=where,
        advice=failing_advice(shown),
    )
    error.__cause__ = failing.first
    return error


def wide_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of a raw table, widened from those of its query."""
    return tuple(
        column if column.name in _FIXED else Column(column.name, widened(column.type)) for column in columns
    )


def columns_for_both(columns: Sequence[Column], before: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of a raw table that holds rows of a query and rows of the previous version."""
    types = {column.name: column.type for column in before}
    return tuple(
        Column(column.name, common(column.type, types.get(column.name, '"NULL"')))
        for column in wide_columns(columns)
    )


def rows_with_retained(
    query: str,
    query_columns: Sequence[Column],
    wanted: Sequence[Column],
    retained: Mapping[str, Sequence[Column]],
) -> str:
    """A SELECT of a query's rows and of the kept rows, all with the columns `wanted`.

    Args:
        query: a SELECT with the columns `query_columns`.
        query_columns: its columns.
        wanted: the table's columns.
        retained: FROM clause, with WHERE, of the rows that are kept → their columns.
    """
    parts = [f"SELECT {cast_columns(query_columns, wanted)} FROM ({query})"]
    parts += [f"SELECT {cast_columns(columns, wanted)} FROM {source}" for source, columns in retained.items()]
    return "\nUNION ALL\n".join(parts)


def rows_with_missing(
    query: str,
    query_columns: Sequence[Column],
    wanted: Sequence[Column],
    retained: Mapping[str, Sequence[Column]],
    key: str,
) -> str:
    """Like `rows_with_retained`, but keeps only rows whose key the query does not return.

    Args:
        key: a column of the query and of the rows kept.
    """
    made = f"WITH __made AS MATERIALIZED ({query})"
    missing = {
        f"{source} AND {key} IS NOT NULL AND {key}::VARCHAR NOT IN "
        f"(SELECT {key}::VARCHAR FROM __made WHERE {key} IS NOT NULL)": columns
        for source, columns in retained.items()
    }
    return f"{made}\n{rows_with_retained('SELECT * FROM __made', query_columns, wanted, missing)}"
