"""The files of installed distributions, wherever an installer put them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDERS = frozenset({"site-packages", "dist-packages"})


def install_folder(path: Path) -> Path | None:
    """The folder into which a file or a package was installed; None for code that nobody installed.

    Everything below `site-packages` is installed. Elsewhere, as where pip was told a target, a package is if the
    metadata of a distribution beside it lists it: own code may lie in the same folder.
    """
    inside: Path | None = None
    for folder in path.parents:
        if folder.name in _FOLDERS:
            return folder
        top = path.relative_to(folder).parts[0].removesuffix(".py")
        if inside is None and folder.is_dir() and top in _listed(folder, folder.stat().st_mtime_ns):
            inside = folder
    return inside


@cache
def _listed(folder: Path, changed: int) -> frozenset[str]:
    """The top-level modules and packages of the distributions whose metadata lies in a folder."""
    tops: set[str] = set()
    for record in folder.glob("*.dist-info/RECORD"):
        for line in record.read_text("utf-8", "replace").splitlines():
            tops.add(line.lstrip('"').partition(",")[0].partition("/")[0].removesuffix(".py"))
    return frozenset(tops)
