"""A scan of a source opened in DuckDB: every row with its file and line, every fault with its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from recsys_lineage.files.csv_dialect import CsvDialect
from recsys_lineage.files.csv_file import CsvContent, read_csv_file
from recsys_lineage.files.fault import FileFault, missing_columns_fault
from recsys_lineage.files.parquet_file import decode_parquet, read_parquet_footer
from recsys_lineage.files.source_file import SourceFile
from recsys_lineage.files.source_query import TRACED_COLUMNS, FileScan

MALFORMED_SCHEMA = pa.schema(
    [("_file", pa.string()), ("_line", pa.int64()), ("_fault", pa.string()), ("_row", pa.string())]
)


@dataclass(frozen=True)
class FileReport:
    """What a file holds, or why nothing of it is read.

    `rows` counts the records, malformed ones included, and is None where the file has a `fault`.
    """

    file: SourceFile
    rows: int | None
    columns: tuple[str, ...]
    malformed: int = 0
    fault: FileFault | None = None


@dataclass(frozen=True)
class OpenedScan:
    """A scan as two relations of a connection.

    `relation` has the files' columns, `_file` and `_line`; `malformed` has `_file`, `_line`, `_fault` and `_row`.
    `schema` gives the files' columns with their DuckDB types.
    Files with a fault have a report and no rows.
    """

    relation: str
    malformed: str
    schema: tuple[tuple[str, str], ...]
    reports: tuple[FileReport, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The files' columns."""
        return tuple(name for name, _ in self.schema)

    @property
    def faults(self) -> tuple[FileFault, ...]:
        """The faults of the files of which nothing was read."""
        return tuple(report.fault for report in self.reports if report.fault is not None)


def open_scan(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    scan: FileScan,
    files: Iterable[SourceFile],
    relation_name: str,
    required_columns: Sequence[str] = (),
    *,
    decode: bool = False,
) -> OpenedScan:
    """Makes the views `relation_name` and `<relation_name>_malformed` in `con` from the good files of a scan.

    CSV columns are text, empty fields NULL; Parquet columns keep their types. A column that only some of the files
    have is NULL in the others. Where no file is good, the relation is empty and has the required columns as text.

    Args:
        decode: read Parquet files to their end too, not only their footers, so that a damaged page is a fault. CSV
            files always are.

    Raises:
        SourceSqlError: the scan's options are wrong.
    """
    reports = []
    contents: list[tuple[SourceFile, CsvContent]] = []
    for file in files:
        report, content = _inspected(root, scan, file, required_columns, decode)
        reports.append(report)
        if content is not None:
            contents.append((file, content))
    malformed = f"{relation_name}_malformed"
    _register(con, malformed, _malformed_table(contents))
    good = [report for report in reports if report.fault is None]
    if scan.function == "read_parquet" and good:
        schema = _open_parquet(con, root, [report.file for report in good], relation_name)
    else:
        names: dict[str, str] = {}
        for column in (column for report in good for column in report.columns):
            names.setdefault(column.casefold(), column)
        columns = tuple(names.values()) or tuple(required_columns)
        _register(con, relation_name, _csv_table(contents, columns))
        schema = tuple((column, "VARCHAR") for column in columns)
    return OpenedScan(relation_name, malformed, schema, tuple(reports))


def _inspected(
    root: Path, scan: FileScan, file: SourceFile, required_columns: Sequence[str], decode: bool
) -> tuple[FileReport, CsvContent | None]:
    dialect = CsvDialect.of(scan) if scan.function == "read_csv" else None
    content = None
    try:
        if file.fault is not None:
            raise file.fault
        if dialect is None:
            columns, rows = read_parquet_footer(root / file.path, file.path)
            malformed = 0
            if decode:
                decode_parquet(root / file.path, file.path)
        else:
            content = read_csv_file(root / file.path, file.path, dialect)
            columns, malformed = content.columns, len(content.malformed)
            rows = content.rows + malformed
        present = {column.casefold() for column in columns}
        if reserved := sorted(present & set(TRACED_COLUMNS)):
            expected = "columns other than _file and _line, which are given to every row"
            raise FileFault(
                file.path, expected, f"the column {', '.join(reserved)}", "Rename it in the file."
            )
        if missing := [column for column in required_columns if column.casefold() not in present]:
            raise missing_columns_fault(file.path, columns, missing, hint=_delimiter_hint(columns, dialect))
    except OSError as error:
        found = error.strerror or type(error).__name__
        fault = FileFault(
            file.path, "a readable file", found, "Check that it exists and that this user may read it."
        )
        return FileReport(file, None, (), fault=fault), None
    except FileFault as fault:
        return FileReport(file, None, (), fault=fault), None
    return FileReport(file, rows, columns, malformed), content


def _delimiter_hint(columns: Sequence[str], dialect: CsvDialect | None) -> str:
    if dialect is None or len(columns) != 1:
        return ""
    other = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in columns[0]), None)
    return f"Its fields look divided by {other!r}: add delim = {other!r} to its read_csv." if other else ""


def _register(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    con.execute(f'DROP VIEW IF EXISTS "{name}"')
    con.register(name, table)


def _malformed_table(contents: list[tuple[SourceFile, CsvContent]]) -> pa.Table:
    faults = [(file.path, row) for file, content in contents for row in content.malformed]
    columns = [
        [path for path, _ in faults],
        [row.line for _, row in faults],
        [row.fault for _, row in faults],
        [row.row for _, row in faults],
    ]
    return pa.table(columns, schema=MALFORMED_SCHEMA)


def _csv_table(contents: list[tuple[SourceFile, CsvContent]], columns: Sequence[str]) -> pa.Table:
    fields = [*((name, pa.string()) for name in columns), ("_file", pa.string()), ("_line", pa.int64())]
    schema = pa.schema(fields)
    tables = [schema.empty_table()]
    for file, content in contents:
        table = content.table()
        own = {name.casefold(): table.column(place) for place, name in enumerate(table.column_names)}
        own["_file"] = pa.chunked_array([pa.repeat(pa.scalar(file.path), table.num_rows)])
        absent = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        tables.append(pa.table([own.get(name.casefold(), absent) for name in schema.names], schema=schema))
    return pa.concat_tables(tables)


def _open_parquet(
    con: duckdb.DuckDBPyConnection, root: Path, files: list[SourceFile], relation_name: str
) -> tuple[tuple[str, str], ...]:
    """A view over Parquet files; `_line` is the row's number in its file, from 1."""
    # a view takes no bound parameters, so the paths become quoted literals
    quoted = ", ".join("'" + str(root / file.path).replace("'", "''") + "'" for file in files)
    prefix = len(str(root / "x")) - 1
    con.execute(f'DROP VIEW IF EXISTS "{relation_name}"')
    con.execute(
        f'CREATE OR REPLACE TEMP VIEW "{relation_name}" AS '
        f"SELECT * EXCLUDE (_path, file_row_number), substr(_path, {prefix + 1}) AS _file, "
        f"file_row_number + 1 AS _line "
        f"FROM read_parquet([{quoted}], filename = '_path', file_row_number = true, union_by_name = true)"
    )
    described = con.execute(f'DESCRIBE "{relation_name}"').fetchall()
    return tuple((name, type_) for name, type_, *_ in described[:-2])
