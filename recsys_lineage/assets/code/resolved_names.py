"""ResolvedNames: the meaning of the names in first-party modules, found without importing any."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from recsys_lineage.assets.code.data_files import content_of
from recsys_lineage.assets.code.first_party import FirstPartyModules
from recsys_lineage.assets.code.syntax.module_source import ModuleSource
from recsys_lineage.assets.code.syntax.references import ANYTHING, DOCSTRING, Import, Reference

_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, order=True)
class Definition:
    """A top-level name of a module, and the code that binds it; `EFFECTS` stands for the other effects of its
    import."""

    module: str
    name: str


@dataclass(frozen=True)
class WholeModule:
    """Every definition of a module, and the targets of its imports."""

    module: str


Target = Definition | str | WholeModule


class ResolvedNames:
    """The names of first-party code and their meanings.

    A name that cannot be resolved stands for its whole module: every definition, and the targets of its imports.

    Args:
        owner: a top-level package; what is installed by the same distribution is first-party too.
        modules: files of modules that are first-party wherever they are.
        replaced: other texts for some files.

    Attributes:
        is_on_disk: whether the modules are exactly those that imports would find.
    """

    def __init__(
        self,
        owner: str | None = None,
        modules: Mapping[str, Path] | None = None,
        replaced: Mapping[Path, str | ModuleSource] | None = None,
    ) -> None:
        self.is_on_disk = not (modules or replaced)
        self._modules = FirstPartyModules(owner, modules)
        self._replaced = {
            path: ModuleSource(text) if isinstance(text, str) else text
            for path, text in (replaced or {}).items()
        }
        self._sources: dict[Path, ModuleSource] = {}

    def changed(self) -> bool:
        """Whether a file or folder used in the analysis has changed since."""
        return self._modules.changed()

    # --- modules -------------------------------------------------------------------------------------------

    def source(self, module: str) -> ModuleSource | None:
        """The source of a first-party module; None for third-party modules, and for a folder without a text."""
        path = self.path(module)
        if path is None:
            return None
        if path in self._replaced:
            return self._replaced[path]
        if path not in self._sources:  # `changed` reports one that changes later
            self._modules.saw(path)
            self._sources[path] = ModuleSource.load(path)
        return self._sources[path]

    def _stub(self, module: str) -> ModuleSource | None:
        """The stub of a first-party module whose names are loaded on first use."""
        path = self.path(module)
        stub = None if path is None else path.with_suffix(".pyi")
        if stub is None or not stub.is_file():
            return None
        self._modules.saw(stub)
        return ModuleSource.load(stub)

    def path(self, module: str) -> Path | None:
        """The file of a first-party module."""
        return self._modules.path(module)

    def module_of(self, path: Path) -> str | None:
        """The name of the first-party module that a file is."""
        return self._modules.module_of(path)

    def is_first_party(self, module: str) -> bool:
        """Whether a module is the project's own."""
        return self._modules.is_first_party(module)

    # --- names ---------------------------------------------------------------------------------------------

    def _resolve(self, reference: Reference, module: str) -> Iterator[Definition | str]:
        """Meaning of a reference in a module."""
        yield from self._expanded(self._targets_of(reference, module))

    def _targets_of(self, reference: Reference, module: str) -> Iterator[Target]:
        """Meaning of a reference that is no path, with whole modules as they are."""
        if reference.anywhere:
            yield from self._anywhere(reference.text, module)
        elif reference.text:
            yield from self._named(reference.text, module)
        elif reference.through is not None:
            yield from self._follow(reference.through, reference.names, module, frozenset())
        elif reference == ANYTHING:
            yield WholeModule(module)
        else:
            yield from self._look_up(module, reference.names, frozenset(), own=True)

    def _look_up(
        self, module: str, names: tuple[str, ...], ahead: frozenset[tuple[str, str]], *, own: bool = False
    ) -> Iterator[Target]:
        """Meaning of `names` in a first-party module; `own` if the use is in that module itself."""
        if not names:  # the module itself: everything in it
            for each in self._modules.below(module) or (module,):
                yield WholeModule(each)
            return
        name, *rest = names
        if (module, name) in ahead:
            if self._modules.is_there(f"{module}.{name}"):  # a package that imports a module of its own
                yield from self._look_up(f"{module}.{name}", tuple(rest), ahead)
            return
        ahead |= {(module, name)}
        source = self.source(module)
        if source is None:
            yield from self._below(module, name, tuple(rest), ahead)
            return
        found = False
        if name in source.definitions:
            found = True
            yield Definition(module, name)
        for imported in source.imports.get(name, ()):
            found = True
            yield from self._follow(imported, tuple(rest), module, ahead)
            if imported not in source.executed and "__getattr__" in source.definitions:
                yield Definition(module, "__getattr__")
        is_bound = found  # a star import may replace it, or bind it anew after `del`
        for star in source.stars:
            target = self._absolute(star, module)
            if not self.is_first_party(target):
                if not is_bound:
                    yield f"{target}.{'.'.join(names)}"
                    found = True
            elif self._has(target, name, surely=is_bound):
                yield from self._look_up(target, names, ahead)
                found = True
        if found or (own and (name in _BUILTINS or (name.startswith("__") and name.endswith("__")))):
            return
        if not own and self._modules.is_there(f"{module}.{name}"):
            yield from self._look_up(f"{module}.{name}", tuple(rest), ahead)
            return
        yield from self._lazy(module, source, name, tuple(rest), ahead)

    def _below(
        self, module: str, name: str, rest: tuple[str, ...], ahead: frozenset[tuple[str, str]]
    ) -> Iterator[Target]:
        inner = f"{module}.{name}"
        if self._modules.is_there(inner):
            yield from self._look_up(inner, rest, ahead)
        else:
            yield ".".join((inner, *rest))

    def _lazy(
        self,
        module: str,
        source: ModuleSource,
        name: str,
        rest: tuple[str, ...],
        ahead: frozenset[tuple[str, str]],
    ) -> Iterator[Target]:
        """Meaning of a name that the module loads from another one at run time, as its stub or its text declares."""
        stub = self._stub(module)
        for imported in stub.imports.get(name, ()) if stub is not None else ():
            yield Definition(module, "__getattr__")
            yield from self._follow(imported, rest, module, ahead)
            return
        if "__getattr__" in source.definitions and (home := source.lazy_homes.get(name)) is not None:
            relative = home.lstrip(".")
            for target in (f"{module}.{relative}", relative):
                if self._modules.is_there(target):
                    yield Definition(module, "__getattr__")
                    yield from self._look_up(target, (name, *rest), ahead)
                    return
        yield WholeModule(module)
        for part in sorted(source.lazy_parts):  # a module that it finds by a computed name
            for reference in source.references(part):
                if reference.anywhere:
                    yield from self._anywhere(reference.text, module)

    def all_of_module(self, module: str) -> Iterator[Definition | str]:
        """Every definition of a module, and the targets of its imports."""
        yield from self._expanded(iter((WholeModule(module),)))

    def all_below(self, packages: Iterable[str]) -> Iterator[Definition]:
        """Every definition of every module below some packages."""
        modules = (WholeModule(module) for package in packages for module in self._modules.below(package))
        yield from (each for each in self._expanded(modules) if isinstance(each, Definition))

    def _expanded(self, targets: Iterator[Target]) -> Iterator[Definition | str]:
        """Targets with each whole module expanded, once, even if modules import each other."""
        open_targets, seen = [targets], set[WholeModule]()
        while open_targets:
            target = next(open_targets[-1], None)
            if target is None:
                open_targets.pop()
            elif not isinstance(target, WholeModule):
                yield target
            elif target not in seen:
                seen.add(target)
                open_targets.append(self._parts(target.module))

    def _parts(self, module: str) -> Iterator[Target]:
        source = self.source(module)
        if source is None:
            yield module
            return
        yield from (Definition(module, name) for name in source.definitions if name != DOCSTRING)
        for imported in source.executed:
            target = self._absolute(imported, module)
            if imported.name == "*" and self.is_first_party(target):
                yield WholeModule(target)
                yield from map(WholeModule, self._exported_modules(target))
            elif (
                imported.name not in (None, "*")
                and self.is_first_party(target)
                and not self._modules.is_there(f"{target}.{imported.name}")
            ):
                yield from self._follow(imported, (), module, frozenset())

    def _anywhere(self, package: str, module: str) -> Iterator[Target]:
        """Every module that a name computed at run time may mean: those below a package, or below the module's own
        one."""
        top = package if self.is_first_party(package) else module.partition(".")[0]
        yield from map(WholeModule, self._modules.below(top))

    def _named(self, text: str, module: str) -> Iterator[Target]:
        """Target of a text: a module, a definition, or a file next to the code, which counts by its content."""
        home, _, more = text.partition(":")
        names = more.split(".") if more else []
        while home and not (self.is_first_party(home) and self._modules.is_there(home)):
            home, _, last = home.rpartition(".")
            names.insert(0, last)
        if home and (":" in text or "." in text):
            yield from self._look_up(home, tuple(names), frozenset())
            return
        for path in self._modules.files_next_to(module, text):
            yield from self._file(path, text)

    def _file(self, path: Path, name: str) -> Iterator[Target]:
        """A file by its content; one of code, other than a package's own, by its definitions."""
        if path.suffix != ".py":
            yield f"{name} {content_of(path)}"
        elif path.name != "__init__.py" and (module := self._modules.module_of(path)) is not None:
            yield WholeModule(module)

    def _follow(
        self, imported: Import, rest: tuple[str, ...], module: str, ahead: frozenset[tuple[str, str]]
    ) -> Iterator[Target]:
        target = self._absolute(imported, module)
        names = rest if imported.name is None else (imported.name, *rest)
        if not self.is_first_party(target):
            yield ".".join((target, *names))
        elif self._modules.is_there(target):
            yield from self._look_up(target, names, ahead)
        else:
            yield ".".join((target, *names))

    def _absolute(self, imported: Import, module: str) -> str:
        if not imported.level:
            return imported.module
        path = self.path(module)
        parts = module.split(".")
        if path is None or path.name != "__init__.py":
            parts = parts[:-1]
        base = parts[: len(parts) - (imported.level - 1)]
        return ".".join([*base, *([imported.module] if imported.module else [])])

    def _runs(self, imported: Import, module: str) -> Iterator[str]:
        """First-party modules that an import runs, each after the packages around it."""
        target = self._absolute(imported, module)
        if not self.is_first_party(target):
            return
        inner = f"{target}.{imported.name}"
        if imported.name not in (None, "*") and self._modules.is_there(inner):
            target = inner
        parts = target.split(".")
        yield from (".".join(parts[: end + 1]) for end in range(len(parts)))
        if imported.name == "*":
            yield from self._exported_modules(target)

    def _exported_modules(self, package: str) -> Iterator[str]:
        """The modules of a package that its `__all__` names, which `from package import *` imports."""
        source = self.source(package)
        if source is None:
            return
        for name in self._exports(package, source):
            module = f"{package}.{name}"
            if name.isidentifier() and name not in source.imports and self._modules.is_there(module):
                yield module

    def _exports(self, package: str, source: ModuleSource) -> Iterable[str]:
        """The names in `__all__`; where it is computed, also those of all modules of the package."""
        if not source.exports_anything:
            return source.exported
        inner = (module.removeprefix(f"{package}.") for module in self._modules.below(package))
        return dict.fromkeys([*source.exported, *(name for name in inner if "." not in name)])

    def _has(self, module: str, name: str, *, surely: bool, ahead: frozenset[str] = frozenset()) -> bool:
        """Whether a star import of a first-party module binds a name; where a star in it may, only if not `surely`."""
        source = self.source(module)
        if source is None or module in ahead:
            return False
        if name in source.definitions or name in source.imports:
            return True
        if name in self._exports(module, source) and self._modules.is_there(f"{module}.{name}"):
            return True
        if not surely:
            return bool(source.stars)
        stars = (self._absolute(star, module) for star in source.stars)
        return any(self._has(star, name, surely=True, ahead=ahead | {module}) for star in stars)
