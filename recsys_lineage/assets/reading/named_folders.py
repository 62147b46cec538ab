"""NamedFolders: the folders on this machine from which an asset's code could open files, as its texts name them.

Texts are those that the code, its parameters and the environment variables hold. A path that the code takes from a
table or from another file is none of them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.reading.held_files import held_texts
from recsys_lineage.assets.reading.surroundings import below, environment, is_device

_LONGEST = 4_096
_NO_DATA = (os.sep, "/etc")
"""Folders that many programs look into, and that no shop keeps data in."""
MOST_BELOW = 1_000
"""The most folders below a named one that are looked at."""


class NamedFolders:
    """Folders that an asset's code names, by itself or by a file in them.

    Args:
        asset: the asset.
        known: folders that are looked at anyway; a folder around one of them does not count with all that is below it.

    Attributes:
        found: the folders.
        too_large: those among them that have too many folders below, which are left out.
    """

    def __init__(self, asset: AssetCode, known: Collection[Path]) -> None:
        self._around = tuple(map(str, (*known, Path.home(), Path.cwd(), *environment())))
        self.found: set[Path] = set()
        self.too_large: set[Path] = set()
        for text in set(_texts(asset)):
            self._add(text)

    def _add(self, text: str) -> None:
        text = text.removeprefix("file://")
        if not text or len(text) > _LONGEST or "\0" in text:
            return
        place = os.path.realpath(os.path.expanduser(text))
        is_folder = os.path.isdir(place)
        folder = place if is_folder else os.path.dirname(place)
        while os.path.isabs(text) and not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        is_named = is_folder or os.path.isabs(text) or os.sep in text or os.path.isfile(place)
        if not is_named or not os.path.isdir(folder) or folder in _NO_DATA or is_device(folder):
            return
        if below(folder, environment()) or Path(folder) in self.found:
            return
        self.found.add(Path(folder))
        if is_folder and not any(below(known, (folder,)) for known in self._around):
            self._add_below(folder)

    def _add_below(self, top: str) -> None:
        ahead, met = [top], {top}
        for folder in ahead:
            for entry in _entries(folder):
                place = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                inner = place if entry.is_dir() else os.path.dirname(place)
                if inner not in met and not below(inner, environment()):
                    met.add(inner)
                    if len(met) > MOST_BELOW:
                        self.too_large.add(Path(top))
                        return
                    if entry.is_dir():
                        ahead.append(inner)
        self.found.update(map(Path, met))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [each for each in found if each.is_dir() or each.is_symlink()]
    except OSError:  # not ours to look into
        return []


def _texts(asset: AssetCode) -> Iterator[str]:
    yield from held_texts(asset.compute)
    if asset.covers is not None:
        yield from asset.covers.constants()[0]
    yield from _inside(asset.parameters)
    for value in os.environ.values():
        yield from value.split(os.pathsep)


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _inside(each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _inside(each)
