"""The files of installed distributions, wherever an installer put them."""

from __future__ import annotations

import inspect
import sys
from functools import cache
from pathlib import Path

_FOLDERS = frozenset({"site-packages", "dist-packages"})


def install_folder(path: Path) -> Path | None:
    """The installation folder of a file or a package; None for code that was not installed.

    Everything below `site-packages` is installed. In other folders, such as the target of an installation
    by pip, a package counts as installed if the metadata of a distribution next to it lists it, because first-party
    code may be in the same folder.
    """
    inside: Path | None = None
    for folder in path.parents:
        if folder.name in _FOLDERS:
            return folder
        top = path.relative_to(folder).parts[0].removesuffix(".py")
        if inside is None and folder.is_dir() and top in _listed(folder, folder.stat().st_mtime_ns):
            inside = folder
    return inside


def is_loose(module: str, path: Path) -> bool:
    """Whether a module outside the import path is first-party: a script, or one that was loaded by its path."""
    return (
        module.partition(".")[0] not in sys.stdlib_module_names
        and install_folder(path) is None
        and Path(inspect.__file__).parent not in path.parents
    )


@cache
def _listed(folder: Path, changed: int) -> frozenset[str]:
    """The top-level modules and packages of the distributions with metadata in a folder."""
    tops: set[str] = set()
    for record in folder.glob("*.dist-info/RECORD"):
        for line in record.read_text("utf-8", "replace").splitlines():
            tops.add(line.lstrip('"').partition(",")[0].partition("/")[0].removesuffix(".py"))
    return frozenset(tops)
