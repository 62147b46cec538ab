"""Files that nobody holds locked: their writer has closed them, or is no more."""

from __future__ import annotations

import fcntl
from pathlib import Path


def unlocked_files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder whose names match and that no process holds locked (flock), by name; not what they hold."""
    return [path for path in sorted(folder.glob(pattern)) if _is_unlocked(path)]


def _is_unlocked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
