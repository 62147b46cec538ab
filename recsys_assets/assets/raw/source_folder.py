"""SourceFolder: a source together with its data folder."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from recsys_assets.assets.raw.overlooked_files import overlooked_files
from recsys_assets.settings import Settings
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.source import NamedScan, Source
from recsys_lineage.errors import LineageError
from recsys_lineage.files import SourceFile, list_files, names_in
from recsys_lineage.files.own_file import relations_by_file
from recsys_lineage.files.path_meaning import path_expressions
from recsys_lineage.files.source_file import found_paths


class NoFiles(LineageError):
    """The data folder has no file that the source could load."""


@dataclass(frozen=True)
class SourceFolder:
    """A source and the folder that its files lie in."""

    code_version_fields: ClassVar[tuple[str, ...]] = ()
    """No attribute: where the folder lies changes no result, and parameters have what the assets use of the source."""
    source: Source
    root: Path

    def listed(self) -> dict[NamedScan, list[SourceFile]]:
        """The files of each scan, by path, files in `landing/` last.

        Raises:
            NoFiles: when the folder is missing.
        """
        self._require_folder()
        return {named: list_files(self.root, named.scan.pattern) for named in self.source.scans()}

    def paths(self) -> dict[NamedScan, list[str]]:
        """The paths of the files of each scan, in the order of `listed`; no file is opened.

        Raises:
            NoFiles: when the folder is missing.
        """
        self._require_folder()
        return {named: list(found_paths(self.root, named.scan.pattern)) for named in self.source.scans()}

    def overlooked(self) -> dict[str, str]:
        """Files that match no pattern though their names are similar to that of a file that is read → that file's path.

        Raises:
            NoFiles: when the folder is missing.
        """
        return overlooked_files(self.root, {path for paths in self.paths().values() for path in paths})

    def without_files(self, known: Collection[str]) -> tuple[str, ...]:
        """The patterns of scans that no file matches.

        Args:
            known: described patterns of scans that files have matched before.

        Raises:
            NoFiles: when the folder is missing.
        """
        return tuple(
            sorted(
                named.scan.pattern
                for named, paths in self.paths().items()
                if not paths and named.scan.described() not in known
            )
        )

    @property
    def patterns(self) -> str:
        """The patterns of the source's scans, for messages."""
        return ", ".join(sorted({named.scan.pattern for named in self.source.scans()}))

    def _require_folder(self) -> None:
        if not self.root.is_dir():
            raise NoFiles(
                "The data folder is missing.",
                expected=f"a folder with files {self.patterns}",
                found="no folder",
                where=str(self.root),
                advice="set RECSYS_DATA to the folder of your files",
            )

    def no_files(self) -> NoFiles:
        """The error of a folder in which no file fits any pattern."""
        there = names_in(self.root)[:8]
        return NoFiles(
            "The data folder holds no file of the source.",
            expected=f"files {self.patterns}",
            found=", ".join(there) or "an empty folder",
            where=str(self.root),
            advice="copy the files there, or fix the patterns in the source's SQL",
        )

    def observe(self) -> str:
        """A hash of all paths and contents: it changes when a file is added, changed or deleted."""
        seen = sorted({(f.path, f.sha256) for files in self.listed().values() for f in files})
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]

    def scans_by_file(self, table: str) -> frozenset[NamedScan]:
        """The scans of a raw table whose files each contribute rows of their own; all rows may depend on the other
        scans."""
        query = self.source.queries.get(table)
        if query is None:
            return frozenset()
        named = self.source.table_scans(table)
        sql = query.rewritten({each.scan: each.relation for each in named})
        own = relations_by_file(sql, frozenset(each.relation for each in named))
        return frozenset(each for each in named if each.relation in own)

    def shared_scans(self, table: str) -> frozenset[NamedScan]:
        """The scans of a raw table on which all rows may depend, such as a lookup that is joined."""
        if table not in self.source.queries:
            return frozenset()
        return frozenset(self.source.table_scans(table)) - self.scans_by_file(table)

    def path_expressions(self, named: NamedScan) -> tuple[str, ...]:
        """Expressions over file paths in the SQL of all tables that read a scan."""
        return tuple(
            dict.fromkeys(
                expression
                for query in self.source.queries.values()
                if named.scan in query.scans
                for expression in path_expressions(
                    query.rewritten({each.scan: each.relation for each in self.source.scans()})
                )
            )
        )


def source_folder(settings: Settings) -> SourceFolder:
    """The source of the settings and the folder of its files.

    Raises:
        LineageError: when the settings name no data folder and the source has none of its own.
        SourceError: when the source cannot be loaded.
    """
    source = load_source(settings.source)
    root = settings.data or source.data_folder()
    if root is None:
        raise LineageError(
            f"The source {source.name} has no data of its own.",
            expected="RECSYS_DATA to name the folder of its files",
            found="no RECSYS_DATA",
            advice=f"RECSYS_SOURCE={source.name} RECSYS_DATA=path/to/files recsys demo",
        )
    return SourceFolder(source, root)
