"""FirstPartyModules: the project's own modules and their files, found without importing them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from recsys_lineage.assets.code.installed import install_folder


class FirstPartyModules:
    """The modules that belong neither to Python nor to other installed distributions.

    Args:
        owner: a top-level package; what is installed by the same distribution is first-party too.
        modules: files of modules that are first-party wherever they are.
    """

    def __init__(self, owner: str | None = None, modules: Mapping[str, Path] | None = None) -> None:
        self.owner, self._listed = owner, dict(modules or {})
        self._homes: dict[str, list[Path] | None] = {}
        self._paths: dict[str, Path | None] = {}
        self._seen: dict[Path, tuple[int, int] | None] = {}

    def saw(self, path: Path) -> None:
        """Note that the findings depend on a file or folder."""
        if path not in self._seen:
            self._seen[path] = _stamp(path)

    def changed(self) -> bool:
        """Whether a file or folder used in the analysis has changed since."""
        return any(_stamp(path) != stamp for path, stamp in self._seen.items())

    def seen(self) -> Mapping[Path, tuple[int, int] | None]:
        """The files and folders used in the analysis, with their times and sizes at that moment; None if there were
        none."""
        return self._seen

    def homes(self) -> Mapping[str, list[Path] | None]:
        """The top-level packages and modules looked up so far, with the folders of the project's own ones."""
        return self._homes

    def path(self, module: str) -> Path | None:
        """The file of a module, found below its top-level package; None for third-party modules."""
        if module in self._listed:
            return self._listed[module]
        if module not in self._paths:
            self._paths[module] = self._find(module)
        return self._paths[module]

    def _find(self, module: str) -> Path | None:
        top, *inner = module.split(".")
        for home in self.home(top) or ():
            place = home.joinpath(*inner)
            if place.parent.is_dir():
                self.saw(place.parent)
            if (place / "__init__.py").is_file():
                return place / "__init__.py"
            if inner and place.with_name(f"{place.name}.py").is_file():
                return place.with_name(f"{place.name}.py")
            if not inner and home.suffix == ".py" and home.is_file():  # one in an archive is no file
                return home
        return None

    def is_first_party(self, module: str) -> bool:
        """Whether a module is the project's own."""
        return module in self._listed or self.home(module.partition(".")[0]) is not None

    def home(self, top: str) -> list[Path] | None:
        """The folders of a first-party package, or the file of a first-party module; None for third-party ones."""
        if top not in self._homes:
            found = _places(top)
            if found and any(map(install_folder, found)) and not self._owns(top):
                found = None
            self._homes[top] = found
        return self._homes[top]

    def _owns(self, top: str) -> bool:
        """Whether an installed package comes from the owner's distribution."""
        if self.owner is None or not any(map(install_folder, _places(self.owner) or ())):
            return False
        return top in _siblings(self.owner)

    def is_there(self, module: str) -> bool:
        """Whether a name is that of a first-party module, or of a folder of first-party modules."""
        if self.path(module) is not None:
            return True
        top, *inner = module.split(".")
        return any(home.joinpath(*inner).is_dir() for home in self.home(top) or ())

    def module_of(self, path: Path) -> str | None:
        """The name of the module that a file of a first-party package is; None for any other file."""
        for module, listed in self._listed.items():
            if listed == path:
                return module
        for top, homes in self._homes.items():
            for home in homes or ():
                if home == path or home in path.parents:
                    inner = path.relative_to(home).with_suffix("").parts if home != path else ()
                    return ".".join((top, *inner)).removesuffix(".__init__")
        return None

    def below(self, package: str) -> tuple[str, ...]:
        """Every module of a first-party package, itself included, sorted."""
        names = [package] if self.path(package) is not None else []
        top, *inner = package.split(".")
        for home in () if package in self._listed else self.home(top) or ():
            folder = home.joinpath(*inner)
            for path in sorted(folder.rglob("*.py")) if folder.is_dir() else ():
                self.saw(path.parent)
                parts = path.relative_to(folder).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                if parts:
                    names.append(".".join((package, *parts)))
        return tuple(dict.fromkeys(sorted(names)))

    def files_next_to(self, module: str, name: str) -> tuple[Path, ...]:
        """Files of this name next to a module's code, in a data folder there, or likewise in a package around it."""
        path = self.path(module)
        if path is None:
            return ()
        folder, found = path.parent, []
        while True:
            for place in (
                folder / name,
                *(each / name for each in _folders(folder, folder.stat().st_mtime_ns)),
            ):
                is_there = place.is_file()
                if (
                    is_there or ".." in place.parts
                ):  # one that lies elsewhere counts too while it is not there
                    self.saw(place)
                if is_there:
                    found.append(place)
            if not (folder / "__init__.py").is_file() or not (folder.parent / "__init__.py").is_file():
                return tuple(found)
            folder = folder.parent


@cache
def _folders(folder: Path, changed: int) -> tuple[Path, ...]:
    """The folders in a code folder that contain no code."""
    return tuple(
        sorted(
            each
            for each in folder.iterdir()
            if each.is_dir() and not each.name.startswith((".", "__")) and not (each / "__init__.py").exists()
        )
    )


def _places(top: str) -> list[Path] | None:
    """Folders or file of a top-level package or module; None for the standard library and for missing ones."""
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return None
    try:
        spec = importlib.util.find_spec(top)
    except (ValueError, ImportError):  # a module without a spec, as __main__
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        return [Path(place) for place in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else None


@cache
def _siblings(owner: str) -> frozenset[str]:
    """The top-level packages of the owner's distribution, the owner included."""
    found = packages_distributions()
    mine = set(found.get(owner, ()))
    return frozenset({owner, *(top for top, names in found.items() if mine & set(names))})


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
