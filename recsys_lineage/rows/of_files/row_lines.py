"""Lines of a text file's rows, as DuckDB reads them: found by reading the records again, and counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from recsys_lineage.sql.file_call import FileCall
from recsys_lineage.sql.names import path_literal

_CSV = ("read_csv", "read_csv_auto")
_JSON = ("read_json", "read_json_auto", "read_ndjson", "read_ndjson_auto", "read_json_objects",
         "read_json_objects_auto", "read_ndjson_objects")  # fmt: skip
_PARQUET = ("read_parquet", "parquet_scan")
_OF_A_DIALECT = ("sep", "delim", "quote", "escape", "header", "skip", "comment", "new_line", "encoding", "compression",
                 "strict_mode", "null_padding", "sample_size", "max_line_size", "names", "ignore_errors")  # fmt: skip
"""Options of a call that say what a record is; those of values are not sniffed again."""
_OF_TYPES = ("columns", "types", "dtypes", "column_types", "all_varchar")
_NO_CHARACTER = ("", "(empty)", "\0")


def row_lines(
    connection: duckdb.DuckDBPyConnection, call: FileCall, path: Path, rows: int
) -> list[range] | None:
    """The lines of each row of a file, from 1; of a Parquet file the row's number.

    Args:
        connection: a connection that may open the file.
        call: the call of a SELECT that reads it, for its function and options.
        path: the file.
        rows: the number of rows that DuckDB reads from it.

    Returns:
        Its first line and those on which it goes on, in the order of the rows; None where the file has no lines, or
        where its records, read again with the dialect that DuckDB finds, are not as many as the rows.
    """
    if call.function in _PARQUET:
        return [range(number, number + 1) for number in range(1, rows + 1)]
    try:
        if call.function in _CSV:
            found = _csv_lines(connection, call, path)
        elif call.function in _JSON:
            found = _json_lines(path)
        else:
            return None
    except (duckdb.Error, csv.Error, UnicodeError, LookupError, OSError):
        return None
    return found if len(found) == rows else None


def _text(path: Path, encoding: str = "utf-8") -> io.TextIOWrapper:
    """A file's text with its line ends, of compressed files the content."""
    with pa.input_stream(path, compression="detect") as file:
        return io.TextIOWrapper(io.BytesIO(file.read()), encoding, newline="")


def _csv_lines(connection: duckdb.DuckDBPyConnection, call: FileCall, path: Path) -> list[range]:
    options = {
        each.name.casefold(): each.expression for each in call.arguments if each.args.get("expression")
    }
    of_dialect = "".join(
        f", {name} = {value.sql('duckdb')}" for name, value in options.items() if name in _OF_A_DIALECT
    )
    if not options.keys().isdisjoint(_OF_TYPES):  # which it would compare with those that it finds
        of_dialect += ", all_varchar = true"
    sniffed = connection.execute(f"FROM sniff_csv({path_literal(str(path))}{of_dialect})")
    names = [column[0] for column in sniffed.description or ()]
    (values,) = sniffed.fetchall()
    dialect = dict(zip(names, values, strict=True))
    columns = len(dialect["Columns"] or ())
    quote, escape = (_character(dialect[name]) for name in ("Quote", "Escape"))
    lines = _text(path, options["encoding"].name if "encoding" in options else "utf-8-sig")
    skipped = int(dialect["SkipRows"] or 0)
    for _ in range(skipped):
        lines.readline()
    reader = csv.reader(
        _records_only(lines, _character(dialect["Comment"])),
        delimiter=dialect["Delimiter"] or ",",
        quotechar=quote or '"',
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=escape in (None, quote),
        escapechar=None if escape in (None, quote) else escape,
        strict=True,
    )
    found: list[range] = []
    before = skipped
    for record in reader:
        end = skipped + reader.line_num
        if record or columns == 1:
            found.append(range(before + 1, end + 1))
        before = end
    return found[1:] if dialect["HasHeader"] else found


def _records_only(lines: io.TextIOWrapper, comment: str | None) -> Iterator[str]:
    """Lines, those of comments as empty ones."""
    for line in lines:
        yield "\n" if comment is not None and line.startswith(comment) else line


def _json_lines(path: Path) -> list[range]:
    text = _text(path).read()
    if text.lstrip()[:1] == "[":
        return []
    lines = enumerate(text.split("\n"), start=1)
    return [range(number, number + 1) for number, line in lines if line.strip()]


def _character(found: str | None) -> str | None:
    return None if found is None or found in _NO_CHARACTER else found
