"""DefinitionUses: what a definition uses: other definitions, third-party names, and files next to the code."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from recsys_lineage.assets.code.data_files import DataFiles
from recsys_lineage.assets.code.resolved_names import Definition, ResolvedNames, Target, WholeModule
from recsys_lineage.assets.code.syntax.code_paths import (
    ADD,
    FILE,
    FOLDER,
    IN,
    PART,
    REPLACE,
    STEM,
    SUFFIX,
    UP,
)
from recsys_lineage.assets.code.syntax.references import (
    ANYTHING,
    DOCS,
    DOCSTRING,
    FINDS,
    WORLD,
    CodePath,
    Reference,
)


@dataclass(frozen=True)
class Uses:
    """Targets of a definition: definitions, names of third-party code as texts, and the modules that run.

    `files` are the files of first-party packages whose content counts, with the folders in which they were looked for.
    `beginnings` are the first-party packages that texts begin with which it computes; `finds_modules` says whether it
    looks modules up by names that it computes or gets. `documented` are the definitions whose docstrings it uses,
    `uses_docs` says whether it uses those of what it gets.
    """

    targets: tuple[Definition | str, ...]
    runs: tuple[str, ...]
    lists_subclasses: bool = False
    files: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()
    finds_modules: bool = False
    documented: tuple[Definition, ...] = ()
    uses_docs: bool = False


class DefinitionUses(ResolvedNames):
    """The names and files that definitions use."""

    @cached_property
    def _uses(self) -> dict[Definition, Uses]:
        return {}

    @cached_property
    def _constant_paths(self) -> dict[Definition, tuple[str, ...]]:
        return {}

    @cached_property
    def _met(self) -> dict[str, None]:
        """The files and folders that the definition at hand uses so far."""
        return {}

    @cached_property
    def _data(self) -> DataFiles:
        return DataFiles(self._modules)

    def uses(self, definition: Definition) -> Uses:
        """Names that a definition uses, resolved, in the order of its text."""
        if definition not in self._uses:
            self._uses[definition] = self._find_uses(definition)
        return self._uses[definition]

    def _find_uses(self, definition: Definition) -> Uses:
        module = definition.module
        source = self.source(module)
        assert source is not None
        targets: dict[Definition | str, None] = {}
        runs: dict[str, None] = {}
        # the names of a lazy module are followed to the modules in its table
        is_lazy = definition.name in source.lazy_parts
        beginnings: dict[str, None] = {}
        documented: dict[Definition, None] = {}
        self._met.clear()
        is_path = bool(source.paths(definition.name))
        for reference in source.references(definition.name):
            if reference.only_runs:
                assert reference.through is not None
                runs.update(dict.fromkeys(self._runs(reference.through, module)))
            elif reference.finds and not is_lazy:
                beginnings.update(dict.fromkeys(self._packages_in(reference, definition)))
            elif reference.finds or reference.docs or (is_lazy and (reference.text or reference.anywhere)):
                continue
            elif reference.beginning:
                if self.is_first_party(reference.beginning) and self._modules.is_there(reference.beginning):
                    beginnings[reference.beginning] = None
            elif reference.path is not None:
                if not (reference.only_assigned and is_path):
                    targets.update(dict.fromkeys(self._files_at(self._paths_of(reference.path, module))))
            elif not (definition.name == "__getattr__" and reference == ANYTHING):
                found = dict.fromkeys(self._resolve(reference, module))
                targets.update(found)
                if reference.names[-1:] == (DOCSTRING,):
                    documented.update((each, None) for each in found if isinstance(each, Definition))
                elif reference.names[-1:] == (WORLD,):
                    targets.update(dict.fromkeys(self._worlds_of(found)))
                if not reference.is_part:
                    targets.update(dict.fromkeys(self._files_of_constants(found, definition)))
        targets.pop(definition, None)
        runs.update((target.module, None) for target in targets if isinstance(target, Definition))
        return Uses(
            tuple(targets),
            tuple(runs),
            source.lists_subclasses(definition.name),
            tuple(self._met),
            tuple(beginnings),
            FINDS in source.references(definition.name) and not is_lazy,
            tuple(documented),
            DOCS in source.references(definition.name),
        )

    def _packages_in(self, reference: Reference, definition: Definition) -> Iterator[str]:
        """The first-party packages that texts name, in a definition that looks modules up or in a constant of which it
        makes their names."""
        homes = [definition]
        if reference.names:
            found = self._look_up(definition.module, reference.names, frozenset(), own=True)
            homes = [each for each in found if isinstance(each, Definition)]
        for home in homes:
            source = self.source(home.module)
            for text in source.texts(home.name) if source else ():
                name = text.strip(".")
                if name.replace(".", "").isidentifier() and self.is_first_party(name):
                    yield from [name] if self._modules.is_there(name) else []

    def _worlds_of(self, targets: Iterable[Definition | str]) -> Iterator[Definition | str]:
        """Everything in the modules of some definitions."""
        for module in dict.fromkeys(each.module for each in targets if isinstance(each, Definition)):
            yield from self.all_of_module(module)

    # --- files ---------------------------------------------------------------------------------------------

    def _files_of_constants(
        self, targets: Mapping[Definition | str, None], definition: Definition
    ) -> Iterator[Definition | str]:
        """The files below those targets that are paths."""
        for target in targets:
            if isinstance(target, Definition) and target != definition:
                yield from self._files_at(self._constant(target))

    def _files_at(self, patterns: tuple[str, ...]) -> Iterator[Definition | str]:
        yield from self._expanded(target for pattern in patterns for target in self._found(pattern))

    def _found(self, pattern: str) -> Iterator[Target]:
        known, is_code, folder = pattern.partition(_NEXT_TO)
        if (
            is_code
        ):  # the place of code, given to a function: what is made of it lies next to the code, mostly
            self._met[folder] = None
            for path in self._data.below(folder, packages=False):
                yield from self._file(path, os.path.relpath(path, folder))
            return
        if os.path.isdir(folder := known.partition("*")[0]):
            self._met[folder.rstrip(os.sep)] = None
        for path, name in self._data.matching(known):
            yield from self._file(path, name)

    def _file(self, path: Path, name: str) -> Iterator[Target]:
        if path.suffix != ".py":  # which counts by its definitions
            self._met[str(path)] = None
        yield from super()._file(path, name)

    def _constant(self, definition: Definition) -> tuple[str, ...]:
        """The paths that a constant is."""
        if definition not in self._constant_paths:
            self._constant_paths[definition] = ()  # while it is looked up, such as for one made of itself
            source = self.source(definition.module)
            paths = source.paths(definition.name) if source else ()
            self._constant_paths[definition] = tuple(
                found for path in paths for found in self._paths_of(path, definition.module)
            )
        return self._constant_paths[definition]

    def _paths_of(self, path: CodePath, module: str) -> tuple[str, ...]:
        """The patterns of files that a path in a module's code may lead to."""
        steps = list(path.steps)
        if isinstance(path.start, Reference):
            targets = tuple(self._targets_of(path.start, module))
            if steps and steps[0][0] in {FILE, FOLDER}:
                kind, _ = steps.pop(0)
                starts = self._places_of(targets, kind, anywhere=path.start.anywhere)
            else:
                found = (target for target in targets if isinstance(target, Definition))
                starts = [place for target in found for place in self._constant(target)]
        else:
            starts = self._places_of((WholeModule(module),), path.start)
        return tuple(dict.fromkeys(end for start in starts if (end := _after(start, steps)) is not None))

    def _places_of(self, targets: tuple[Target, ...], kind: str, *, anywhere: bool = False) -> list[str]:
        """File or folder of the modules that targets name: the outermost of several."""
        modules = [each if isinstance(each, str) else each.module for each in targets]
        if anywhere:
            modules = [module for module in modules if self.path(module) is not None][:1]
            return [f"{Path(str(self.path(module))).parent}/*" for module in modules]
        found = [
            path for module in sorted(set(modules), key=len) if (path := self._place(module)) is not None
        ]
        return [f"{path.parent if kind == FOLDER else path}{_NEXT_TO}{path.parent}" for path in found[:1]]

    def _place(self, module: str) -> Path | None:
        """The file of a module; that of a folder of modules is where its first file would be."""
        path = self.path(module)
        if path is None and self._modules.is_there(module):
            top, *inner = module.split(".")
            home = next(iter(self._modules.home(top) or ()), None)
            return None if home is None else home.joinpath(*inner, "__init__.py")
        return path


_NEXT_TO = "\0"
"""Stands between the file or folder of code, as long as the path is nothing else, and its folder."""


def _after(start: str, steps: list[tuple[str, str]]) -> str | None:
    """The path after some steps; None for a part of a name."""
    if not steps:
        return start
    path = start.partition(_NEXT_TO)[0]
    for step, text in steps:
        if step == UP:
            path = os.path.dirname(path)
        elif step == IN:
            path = os.path.join(path, text)
        elif step == ADD:
            path += text
        elif step == SUFFIX:
            path = os.path.splitext(path)[0] + text
        elif step == STEM:
            path = os.path.join(os.path.dirname(path), text + os.path.splitext(path)[1])
        elif step == REPLACE:
            old, _, new = text.partition("*")
            path = path.replace(old, new)
        elif step == PART:
            return None
    return path
