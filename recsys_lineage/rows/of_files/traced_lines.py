"""Lines of source files behind a row, and whether the files are still what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from recsys_lineage.rows.of_files.file_lines import FILE, LINE, changed

_BLOCK = 1 << 20


@dataclass(frozen=True)
class TracedLines:
    """Lines of one source file behind a row.

    Attributes:
        table, version: the table version whose asset read the file.
        file: its path below `root`.
        sha256: the hash of the file when it was read; None where no record has it.
        lines: the sorted line numbers, from 1; for a Parquet file row numbers. None for the whole file, if its
            lines are not known.
    """

    table: str
    version: int
    file: str
    root: str | None
    sha256: str | None
    lines: tuple[int, ...] | None


def named_lines(rows: pa.Table) -> dict[str, set[int]]:
    """Lines named in the columns of rows, by file."""
    lines: dict[str, set[int]] = {}
    for file, line in zip(rows[FILE].to_pylist(), rows[LINE].to_pylist(), strict=True):
        lines.setdefault(str(file), set()).add(line)
    return lines


def of_files(rows: pa.Table, files: Collection[object]) -> pa.Table:
    """The rows of some files."""
    return rows.filter(pa.array([file in files for file in rows[FILE].to_pylist()], pa.bool_()))


def check_file(lines: TracedLines, folder: Path) -> None:
    """Check that a file is unchanged since it was read.

    Raises:
        FilesChanged: it has changed, or is gone.
    """
    if lines.sha256 is None:
        return
    place = folder / lines.file
    found = "no file"
    if place.is_file():
        digest = hashlib.sha256()
        with place.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        found = digest.hexdigest()
    if found != lines.sha256:
        found = found if found == "no file" else f"sha256 {found[:16]}…"
        raise changed(lines.file, lines.table, lines.sha256, found, place)
