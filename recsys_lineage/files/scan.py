"""A source's scan opened in DuckDB: every row with its file and line, every fault as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import duckdb
import pyarrow as pa

from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_file import CsvBlock, MalformedRow, csv_blocks
from recsys_lineage.files.fault import FileFault, changed_fault, missing_columns_fault, repeated_columns_fault
from recsys_lineage.files.parquet.column_shapes import Shapes, column_shapes, faults_of_shapes
from recsys_lineage.files.parquet.hive_folders import folder_columns
from recsys_lineage.files.parquet.parquet_file import (
    damaged_page_fault,
    decode_parquet,
    has_only_text,
    read_parquet_footer,
)
from recsys_lineage.files.parquet.parquet_options import ParquetOptions
from recsys_lineage.files.parquet.parquet_view import ROW_NUMBER, open_parquet
from recsys_lineage.files.parquet.repeated_header import FAULT, repeated_headers
from recsys_lineage.files.row_store import RowStore
from recsys_lineage.files.source_file import SourceFile, is_unchanged
from recsys_lineage.files.source_query import TRACED_COLUMNS, FileScan
from recsys_lineage.spelling import folded
from recsys_lineage.sql.names import is_pattern

MALFORMED_SCHEMA = pa.schema(
    [("_file", pa.string()), ("_line", pa.int64()), ("_fault", pa.string()), ("_row", pa.string())]
)


@dataclass(frozen=True, slots=True)
class KnownContent:
    """Content of a file as found by an earlier scan of the same options and required columns."""

    rows: int
    malformed: int = 0
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileReport:
    """Content of a file, or the reason why it is not read.

    `rows` counts the records, malformed ones included, and is None where the file has a `fault`. A file that was not
    read because its content is `known` has no rows in the scan's relations.
    """

    file: SourceFile
    rows: int | None
    columns: tuple[str, ...]
    malformed: int = 0
    fault: FileFault | None = None
    known: bool = False


@dataclass(frozen=True)
class OpenedScan:
    """A scan as two relations of a connection.

    `relation` has the files' columns, `_file` and `_line`; `malformed` has `_file`, `_line`, `_fault` and `_row`.
    `schema` has the files' columns with their DuckDB types. Files with a fault have a report and no rows.
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
        """The faults of the files that were refused."""
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
    known: Mapping[tuple[str, str], KnownContent] | None = None,
    named_at: Mapping[str, str] | None = None,
) -> OpenedScan:
    """Create the views `relation_name` and `<relation_name>_malformed` in `con` from the good files of a scan.

    CSV columns are text, empty fields NULL; Parquet columns keep their types; columns of folders (`day=2024-01-01/`)
    are text. A column that only some of the files have is NULL in the others; if the SQL names it, `union_by_name =
    true` is required, because otherwise a renamed column would go unnoticed. A Parquet file is faulty if such a column
    has no common type with that of most files: a list, say, where theirs are single values. Files are read one at a
    time, and memory stays bounded for any size and number of files: many rows go to disk, into files that are deleted
    with the connection. If no file is good, the relation is empty and has the required columns as text.

    The bytes of a CSV file are hashed as they are parsed, and a hash other than the file's `sha256` is a fault. DuckDB
    reads Parquet files only when the relation is queried. So their sizes, times and, for files written shortly before,
    hashes are compared here with those of the hashed file; the caller compares again after the query (`is_unchanged`).

    Args:
        decode: read Parquet files completely, not only their footers, so that a damaged page is a fault. CSV files are
            always read completely.
        known: path and sha256 → content of files that need not be read completely again. Such a CSV file has a report
            but no rows; a Parquet file has its rows.
        named_at: positions of the required columns in the SQL, for messages.

    Raises:
        SourceSqlError: the scan's options are wrong.
        InsufficientSpace: rows cannot be written to the temporary folder.
        FilesChanged: DuckDB reads another number of rows of a Parquet file than its footer has.
    """
    inspection = _Inspection(root, scan, required_columns, decode, known or {}, named_at or {})
    malformed = f"{relation_name}_malformed"
    rows, faulty_rows = RowStore(con, relation_name), RowStore(con, malformed)
    reports = []
    for file in files:
        report = inspection.of(file, rows, faulty_rows)
        for store in (rows, faulty_rows):
            if report.fault is None:
                store.accept()
            else:
                store.drop()
        reports.append(report)
    reports = inspection.compared(reports, faulty_rows)
    faulty_rows.register([(field.name, field.type) for field in MALFORMED_SCHEMA])
    good = [report for report in reports if report.fault is None]
    if inspection.parquet is not None and good:
        expected = {report.file.path: report.rows or 0 for report in good}
        columns = {folded(column) for report in good for column in report.columns}
        schema = open_parquet(
            con,
            root,
            expected,
            relation_name,
            inspection.parquet,
            columns,
            required_columns,
            without={path: [row.line - 1 for row in headers] for path, headers in inspection.headers.items()},
        )
    else:
        names: dict[str, str] = {}
        for column in (column for report in good for column in report.columns):
            names.setdefault(folded(column), normalize("NFC", column))
        for column in required_columns:
            if names.get(folded(column), "").casefold() != column.casefold():
                names[folded(column)] = column
        texts = tuple(names.values())
        rows.register(
            [*((name, pa.string()) for name in texts), ("_file", pa.string()), ("_line", pa.int64())]
        )
        schema = tuple((column, "VARCHAR") for column in texts)
    return OpenedScan(relation_name, malformed, schema, tuple(reports))


