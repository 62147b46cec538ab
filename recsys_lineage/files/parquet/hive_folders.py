"""Hive partition columns in the names of folders, as in `orders/day=2024-01-01/part-0.parquet`."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote

from recsys_lineage.spelling import folded

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""Name of the folder for rows without a value."""


def folder_columns(path: str, present: frozenset[str] = frozenset()) -> dict[str, str | None]:
    """The columns and values in the folder names of a file's path.

    Args:
        path: the file, below the data folder.
        present: folded names to leave out, such as those of the file's own columns.
    """
    columns: dict[str, str | None] = {}
    known = set(present)
    for folder in PurePosixPath(path).parts[:-1]:
        name, equals, value = folder.partition("=")
        if equals and name and folded(name) not in known:
            known.add(folded(name))
            columns[name] = None if value in ("", NO_VALUE) else unquote(value)
    return columns
