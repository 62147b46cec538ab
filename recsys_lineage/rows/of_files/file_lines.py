"""Lines of source files behind rows of a table, found by tracing the source's own SQL over the files again.

The columns `_file` and `_line` of a row name one line. If the SQL joins or groups lines, there are further lines behind
the row; they can be found only while the files are unchanged since they were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from recsys_lineage.errors import FilesChanged
from recsys_lineage.files import FileScan, SourceFile, hashed_file, open_scan, parse_source_sql
from recsys_lineage.files.source_file import found_paths
from recsys_lineage.records.materialization import Materialization, Statement
from recsys_lineage.rows.flow_cache import FlowCache
from recsys_lineage.rows.lake_rows import check_is_rerunnable, schemas_of
from recsys_lineage.rows.statement.syntax import Syntax, everything, is_expression
from recsys_lineage.rows.trace_query import traced_tables
from recsys_lineage.sql.aggregate_functions import aggregate_functions
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.statement import bare_statement

FILE, LINE = "_file", "_line"
_MALFORMED = "_malformed"


def is_a_line_a_row(statement: Statement) -> bool:
    """Whether each row of a source's SQL comes from one line, so that its columns `_file` and `_line` are complete.

    Raises:
        SqlAssetError: the statement is no SQL.
    """
    parsed = Syntax().parsed(bare_statement(statement.text))
    return isinstance(parsed, dict) and not any(
        part.get("type") in ("JOIN", "DISTINCT_MODIFIER", "PIVOT")
        or part.get("group_expressions")
        or is_expression(part, "SUBQUERY")
        or is_expression(part, "WINDOW")
        or (is_expression(part, "FUNCTION") and part["function_name"].lower() in aggregate_functions())
        for part in everything(parsed)
    )


def lines_of(
    connection: duckdb.DuckDBPyConnection, record: Materialization, rows: pa.Table, folder: Path | None = None
) -> dict[str, set[int]] | None:
    """Lines of files behind rows of a table; None if the rows' own columns have them all.

    Args:
        connection: a connection with the tables that the asset read; the files are opened there too.
        record: the record of the asset that made the rows from files.
        rows: rows of its table.
        folder: the present folder of the files; the one in the record when None.

    Raises:
        FilesChanged: a file is gone, or has changed since it was read.
        LineageError: the files cannot be read, or the SQL cannot be traced.
    """
    statement = record.statement
    assert statement is not None
    if is_a_line_a_row(statement):
        return None
    read = {each.name: each.fingerprint for each in record.reads if each.kind == "file"}
    relations = {
        name: each
        for name, each in statement.relations.items()
        if f"{name}{_MALFORMED}" in statement.relations
    }
    schemas = schemas_of(record)
    opened: set[str] = set()
    for name, meaning in relations.items():
        root = folder or Path(meaning.root)
        (scan,) = parse_source_sql(f"SELECT {FILE} FROM {meaning.scan}").scans
        files = _as_read(root, scan, read, record.asset)
        opened |= {file.path for file in files}
        _ = open_scan(connection, root, scan, files, name)
        for relation in (name, f"{name}{_MALFORMED}"):
            described = connection.execute(f"DESCRIBE FROM {quote(relation)}").fetchall()
            schemas[relation] = {column: kind for column, kind, *_ in described}
    check_is_rerunnable(record, schemas)
    if gone := sorted(read.keys() - opened):
        root = folder or Path(next(iter(relations.values())).root)
        raise changed(gone[0], record.asset, read[gone[0]], "no file", root)
    every = [name for relation in relations for name in (relation, f"{relation}{_MALFORMED}")]
    named = [name for name in every if name.casefold() in statement.text.casefold()]
    found = traced_tables(statement.text, schemas, named, rows, connection, statement.parameters, FlowCache())
    lines: dict[str, set[int]] = {}
    for traced, _ in found.values():
        for file, line in zip(traced[FILE].to_pylist(), traced[LINE].to_pylist(), strict=True):
            lines.setdefault(str(file), set()).add(line)
    return lines


def _as_read(root: Path, scan: FileScan, read: Mapping[str, str | None], table: str) -> list[SourceFile]:
    """The files of a scan that were read, hashed again."""
    inside = root.resolve()
    files: list[SourceFile] = []
    for name, path in found_paths(root, scan.pattern).items():
        if name not in read:
            continue
        file = hashed_file(path, name, inside)
        if file.sha256 != read[name]:
            raise changed(name, table, read[name], f"sha256 {file.sha256[:16]}…", path)
        files.append(file)
    return files


def changed(file: str, table: str, sha256: str | None, found: str, where: Path) -> FilesChanged:
    """The error for a file that is not what it was when a table read it."""
    return FilesChanged(
        f"The file {file} is not what it was when {table} read it.",
        expected=f"sha256 {(sha256 or '')[:16]}…",
        found=found,
        where=str(where),
        advice=f"put the file back as it was, or materialize {table} again",
    )
