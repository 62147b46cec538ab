"""CoveredCode: the first-party code that an asset's code version covers, analysed on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recsys_lineage.assets.code.code_version import (
    by_module,
    codebase_around,
    constants_reached,
    files_reached,
    reachable,
)
from recsys_lineage.assets.code.reachable_code import Codebase, Definition


@dataclass(frozen=True)
class CoveredCode:
    """The code behind a code version; the arguments are those of `code_version`.

    Attributes:
        root: a function, method, class, partial or callable object; None where only `more_roots` are code.
        parameters: values; code among them is covered too.
        more_roots: further code that runs for the asset.
        owner: top-level package that the code belongs to; that of the root when left out.
    """

    root: object
    parameters: Mapping[str, Any] = field(default_factory=dict)
    more_roots: tuple[object, ...] = ()
    owner: str | None = None

    def by_module(self) -> dict[str, list[str]]:
        """The definitions, module → names, both sorted.

        Raises:
            LineageError: the root has no source.
        """
        return by_module(reachable(self.root, self.parameters, more_roots=self.more_roots, owner=self.owner))

    def constants(self) -> tuple[frozenset[str], frozenset[float]]:
        """The string and number constants in the modules of these definitions; errors as `by_module`."""
        return constants_reached(self.root, self.parameters, more_roots=self.more_roots, owner=self.owner)

    def codebase(self) -> tuple[Codebase, tuple[Definition, ...]]:
        """The first-party code around it, and the definitions that it starts from; errors as `by_module`."""
        return codebase_around(self.root, self.parameters, more_roots=self.more_roots, owner=self.owner)

    def files(self) -> frozenset[str]:
        """The data files whose content the version covers, and the folders in which they were looked for; errors as
        `by_module`."""
        return files_reached(self.root, self.parameters, more_roots=self.more_roots, owner=self.owner)
