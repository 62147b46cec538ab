"""Unlocked files: files that no process holds locked, because their writer has closed them or died."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


def unlocked_files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder with matching names that no process holds locked (flock), by name."""
    return [path for path in sorted(folder.glob(pattern)) if _is_unlocked_at(path)]


def is_unlocked(file: IO[bytes]) -> bool:
    """Whether no process holds an open file locked (flock) at this moment."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def _is_unlocked_at(path: Path) -> bool:
    with path.open("rb") as file:
        return is_unlocked(file)
