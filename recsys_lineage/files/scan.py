"""A scan of a source opened in DuckDB: every row with its file and line, every fault with its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from recsys_lineage.files.csv_dialect import CsvDialect
from recsys_lineage.files.csv_file import CsvBlock, MalformedRow, csv_blocks
from recsys_lineage.files.fault import FileFault, missing_columns_fault
from recsys_lineage.files.parquet_file import decode_parquet, read_parquet_footer
from recsys_lineage.files.row_store import RowStore
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
    have is NULL in the others. However large the files, memory stays bounded: rows that are many lie on disk, in files
    that go with the connection. Where no file is good, the relation is empty and has the required columns as text.

    Args:
        decode: read Parquet files to their end too, not only their footers, so that a damaged page is a fault. CSV
            files always are.

    Raises:
        SourceSqlError: the scan's options are wrong.
    """
    malformed = f"{relation_name}_malformed"
    rows, faulty_rows = RowStore(con, relation_name), RowStore(con, malformed)
    reports = []
    for file in files:
        report = _inspected(root, scan, file, required_columns, decode, rows, faulty_rows)
        for store in (rows, faulty_rows):
            if report.fault is None:
                store.keep()
            else:
                store.drop()
        reports.append(report)
    faulty_rows.register([(field.name, field.type) for field in MALFORMED_SCHEMA])
    good = [report for report in reports if report.fault is None]
    if scan.function == "read_parquet" and good:
        schema = _open_parquet(con, root, [report.file for report in good], relation_name)
    else:
        names: dict[str, str] = {}
        for column in (column for report in good for column in report.columns):
            names.setdefault(column.casefold(), column)
        columns = tuple(names.values()) or tuple(required_columns)
        texts = [(column, pa.string()) for column in columns]
        rows.register([*texts, ("_file", pa.string()), ("_line", pa.int64())])
        schema = tuple((column, "VARCHAR") for column in columns)
    return OpenedScan(relation_name, malformed, schema, tuple(reports))


def _inspected(
    root: Path,
    scan: FileScan,
    file: SourceFile,
    required_columns: Sequence[str],
    decode: bool,
    rows: RowStore,
    malformed: RowStore,
) -> FileReport:
    """What one file holds; the rows of a CSV file go to the stores."""
    dialect = CsvDialect.of(scan) if scan.function == "read_csv" else None
    try:
        if file.fault is not None:
            raise file.fault
        if dialect is None:
            columns, count = _parquet_footer(root, file)
            _require(file, columns, required_columns, dialect)
            if decode:
                decode_parquet(root / file.path, file.path)
            return FileReport(file, count, columns)
        columns, good, bad = (), 0, 0
        for block in _readable(csv_blocks(root / file.path, file.path, dialect), file):
            if not columns:
                columns = block.columns
                _require(file, columns, required_columns, dialect)
            rows.take(file.path, block.rows)
            malformed.take(file.path, _malformed_table(block.malformed))
            good += block.rows.num_rows
            bad += len(block.malformed)
        return FileReport(file, good + bad, columns, bad)
    except FileFault as fault:
        return FileReport(file, None, (), fault=fault)


def _parquet_footer(root: Path, file: SourceFile) -> tuple[tuple[str, ...], int]:
    try:
        return read_parquet_footer(root / file.path, file.path)
    except OSError as error:
        raise _unreadable(file, error) from None


def _readable(blocks: Iterator[CsvBlock], file: SourceFile) -> Iterator[CsvBlock]:
    """The blocks, a file that cannot be read being its fault; what goes wrong where they are written is none of it."""
    try:
        yield from blocks
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: SourceFile, error: OSError) -> FileFault:
    found = error.strerror or type(error).__name__
    return FileFault(
        file.path, "a readable file", found, "Check that it exists and that this user may read it."
    )


def _require(
    file: SourceFile, columns: Sequence[str], required: Sequence[str], dialect: CsvDialect | None
) -> None:
    """Raises FileFault where a file lacks a column, or has one with a name that is ours."""
    present = {column.casefold() for column in columns}
    if reserved := sorted(present & set(TRACED_COLUMNS)):
        expected = "columns other than _file and _line, which are given to every row"
        raise FileFault(file.path, expected, f"the column {', '.join(reserved)}", "Rename it in the file.")
    if missing := [column for column in required if column.casefold() not in present]:
        raise missing_columns_fault(file.path, columns, missing, hint=_delimiter_hint(columns, dialect))


def _delimiter_hint(columns: Sequence[str], dialect: CsvDialect | None) -> str:
    if dialect is None or len(columns) != 1:
        return ""
    other = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in columns[0]), None)
    return f"Its fields look divided by {other!r}: add delim = {other!r} to its read_csv." if other else ""


def _malformed_table(malformed: Sequence[MalformedRow]) -> pa.Table:
    columns = [
        [row.line for row in malformed],
        [row.fault for row in malformed],
        [row.row for row in malformed],
    ]
    return pa.table(
        columns, schema=pa.schema([MALFORMED_SCHEMA.field(n) for n in ("_line", "_fault", "_row")])
    )


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
