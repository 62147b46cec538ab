"""PackageFiles: files of first-party packages that an asset's code may open without noting a read.

A change of such a file makes the asset stale because its code version covers the file's content. It covers what the
code names, as in `Path(__file__).parent / "rates.csv"`; it cannot know a path that comes from somewhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from types import FrameType

from recsys_lineage.assets.code.code_version import owner_of
from recsys_lineage.assets.code.installed import install_folder
from recsys_lineage.assets.reading.calling_code import executes_code
from recsys_lineage.assets.reading.surroundings import CODE, belongs_to_code, below, environment

EXPECTED = (
    "files of a package that the code names, so that its code version covers them; reads through its inputs"
)


class PackageFiles:
    """The files of first-party packages, of which those count that the code version covers.

    Args:
        covered: returns the files that the code version covers, and the folders in which it looked for them; asked for
            once, when the code opens a file of a package. None for code whose result nothing keeps, which may open all.
        origin: the file that the code comes from, which may be in an installed package.
    """

    def __init__(self, covered: Callable[[], Collection[str]] | None = None, origin: str = "") -> None:
        self._ask = covered
        self._installed = home_of(origin) if covered is not None else None

    def is_own(self, path: str) -> bool:
        """Whether a file is in the installed package of the code, unlike all other installed files."""
        return self._installed is not None and below(path, (self._installed,))

    def may_be_opened(self, path: str, frames: Sequence[FrameType]) -> bool:
        """Whether a file is in a package, and is run as code or covered.

        Args:
            path: the file or folder, without links.
            frames: from the one that opens it outwards.
        """
        return belongs_to_code(path) and (self._ask is None or executes_code(frames) or self._covers(path))

    def may_be_open(self, path: str) -> bool:
        """Whether a file that a process was seen to open is no data: of the environment, code, or covered.

        Args:
            path: the file, without links.
        """
        if below(path, environment()) and not self.is_own(path):
            return True
        is_run = path.endswith(CODE) or f"{os.sep}__pycache__{os.sep}" in path
        return belongs_to_code(path) and (is_run or self._covers(path))

    def _covers(self, path: str) -> bool:
        if path in self._known or not os.path.isdir(path):
            return path in self._known
        return below(path, self._known) or any(below(each, (path,)) for each in self._known)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(map(os.path.realpath, self._ask())) if self._ask is not None else frozenset()


def home_of(origin: str) -> str | None:
    """The folder of the installed package that a file belongs to; None for any other file."""
    folder, top = install_folder(Path(origin)), owner_of(origin)
    return None if folder is None or top is None else os.path.realpath(folder / top)


def naming_advice(path: str) -> str:
    """Advice on a file of a package that the code version does not cover."""
    return (
        f"name it in the code, as in Path(__file__).with_name({os.path.basename(path)!r}), so that its code version "
        f"covers it, or read it with inputs.open_file({path!r}), which notes the read"
    )
