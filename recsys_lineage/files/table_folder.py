"""Table folders: data files in the folder of a Delta, Iceberg or Hudi table, not all of whose rows are the table's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from recsys_lineage.files.fault import FileFault

_DELTA, _HUDI, _ICEBERG = "_delta_log", ".hoodie", "metadata"
_MIXED = "which keeps rows of former versions beside those of the newest"
_EXPORT = "Export the table's rows as Parquet or CSV, and deliver that"


@dataclass(frozen=True)
class TableFolders:
    """The folders of tables that some files lie in, and what the tables tell of these files.

    Attributes:
        former: the files that only former versions have: they were replaced, deleted or merged into others.
        faults: file → why its rows are not known to be those of the table.
    """

    former: frozenset[str]
    faults: dict[str, FileFault]


@dataclass(frozen=True)
class _Table:
    """The folder of a table.

    Attributes:
        files: the bare paths of the files of its newest version; None where they are not known.
        cut: those that have rows which were deleted since.
        found, advice: words for a file whose rows are not known.
    """

    files: frozenset[str] | None
    cut: frozenset[str] = field(default_factory=frozenset)
    found: str = ""
    advice: str = f"{_EXPORT}."


def table_folders(root: Path, paths: Iterable[str]) -> TableFolders:
    """The files of former versions, and those whose rows are not known, among files in the folders of tables.

    Args:
        root: the data folder.
        paths: files below it, with forward slashes.
    """
    tables: dict[PurePosixPath, _Table | None] = {}
    former: set[str] = set()
    faults: dict[str, FileFault] = {}
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if folder not in tables:
                tables[folder] = _table_in(root / folder)
            if (table := tables[folder]) is not None:
                bare = _bare((root / path).absolute().as_posix())
                if table.files is not None and bare not in table.files:
                    former.add(path)
                elif table.files is None or bare in table.cut:
                    expected = "a file all of whose rows are there"
                    faults[path] = FileFault(path, expected, table.found, table.advice)
                break
    return TableFolders(frozenset(former), faults)


def _table_in(folder: Path) -> _Table | None:
    """The table whose folder this is, if it is one."""
    if (folder / _DELTA).is_dir():
        return _delta_table(folder)
    if (folder / _HUDI).is_dir():
        return _Table(
            None,
            found="a file of a Hudi table, which keeps rows of former versions beside those of the newest",
        )
    if (folder / _ICEBERG).is_dir() and any((folder / _ICEBERG).glob("*.metadata.json")):
        with_duckdb = "as by COPY (FROM iceberg_scan('…')) TO 'orders.parquet' in DuckDB."
        return _Table(
            None,
            found=f"a file of an Iceberg table, {_MIXED}",
            advice=f"{_EXPORT}, {with_duckdb}",
        )
    return None


def _delta_table(folder: Path) -> _Table:
    """The table whose log lies in a folder."""
    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(folder.absolute().as_posix())
        files = frozenset(_bare(uri.removeprefix("file://")) for uri in table.file_uris())
        cut: frozenset[str] = frozenset()
        if "deletionVectors" in (table.protocol().reader_features or ()):
            marked = pa.table(table.deletion_vectors().read_all())["filepath"].to_pylist()
            cut = frozenset(_bare(uri.removeprefix("file://")) for uri in marked)
    except (DeltaError, OSError) as error:
        return _Table(
            None, found=f"a file of a Delta table whose log cannot be read ({type(error).__name__})",
            advice=f"Deliver its folder {_DELTA} completely, or export the table's rows as Parquet or CSV.",
        )  # fmt: skip
    return _Table(
        files,
        cut,
        found="a file of a Delta table some of whose rows were deleted by a deletion vector",
        advice=f"{_EXPORT}, or rewrite the file by REORG TABLE … APPLY (PURGE) where the table is kept.",
    )


def _bare(path: str) -> str:
    """A path without percent signs: logs escape some characters of it, some of them twice."""
    while (bare := unquote(path)) != path:
        path = bare
    return path
