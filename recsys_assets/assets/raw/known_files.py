"""KnownFiles: the previous rows of `source_files`, by path and pattern."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl

from recsys_assets.assets.raw.previous_listing import Row
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_lineage.files import FileScan, SourceFile
from recsys_lineage.files.source_bytes import unpacked_sha256
from recsys_lineage.records.parts.file_pattern import fits_pattern


class KnownFiles:
    """The previous rows of the table."""

    def __init__(self, before: pl.DataFrame, forget: frozenset[str], patterns: Collection[str]) -> None:
        self.rows = {(row["path"], row["pattern"]): row for row in before.iter_rows(named=True)}
        self._forget, self._patterns = forget, patterns

    def of(self, row: Row) -> Row:
        """The previous row of the same file and pattern; empty if there is none."""
        return self.rows.get((row["path"], row["pattern"]), {})

    def loaded(self, scan: FileScan) -> list[Row]:
        """The files of a scan that were loaded and are not to be forgotten.

        If the patterns of the SQL changed, a file belongs to the scan whose pattern it matches now.
        """
        return [
            row | {"pattern": scan.described()}
            for row in self.rows.values()
            if (
                row["pattern"] == scan.described()
                or (row["pattern"] not in self._patterns and fits_pattern(row["path"], scan.pattern))
            )
            and row["path"] not in self._forget
            and row["status"] in ("loaded", "gone", "faulty")
            and max(row["rows"] or 0, row["given"] or 0) > 0
        ]

    def contents(self, folder: SourceFolder, files: Iterable[SourceFile], pattern: str) -> dict[str, str]:
        """The hash of each file's content; a compressed file is unpacked if that was not done before."""
        found: dict[str, str] = {}
        for file in files:
            row = self.rows.get((file.path, pattern), {})
            is_known = row.get("sha256") == file.sha256 and row.get("fault") is None and row.get("content")
            if file.fault is None and is_known:
                found[file.path] = row["content"]
            elif file.fault is None:
                found[file.path] = unpacked_sha256(folder.root / file.path, file.path) or file.sha256
        return found

    def content_before_fault(self, row: Row) -> str | None:
        """The hash of a file's content when it could last be read; None if it never could."""
        before = self.of(row)
        was_faulty_then = before.get("status") == "faulty" and (before["given"] or 0) > 0
        was_read = before.get("status") in ("loaded", "gone", "duplicate")
        return before["content"] if was_read or was_faulty_then else None

    def was_copied(self, row: Row, other: str) -> bool:
        """Whether another file already had the same content when the file could still be read.

        Then it is a damaged delivery under an old name; else the other file brings back what the damage took.
        """
        before, same = self.of(row), self.rows.get((other, row["pattern"]), {})
        return (
            before.get("status") in ("loaded", "duplicate")
            and same.get("status") in ("loaded", "duplicate")
            and same["content"] == before["content"]
        )

    def drop(self, row: Row) -> None:
        """Forget the previous row of a file whose rows another file holds."""
        self.rows.pop((row["path"], row["pattern"]), None)

    def is_forgotten(self, path: str, pattern: str, sha256: str) -> bool:
        """Whether a person decided to leave out this content of the file."""
        row = self.rows.get((path, pattern), {})
        return path in self._forget or (row.get("status") == "forgotten" and row["sha256"] == sha256)
