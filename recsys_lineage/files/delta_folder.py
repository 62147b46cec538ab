"""Files in the folder of a Delta table that its newest version no longer has, though they are still there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

LOG = "_delta_log"


def files_of_former_versions(root: Path, paths: Iterable[str]) -> frozenset[str]:
    """Those of some files that former versions of Delta tables had: they were replaced, deleted or merged into others.

    A table whose log cannot be read has none.

    Args:
        root: the data folder.
        paths: files below it, with forward slashes.
    """
    tables: dict[PurePosixPath, frozenset[str] | None] = {}
    former: set[str] = set()
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if folder not in tables:
                tables[folder] = _files_of(root / folder) if (root / folder / LOG).is_dir() else None
            if (now := tables[folder]) is not None:
                if _bare((root / path).absolute().as_posix()) not in now:
                    former.add(path)
                break
    return frozenset(former)


def _files_of(folder: Path) -> frozenset[str] | None:
    """The bare paths of the files of a table's newest version; None if its log cannot be read."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        uris = DeltaTable(folder.absolute().as_posix()).file_uris()
    except (DeltaError, OSError):
        return None
    return frozenset(_bare(uri.removeprefix("file://")) for uri in uris)


def _bare(path: str) -> str:
    """A path without percent signs: logs escape some characters of it, some of them twice."""
    while (bare := unquote(path)) != path:
        path = bare
    return path
