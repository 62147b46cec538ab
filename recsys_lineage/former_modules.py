"""Former module names, for code written before modules moved into folders."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

FOLDERS = ("assets", "files", "lake", "orchestration", "records", "retention", "sql")
"""The folders into which modules moved; other folders have no public modules."""
_RENAMED = {
    "asset_codes": "orchestration/defined_assets",
    "kept_findings": "assets/code/findings_cache",
    "part": "records/parts/record_part",
    "run_records": "orchestration/recorded_runs",
}
"""Former module → its current module."""
_DIVIDED = {
    "asset_status": ("orchestration/defined_assets",),
    "materialization": ("records/parts/read", "records/parts/check_outcome"),
}
"""Former module → further modules that contain a part of it now."""


class _FormerModules(MetaPathFinder, Loader):
    """Import finder that finds `package.name` and `package.folder.name` in the current folder of `name.py`."""

    def __init__(self, package: str, folder: Path) -> None:
        self._package, self._folder = package, folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module under its former name, None where there was none."""
        return spec_from_loader(fullname, self) if self._now(fullname) else None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module all names of the modules with its content."""
        homes = [
            ".".join((self._package, *path.relative_to(self._folder).with_suffix("").parts))
            for path in self._now(module.__name__)
        ]
        warnings.warn(
            f"{module.__name__} has moved to {homes[0]}; its public names can be imported from {self._package}",
            DeprecationWarning,
            stacklevel=6,
        )
        for home in reversed(homes):
            held = vars(importlib.import_module(home))
            vars(module).update({key: value for key, value in held.items() if not key.startswith("__")})

    def _now(self, fullname: str) -> list[Path]:
        package, *folders = fullname.split(".")
        name = folders.pop() if folders else ""
        if package != self._package or len(folders) > 1 or not set(folders) <= set(FOLDERS):
            return []
        renamed = Path(_RENAMED.get(name, name)).name
        found = [
            place
            for folder in folders or FOLDERS
            for place in sorted((self._folder / folder).rglob(f"{renamed}.py"))
        ]
        return [*found, *(self._folder / f"{path}.py" for path in _DIVIDED.get(name, ()))] if found else []


def install(package: str, path: Sequence[str]) -> None:
    """Make the former names of a package's modules importable, after all existing modules."""
    sys.meta_path.append(_FormerModules(package, Path(path[0])))
