"""Scans: the file patterns that a record's code read, so that the files of one scan are one dataset."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from recsys_lineage.errors import LineageError
from recsys_lineage.openlineage.translation.naming import LONGEST_NAME, DatasetName, below, dataset_at
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.file_pattern import fits_pattern, patterns_of
from recsys_lineage.records.parts.read import Read


@dataclass(frozen=True)
class Scan:
    """Files that were read together.

    Attributes:
        called: their name in column lineage.
        root: the base folder or URL of the patterns; None where they are absolute.
        patterns: the patterns, as written.
    """

    called: str
    root: str | None
    patterns: tuple[str, ...]

    @property
    def dataset(self) -> DatasetName:
        """The dataset of all its files, by a name that catalogs can look up."""
        if len(self.patterns) == 1:
            return dataset_at(below(self.root, self.patterns[0]))
        listed = f"{{{','.join(self.patterns)}}}"
        named = dataset_at(below(self.root, listed))
        if len(named.name) <= LONGEST_NAME:
            return named
        digest = hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return dataset_at(below(self.root, f"{{{self.patterns[0]},{len(self.patterns) - 1} more,{digest}}}"))

    def has(self, read: Read) -> bool:
        """Whether a file that was read belongs to the scan."""
        return read.root in (None, self.root) and self.names(read)

    def names(self, read: Read) -> bool:
        """Whether one of its patterns fits a file's path, wherever both begin."""
        return any(read.name == pattern or fits_pattern(read.name, pattern) for pattern in self.patterns)


def scans_of(record: Materialization) -> list[Scan]:
    """The scans of files in a record's statement, each once."""
    files = [read for read in record.reads if read.kind == "file"]
    found: dict[Scan, None] = {}
    for files_read in (record.statement.relations if record.statement else {}).values():
        if patterns := patterns_of(files_read.scan):
            found[Scan(files_read.scan, files_read.root, patterns)] = None
    left = [read for read in files if not any(scan.has(read) for scan in found)]
    if record.code.kind == "sql" and left:
        for patterns in _patterns_in(record.code.text):
            named = Scan(", ".join(patterns), None, patterns)
            folder = _folder(record, [read for read in left if named.names(read)])
            found[replace(named, root=folder)] = None
    return list(found)


@lru_cache(maxsize=1024)
def _patterns_in(sql: str) -> tuple[tuple[str, ...], ...]:
    """Paths or patterns in a statement's calls over files."""
    from recsys_lineage.sql.sql_text import SqlText  # and so does this

    try:
        return tuple(call.patterns for call in SqlText(sql).scans)
    except LineageError:  # of older code, or another dialect: its files are listed one by one
        return ()


def _folder(record: Materialization, reads: list[Read]) -> str | None:
    """Base folder of relative file names; for reads of older records, which lack it, from the statement that ran, else
    that of the code."""
    relative = [read for read in reads if not read.name.startswith("/") and "://" not in read.name]
    if not relative:
        return None
    if relative[0].root is not None:
        return relative[0].root
    for folder in _folders(record, relative[0].name):
        return folder
    return os.path.dirname(record.code.origin.partition(":")[0]) or None


def _folders(record: Materialization, name: str) -> Iterator[str]:
    if record.statement is not None:
        for match in re.finditer(rf"'([^']*)/{re.escape(name)}'", record.statement.text):
            yield match[1].replace("''", "'") or "/"
