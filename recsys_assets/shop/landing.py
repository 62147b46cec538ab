"""The landing folder for new files; changes in it are detected by size and time first, then by content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from recsys_assets.shop.source import Source
from recsys_lineage.files import list_files


def stat_hash(landing: Path) -> str:
    """A hash of the names, sizes and times of all files below the folder; no file is opened."""
    seen: list[tuple[str, int, int]] = []
    for folder, _, names in os.walk(landing):
        for name in names:
            path = Path(folder, name)
            try:
                stat = path.stat()
            except (
                FileNotFoundError
            ):  # taken away meanwhile, or a link to nothing: as if it had not been there
                continue
            seen.append((path.relative_to(landing).as_posix(), stat.st_size, stat.st_mtime_ns))
    return _hash(sorted(seen))


def contents(landing: Path, source: Source) -> str | None:
    """A hash of the paths and contents of its files that the source reads; None if there are none."""
    patterns = {named.scan.pattern for named in source.scans()}
    found = {(file.path, file.sha256) for pattern in patterns for file in list_files(landing, pattern)}
    return _hash(sorted(found)) if found else None


def _hash(seen: object) -> str:
    return hashlib.sha256(repr(seen).encode()).hexdigest()