class _Inspection:
    """Inspection of the files of a scan."""

    def __init__(
        self,
        root: Path,
        scan: FileScan,
        required: Sequence[str],
        decode: bool,
        known: Mapping[tuple[str, str], KnownContent],
        named_at: Mapping[str, str],
    ) -> None:
        self.named_at = named_at
        self.root, self.required, self.decode, self.known = root, required, decode, known
        self.csv = CsvDialect.of(scan) if scan.function == "read_csv" else None
        self.parquet = None if self.csv else ParquetOptions.of(scan)
        self.folders = dict(scan.options).get("hive_partitioning", True) is True
        self.may_lack = dict(scan.options).get("union_by_name") is True
        self.headers: dict[str, Sequence[MalformedRow]] = {}
        self.shapes: dict[Shapes, list[SourceFile]] = {}
        self._columns: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, file: SourceFile, rows: RowStore, malformed: RowStore) -> FileReport:
        """Content of one file; the rows of a CSV file go to the stores."""
        try:
            if file.fault is not None:
                raise file.fault
            if self.csv is not None:
                if (known := self.known.get((file.path, file.sha256))) is not None:
                    return FileReport(
                        file, known.rows, self._shared(known.columns), known.malformed, known=True
                    )
                return self._of_csv(file, self.csv, rows, malformed)
            return self._of_parquet(file)
        except FileFault as fault:
            return FileReport(file, None, (), fault=fault)

    def compared(self, reports: Sequence[FileReport], malformed: RowStore) -> list[FileReport]:
        """Reports in which a Parquet file with columns of other shapes than most is faulty; headers among the rows of
        the other files go to the store."""
        apart = faults_of_shapes(self.shapes)
        self.headers = {path: rows for path, rows in self.headers.items() if path not in apart}
        for path, rows in self.headers.items():
            malformed.take(path, _malformed_table(rows))
            malformed.accept()
        return [
            FileReport(report.file, None, (), fault=apart[report.file.path])
            if report.file.path in apart
            else report
            for report in reports
        ]

    def _of_csv(
        self, file: SourceFile, dialect: CsvDialect, rows: RowStore, malformed: RowStore
    ) -> FileReport:
        columns: tuple[str, ...] = ()
        folders: dict[str, str | None] = {}
        good = bad = 0
        blocks = csv_blocks(self.root / file.path, file.path, dialect, sha256=file.sha256)
        for block in _readable(blocks, file):
            if not columns:
                folders = self._folders(file, block.columns)
                columns = (*block.columns, *folders)
                self._require(file, columns, block.repeated, TRACED_COLUMNS)
            rows.take(file.path, _with_folders(block.rows, folders))
            if block.malformed:
                malformed.take(file.path, _malformed_table(block.malformed))
            good += block.rows.num_rows
            bad += len(block.malformed)
        return FileReport(file, good + bad, self._shared(columns), bad)

    def _of_parquet(self, file: SourceFile) -> FileReport:
        path = self.root / file.path
        if "\\" in str(path) and is_pattern(str(path)):
            found = f"the path {str(path)!r}, which DuckDB can only take for a pattern"
            expected = "a path without a backslash next to *, ? or ["
            raise FileFault(file.path, expected, found, "Rename the file or its folder.")
        try:
            schema, count = read_parquet_footer(path, file.path)
        except OSError as error:
            raise _unreadable(file, error) from None
        columns = tuple(schema.names)
        keys = [folded(column) for column in columns]
        repeated = [column for column in columns if keys.count(folded(column)) > 1]
        columns = (*columns, *self._folders(file, columns))
        self._require(file, columns, repeated, (*TRACED_COLUMNS, ROW_NUMBER))
        if self.decode and (file.path, file.sha256) not in self.known:
            decode_parquet(path, file.path)
        try:
            headers = repeated_headers(path) if has_only_text(schema) else []
        except (pa.ArrowException, OSError) as error:  # a damaged page; it is found where the file is decoded
            raise damaged_page_fault(file.path, error) from None
        if not is_unchanged(path, file):
            raise changed_fault(file.path)
        if headers:
            self.headers[file.path] = [MalformedRow(row + 1, FAULT, ",".join(columns)) for row in headers]
        bytes_are_text = self.parquet is not None and self.parquet.binary_as_string
        shapes = column_shapes(schema, self.required, bytes_are_text=bytes_are_text)
        self.shapes.setdefault(shapes, []).append(file)
        return FileReport(file, count, self._shared(columns), len(headers))

    def _folders(self, file: SourceFile, columns: Sequence[str]) -> dict[str, str | None]:
        if not self.folders or "=" not in file.path:
            return {}
        return folder_columns(file.path, frozenset(map(folded, (*columns, *TRACED_COLUMNS))))

    def _shared(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Columns as one object that all files with the same columns share."""
        return self._columns.setdefault(columns, columns)

    def _require(
        self, file: SourceFile, columns: Sequence[str], repeated: Sequence[str], ours: Sequence[str]
    ) -> None:
        """Raise FileFault if a file lacks a column, has it twice, or has one with a reserved name."""
        present = {folded(column) for column in columns}
        if reserved := sorted(present & set(ours)):
            expected = (
                f"columns other than {', '.join(ours[:-1])} and {ours[-1]}, by which every row is traced"
            )
            raise FileFault(
                file.path, expected, f"the column {', '.join(reserved)}", "Rename it in the file."
            )
        required = {folded(column) for column in self.required}
        if twice := [column for column in repeated if folded(column) in required]:
            raise repeated_columns_fault(file.path, twice)
        missing = [column for column in self.required if folded(column) not in present]
        if missing and not (self.may_lack and len(missing) < len(self.required)):
            hint = _delimiter_hint(columns, self.csv)
            raise missing_columns_fault(file.path, columns, missing, hint=hint, named_at=self.named_at)


def _readable(blocks: Iterator[CsvBlock], file: SourceFile) -> Iterator[CsvBlock]:
    """The blocks of a file; an error in reading it is a fault of the file, an error in writing its rows is not."""
    try:
        yield from blocks
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: SourceFile, error: OSError) -> FileFault:
    found = error.strerror or type(error).__name__
    return FileFault(
        file.path, "a readable file", found, "Check that it exists and that this user may read it."
    )


def _delimiter_hint(columns: Sequence[str], dialect: CsvDialect | None) -> str:
    if dialect is None or len(columns) != 1:
        return ""
    other = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in columns[0]), None)
    return f"Its fields look divided by {other!r}: add delim = {other!r} to its read_csv." if other else ""


def _with_folders(rows: pa.Table, folders: Mapping[str, str | None]) -> pa.Table:
    for name, value in folders.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, pa.string()), rows.num_rows))
    return rows


def _malformed_table(malformed: Sequence[MalformedRow]) -> pa.Table:
    columns = [
        [row.line for row in malformed],
        [row.fault for row in malformed],
        [row.row for row in malformed],
    ]
    return pa.table(
        columns, schema=pa.schema([MALFORMED_SCHEMA.field(n) for n in ("_line", "_fault", "_row")])
    )
