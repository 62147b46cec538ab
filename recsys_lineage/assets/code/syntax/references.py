"""Reference: one use of a name in a piece of code, and the imports that bind names."""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Import:
    """The target of an imported name: the module, or its member `name`; `level` counts the leading dots."""

    module: str
    level: int = 0
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One use of a name: `a.b.c` as `("a", "b", "c")`.

    `through` is the import inside the same piece that binds the first name; `only_runs` marks the import itself, which
    runs the module. Without names and import, the reference stands for everything in its own module, because a name is
    computed at run time. `text` may name a module, a definition (`a.b:c`) or a file next to the code; `anywhere` means
    that the module is found at run time, below the package `text`, or below its own package where that is empty.
    `beginning` is a package that a computed text begins with: `a.b` of `f"a.b.{c}"`; `finds` marks a look-up of modules
    by computed names, which may be such texts, or made of the constant `names`; `docs` a use of the docstring of
    something that the piece gets. `path` stands for the files below a path that the code computes; `only_assigned`
    marks one that the piece merely gives a name to. `is_part` marks a name that a path starts with.
    """

    names: tuple[str, ...] = ()
    through: Import | None = None
    only_runs: bool = False
    text: str = ""
    anywhere: bool = False
    path: CodePath | None = None
    only_assigned: bool = False
    is_part: bool = False
    beginning: str = ""
    finds: bool = False
    docs: bool = False


@dataclass(frozen=True, slots=True)
class CodePath:
    """A path computed in code from the place of code: where it starts, and the steps from there.

    `start` is `FILE` or `FOLDER`, those of the code itself, or a name: of a constant that is a path, or of a module
    where the first step is `FILE` or `FOLDER`. A step is a word of `code_paths` and a text, in which `*` is what is not
    known before the code runs.
    """

    start: Reference | str
    steps: tuple[tuple[str, str], ...] = ()

    def then(self, *steps: tuple[str, str]) -> CodePath:
        """The path with more steps."""
        return CodePath(self.start, self.steps + steps)


ANYTHING = Reference()
FINDS = Reference(finds=True)
DOCS = Reference(docs=True)
DOCSTRING = "__doc__"
WORLD = "__globals__"
"""Attribute of a function: the names of its module."""


def imports_of(statement: ast.Import | ast.ImportFrom) -> list[Import]:
    """The names that an import statement binds."""
    if isinstance(statement, ast.Import):
        return [Import(alias.name) for alias in statement.names]
    return [Import(statement.module or "", statement.level, alias.name) for alias in statement.names]
