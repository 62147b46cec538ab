"""Data files of first-party packages: what a path in code, partly known, may lead to."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from recsys_lineage.assets.code.first_party import FirstPartyModules

_CODE = frozenset({".py", ".pyc", ".pyd", ".pyi", ".pyo", ".so"})


class DataFiles:
    """Search for files by patterns, in which `*` stands for any text.

    Only files in the packages are searched: a folder around them may be anything, such as the home of all data.

    Args:
        modules: the first-party modules, which note what was looked at.
    """

    def __init__(self, modules: FirstPartyModules) -> None:
        self._modules = modules
        self._below: dict[tuple[str, bool, bool], tuple[Path, ...]] = {}

    def matching(self, pattern: str) -> tuple[tuple[Path, str], ...]:
        """The files that a pattern leads to, each with its name below the pattern's folder.

        A folder stands for every file below it. Code is left out, except files that are named as such.
        """
        pattern = os.path.normpath(pattern)
        known, star, _ = pattern.partition("*")
        if not star:
            path = Path(pattern)
            if path.is_file():
                self._modules.saw(path)
                return ((path, path.name),)
            if not path.is_dir():
                self._modules.saw(path)
                return ()
        folder = os.path.dirname(known) if star else pattern
        matches = re.compile(
            ".*".join(map(re.escape, re.split(r"\*+", pattern))) + "(/.*)?", re.DOTALL
        ).fullmatch
        found = self.below(folder, code=True) if pattern.endswith(".py") else self.below(folder)
        return tuple((path, os.path.relpath(path, folder)) for path in found if matches(str(path)))

    def below(self, folder: str, *, packages: bool = True, code: bool = False) -> tuple[Path, ...]:
        """The data files below a folder of a first-party package, sorted; without those of packages in it if not
        `packages`, with the files of code if `code`."""
        key = (folder, packages, code)
        if key not in self._below:
            self._below[key] = tuple(self._walk(folder, packages, code)) if self._is_ours(folder) else ()
        return self._below[key]

    def _is_ours(self, folder: str) -> bool:
        return any(
            home.suffix != ".py" and (folder == str(home) or folder.startswith(f"{home}{os.sep}"))
            for homes in self._modules.homes().values()
            for home in homes or ()
        )

    def _walk(self, folder: str, packages: bool, code: bool) -> Iterator[Path]:
        for name, folders, files in os.walk(folder):
            self._modules.saw(Path(name))
            folders[:] = sorted(
                each
                for each in folders
                if not each.startswith((".", "__"))
                and (packages or not os.path.exists(os.path.join(name, each, "__init__.py")))
            )
            for each in sorted(files):
                ending = os.path.splitext(each)[1]
                if (ending not in _CODE or (code and ending == ".py")) and not each.startswith("."):
                    path = Path(name, each)
                    self._modules.saw(path)
                    yield path


def content_of(path: Path) -> str:
    """A hash of a file's content; of an empty text for a file that cannot be read."""
    try:
        found = path.stat()
        return _content(path, found.st_mtime_ns, found.st_size)
    except OSError:
        return hashlib.sha256().hexdigest()


@lru_cache(maxsize=4096)
def _content(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        total = hashlib.sha256()
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()
