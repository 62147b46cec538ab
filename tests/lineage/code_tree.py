"""A package that a test writes, whose definitions are reached."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

from recsys_lineage.assets.code.code_version import reachable

_numbers = itertools.count()


class Tree:
    """A package written by a test, imported from its folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name

    def write(self, files: dict[str, str]) -> None:
        """Writes modules of the package, and of others whose names begin like its own; `PKG` stands for its name."""
        for path, text in {"__init__.py": "", **files}.items():
            is_other = path.startswith("PKG")
            place = (
                self.folder / path.replace("PKG", self.name) if is_other else self.folder / self.name / path
            )
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text.replace("PKG", self.name))

    def get(self, module: str, name: str) -> Any:
        importlib.invalidate_caches()
        return getattr(importlib.import_module(f"{self.name}.{module}"), name)

    def reached(self, root: object, **options: Any) -> set[str]:
        """The definitions as `module.name`, the package's name left out."""
        return {f"{d.module}.{d.name}".removeprefix(f"{self.name}.") for d in reachable(root, **options)}

    @classmethod
    def fresh(cls, folder: Path) -> Tree:
        """A package of a name that no other test has."""
        return cls(folder, f"written_{next(_numbers)}")
