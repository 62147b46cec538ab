"""Codebase: the first-party modules of a project as one graph of top-level definitions, found without importing any."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any

from recsys_lineage.assets.code.findings_cache import FindingsCache
from recsys_lineage.assets.code.import_effects import ImportEffects
from recsys_lineage.assets.code.resolved_names import Definition as Definition


class Codebase(ImportEffects):
    """First-party code as a graph, in which reachable definitions are looked up."""

    @cached_property
    def _digests(self) -> dict[tuple[Definition, ...], str]:
        return {}

    @cached_property
    def _files(self) -> dict[tuple[Definition, ...], frozenset[str]]:
        return {}

    @cached_property
    def _caches(self) -> dict[str, FindingsCache]:
        return {}

    @cached_property
    def _constants(self) -> dict[tuple[Definition, ...], tuple[frozenset[str], frozenset[float]]]:
        return {}

    def _cache_for(self, roots: tuple[Definition, ...]) -> FindingsCache | None:
        """Other processes' findings about the roots' package, if its code is unchanged on disk."""
        if not (self.is_on_disk and roots):
            return None
        package = roots[0].module.partition(".")[0]
        if package not in self._caches:
            self._caches[package] = FindingsCache(package, self._modules)
        return self._caches[package]

    def write_findings(self) -> None:
        """Write what was found for other processes, where that was put off."""
        for cache in self._caches.values():
            cache.write_pending()

    # --- reaching ------------------------------------------------------------------------------------------

    def reach(self, roots: Iterable[Definition]) -> tuple[Definition, ...]:
        """Every definition reachable from the roots, themselves included, in the order of discovery."""
        return self.explored(roots)[0]

    def explored(self, roots: Iterable[Definition]) -> tuple[tuple[Definition, ...], frozenset[str]]:
        """Every definition reachable from the roots, as `reach`, and the modules that are imported for them."""
        met = dict.fromkeys(roots)
        ahead = list(met)
        run: set[str] = set()

        def meet(definition: Definition) -> None:
            if definition not in met:
                met[definition] = None
                ahead.append(definition)

        def execute(module: str) -> None:
            modules = [module]
            for name in modules:
                if name not in run:
                    run.add(name)
                    modules.extend(self.imported(name))
                    for effect in self.effects(name):
                        meet(effect)

        lists_subclasses = finds_modules = False
        beginnings: dict[str, None] = {}
        for definition in ahead:
            execute(definition.module)
            used = self.uses(definition)
            for target in used.targets:
                if isinstance(target, Definition):
                    meet(target)
            for module in used.runs:
                execute(module)
            lists_subclasses = lists_subclasses or used.lists_subclasses
            if lists_subclasses and definition is ahead[-1]:
                for derived in self._derived(run, met):
                    meet(derived)
            finds_modules = finds_modules or used.finds_modules
            beginnings.update(dict.fromkeys(used.beginnings))
            if finds_modules and beginnings and definition is ahead[-1]:
                for found in self.all_below(beginnings):
                    meet(found)
        return tuple(met), frozenset(run)

    def _derived(self, modules: Iterable[str], met: Collection[Definition]) -> list[Definition]:
        """Classes in executed modules with a reached base, which `__subclasses__` returns."""
        sources = (
            (module, source) for module in sorted(modules) if (source := self.source(module)) is not None
        )
        return [
            Definition(module, name)
            for module, source in sources
            for name, (bases, _) in source.bases.items()
            if Definition(module, name) not in met and any(base in met for base in self._own(bases, module))
        ]

    # --- what is found, kept as long as the codebase is, and between processes: many assets start from the same code

    def digest_of_reached(self, roots: tuple[Definition, ...]) -> str:
        """The digest of the definitions reachable from the roots."""
        if roots not in self._digests:
            named, cache = _named(roots), self._cache_for(roots)
            found = cache.get("digests", named) if cache else None
            if found is None:
                found = self.digest(self.reach(roots))
                if cache:
                    cache.store({"digests": {named: found}})
            self._digests[roots] = found
        return self._digests[roots]

    def files_of_reached(self, roots: tuple[Definition, ...]) -> frozenset[str]:
        """The files whose content the digest of what is reachable from the roots covers, and the folders in which they
        were looked for."""
        if roots not in self._files:
            named, cache = _named(roots), self._cache_for(roots)
            found = cache.get("files", named) if cache else None
            if found is None:
                found = sorted({file for each in self.reach(roots) for file in self.uses(each).files})
                if cache:
                    cache.store({"files": {named: found}})
            self._files[roots] = frozenset(found)
        return self._files[roots]

    def constants_of_reached(self, roots: tuple[Definition, ...]) -> tuple[frozenset[str], frozenset[float]]:
        """The string and number constants in the modules reachable from the roots; see `constants_of`."""
        if roots not in self._constants:
            named, cache = _named(roots), self._cache_for(roots)
            new: dict[str, dict[str, Any]] = {"modules": {}, "constants": {}}
            modules = cache.get("modules", named) if cache else None
            if modules is None:
                modules = new["modules"][named] = sorted({each.module for each in self.reach(roots)})
            texts: set[str] = set()
            numbers: set[float] = set()
            for module in modules:
                found = cache.get("constants", module) if cache else None
                if found is None:
                    source = self.source(module)
                    its_texts, its_numbers = source.constants if source else ((), ())
                    found = new["constants"][module] = [sorted(its_texts), sorted(its_numbers)]
                texts.update(found[0])
                numbers.update(found[1])
            if cache and any(new.values()):
                cache.store(new)
            self._constants[roots] = frozenset(texts), frozenset(numbers)
        return self._constants[roots]

    def digest(self, reached: tuple[Definition, ...]) -> str:
        """A hash of definitions and of the meanings of their names; their modules do not count."""
        places = {definition: str(place) for place, definition in enumerate(reached)}
        total = hashlib.sha256()
        documented = self._documented(reached)
        for definition in reached:
            source = self.source(definition.module)
            assert source is not None
            if definition in documented:
                total.update(f"{source.docs(definition.name)}\x1d".encode())
            targets = (
                target if isinstance(target, str) else places[target]
                for target in self.uses(definition).targets
            )
            total.update("\x1e".join([source.digest(definition.name), *targets]).encode())
            total.update(b"\x1d")
        return total.hexdigest()

    def _documented(self, reached: tuple[Definition, ...]) -> frozenset[Definition]:
        """The definitions whose docstrings are used as data: by name, or of what a function gets from its callers."""
        found = {each for definition in reached for each in self.uses(definition).documented}
        readers = {definition for definition in reached if self.uses(definition).uses_docs}
        for definition in reached if readers else ():
            targets = self._defined(definition)
            if definition in readers or not readers.isdisjoint(targets):
                found.update([definition, *targets])
                for constant in targets:  # such as a list of functions
                    source = self.source(constant.module)
                    found.update(
                        self._defined(constant) if source and source.is_constant(constant.name) else ()
                    )
        return frozenset(found)

    def _defined(self, definition: Definition) -> list[Definition]:
        """The definitions that a definition uses."""
        return [each for each in self.uses(definition).targets if isinstance(each, Definition)]


def _named(roots: tuple[Definition, ...]) -> str:
    return " ".join(f"{root.module}:{root.name}" for root in roots)
