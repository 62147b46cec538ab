"""File columns: columns of the files that a statement reads, from the files on this machine."""

from __future__ import annotations

import os
import re

import duckdb

from recsys_lineage.columns.binding.empty_tables import Columns
from recsys_lineage.columns.binding.inputs import Input
from recsys_lineage.columns.edges import of_column
from recsys_lineage.columns.relation import Value, folded
from recsys_lineage.errors import ColumnLineageError
from recsys_lineage.sql.file_call import FileCall, refuse_places_elsewhere
from recsys_lineage.sql.names import literal

HIDDEN = {"filename": "VARCHAR", "file_index": "UBIGINT", "file_row_number": "BIGINT"}
"""Columns that DuckDB adds to files, hidden unless an option asks for them → their types."""
_WILD = re.compile(r"[*?\[]")


def columns_of_files(call: FileCall, text: str) -> Columns | None:
    """Names and types of the columns that a call reads; None if the files are missing.

    Only the folders that the call names can be opened, and only the files' headers are read.

    Args:
        call: a call in the statement.
        text: the text of the call.

    Raises:
        SqlAssetError: it reads something other than files on this machine.
        ColumnLineageError: the files exist, and DuckDB cannot read them with the call's options.
    """
    refuse_places_elsewhere([call])
    folders = ", ".join(literal(_folder(pattern)) for pattern in call.patterns)
    with duckdb.connect(config={"threads": 1, "python_enable_replacements": False}) as connection:
        try:
            _ = connection.execute(f"SET allowed_directories = [{folders}]").fetchall()
            _ = connection.execute("SET enable_external_access = false").fetchall()
            rows = connection.execute(f"DESCRIBE FROM {text}").fetchall()
        except (duckdb.IOException, duckdb.PermissionException):
            return None
        except duckdb.Error as error:
            raise ColumnLineageError(
                f"DuckDB cannot read the files {', '.join(call.patterns)!r} in this way.",
                expected="a call that DuckDB accepts for the existing files",
                found=str(error).splitlines()[0],
                where=call.where,
                advice="correct the call, or the files",
            ) from None
    return tuple((name, kind) for name, kind, *_ in rows)


def hidden_of_files(call: FileCall, files: Input) -> dict[str, Value]:
    """The columns that DuckDB can name for files without showing them in a star, by folded name."""
    if not call.function.startswith(("read_", "parquet_scan")):
        return {}
    is_parquet = call.function in ("read_parquet", "parquet_scan")
    there = {folded(name) for name, _ in files.columns}
    return {
        name: Value(of_column(files.name, name), type=kind)
        for name, kind in HIDDEN.items()
        if name not in there and (is_parquet or name != "file_row_number")
    }


def _folder(pattern: str) -> str:
    """The folder that contains all files of a pattern."""
    parts = os.path.abspath(pattern).split("/")[:-1]
    wild = next((place for place, part in enumerate(parts) if _WILD.search(part)), len(parts))
    return "/".join(parts[:wild]) + "/"
