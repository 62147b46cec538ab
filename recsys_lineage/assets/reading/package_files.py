"""PackageFiles: files of first-party packages that an asset's code may open without noting a read.

A change of such a file makes the asset stale because its code version covers the file's content. It covers what the
code names, as in `Path(__file__).parent / "rates.csv"`; it cannot know a path that comes from somewhere else.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from importlib.util import source_from_cache
from pathlib import Path
from types import FrameType
from typing import Protocol

from recsys_lineage.assets.code.code_version import owner_of
from recsys_lineage.assets.code.installed import install_folder
from recsys_lineage.assets.reading.calling_code import purpose_of
from recsys_lineage.assets.reading.surroundings import CODE, belongs_to_code, below, environment

EXPECTED = (
    "files of a package that the code names, so that its code version covers them; reads through its inputs"
)


class Covers(Protocol):
    """Coverage of a code version, see `CoveredCode`; the versions of assets do not cover how it is found."""

    def files(self) -> Collection[str]:
        """The data files, and the folders in which they were looked for."""
        ...

    def by_module(self) -> Mapping[str, Sequence[str]]:
        """The definitions, by module."""
        ...


class PackageFiles:
    """The files of first-party packages, of which those may be opened that the code version covers.

    Args:
        covers: what the code version covers, asked for once the code opens a file of a package; None where nothing is
            known.
        origin: the file that the code comes from, which may be in an installed package.
        is_kept: whether the result is kept until the code version changes; else the code may open all files.
    """

    def __init__(self, covers: Covers | None = None, origin: str = "", *, is_kept: bool = True) -> None:
        self._covers, self._is_kept = covers, is_kept
        self._installed = home_of(origin) if is_kept else None

    def is_own(self, path: str) -> bool:
        """Whether a file is in the installed package of the code, unlike all other installed files."""
        return self._installed is not None and below(path, (self._installed,))

    def may_be_opened(self, path: str, frames: Sequence[FrameType] = (), *, is_listed: bool = False) -> bool:
        """Whether a file is in a package, and covered as what it is opened for.

        Args:
            path: the file or folder, without links.
            frames: from the one that opens it outwards.
            is_listed: whether only the names in a folder are read.
        """
        if not belongs_to_code(path) or not self._is_kept:
            return belongs_to_code(path)
        purpose = purpose_of(frames)
        if purpose == "run":
            return _source_of(path).endswith(self._modules)
        return purpose == "list" or self._has(path, is_listed=is_listed)

    def may_be_open(self, path: str) -> bool:
        """Whether a file that a process was seen to open is no data: of the environment, code, or covered.

        Args:
            path: the file, without links.
        """
        if below(path, environment()) and not self.is_own(path):
            return True
        is_run = path.endswith(CODE) or is_byte_code(path)
        return belongs_to_code(path) and (is_run or self._has(path))

    def _has(self, path: str, *, is_listed: bool = False) -> bool:
        if path in self._known or not os.path.isdir(path):
            return path in self._known
        return below(path, self._known) or (is_listed and any(below(each, (path,)) for each in self._known))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(map(os.path.realpath, self._covers.files())) if self._covers else frozenset()

    @cached_property
    def _modules(self) -> tuple[str, ...]:
        """Ends of the paths of the modules whose definitions are covered."""
        named = self._covers.by_module() if self._covers else ()
        paths = [os.sep + name.replace(".", os.sep) for name in named]
        return tuple(path + end for path in paths for end in (".py", f"{os.sep}__init__.py"))


def _source_of(path: str) -> str:
    """The file of a module, from that of its byte code or itself."""
    try:
        return source_from_cache(path) if path.endswith(".pyc") else path
    except (ValueError, NotImplementedError):  # byte code without its source
        return path


def is_byte_code(path: str) -> bool:
    """Whether Python keeps the byte code of modules in a file, or files of it in a folder."""
    folder, name = os.path.split(path)
    return "__pycache__" in (name, os.path.basename(folder))


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
