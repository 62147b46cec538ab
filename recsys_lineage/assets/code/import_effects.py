"""ImportEffects: what importing a first-party module runs, and what it registers elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from recsys_lineage.assets.code.definition_uses import DefinitionUses
from recsys_lineage.assets.code.resolved_names import Definition
from recsys_lineage.assets.code.syntax.module_source import EFFECTS
from recsys_lineage.assets.code.syntax.references import Import, Reference
from recsys_lineage.assets.code.syntax.registrations import (
    CLASS_MAKERS,
    CONSTRUCTORS,
    SUBSCRIPTIONS,
    Calls,
    Change,
)

_Call = tuple[Definition, str]
"""A definition that is called, or the method of it that is; `""` for itself."""


class ImportEffects(DefinitionUses):
    """The modules that imports run, and the definitions that they change state with."""

    @cached_property
    def _imported(self) -> dict[str, tuple[str, ...]]:
        return {}

    @cached_property
    def _effects(self) -> dict[str, tuple[Definition, ...]]:
        return {}

    @cached_property
    def _changing(self) -> dict[_Call, bool]:
        return {}

    def imported(self, module: str) -> tuple[str, ...]:
        """First-party modules that run when a module is imported: the packages around it and its imports at the top."""
        if module not in self._imported:
            source = self.source(module)
            found = dict.fromkeys(self._runs(Import(module), module))
            for each in source.executed if source else ():
                found.update(dict.fromkeys(self._runs(each, module)))
            self._imported[module] = tuple(name for name in found if name != module)
        return self._imported[module]

    def effects(self, module: str) -> tuple[Definition, ...]:
        """Effects of importing a module: statements with effects, and definitions that are registered elsewhere."""
        if module not in self._effects:
            self._effects[module] = tuple(self._find_effects(module))
        return self._effects[module]

    def _find_effects(self, module: str) -> Iterator[Definition]:
        source = self.source(module)
        if source is None or module == "__main__":  # a script's own statements are what runs the assets
            return
        if EFFECTS in source.definitions:
            yield Definition(module, EFFECTS)
        for name, references in source.decorators.items():
            if any(True for _ in self._own(references, module)):
                yield Definition(module, name)
        for name in source.bases:
            if self._is_notified_of_classes(Definition(module, name), frozenset()):
                yield Definition(module, name)
        for name, calls in source.called.items():
            if self._registers(calls, module) or self._makes_class(calls, module):
                yield Definition(module, name)

    def _own(self, references: Iterable[Reference], module: str) -> Iterator[Definition]:
        for reference in references:
            for target in self._resolve(reference, module):
                if isinstance(target, Definition):
                    yield target

    # --- classes -------------------------------------------------------------------------------------------

    def _is_notified_of_classes(self, definition: Definition, ahead: frozenset[Definition]) -> bool:
        """Whether a class has a first-party base or metaclass that is notified of each derived class."""
        source = self.source(definition.module)
        if source is None or definition in ahead:
            return False
        bases, metaclasses = source.bases.get(definition.name, ((), ()))
        return any(True for _ in self._own(metaclasses, definition.module)) or any(
            base != definition
            and (self._has_class_hook(base) or self._is_notified_of_classes(base, ahead | {definition}))
            for base in self._own(bases, definition.module)
        )

    def _has_class_hook(self, definition: Definition) -> bool:
        source = self.source(definition.module)
        return source is not None and source.has_subclass_hook(definition.name)

    def _makes_class(self, calls: Calls, module: str) -> bool:
        """Whether calls make a class, which its bases may be notified of: they are not among the names passed."""
        return any(each.names[-1] in CLASS_MAKERS for each in calls.called)

    # --- calls ---------------------------------------------------------------------------------------------

    def _registers(self, calls: Calls, module: str) -> bool:
        """Whether calls change state: those of functions, and of functions that are passed to others."""
        return (
            self._changes_anything(calls.called, module)
            or any(change.outside for change in self._own_changes(calls.passed, module))
            or self._changes_given(calls, module)
        )

    def _changes_given(self, calls: Calls, module: str) -> bool:
        """Whether a function is called that changes what it gets, and gets an object of a module."""
        return any(change.given for change in self._own_changes(calls.called, module)) and any(
            (source := self.source(each.module)) is not None and source.is_mutable(each.name)
            for each in self._own(calls.passed, module)
        )

    def _own_changes(self, references: Iterable[Reference], module: str) -> Iterator[Change]:
        """Changes that functions make, by their texts."""
        for reference in references:
            for definition, method in self._calls(reference, module):
                source = self.source(definition.module)
                if source is not None and not method and not source.is_class(definition.name):
                    yield from source.changes(definition.name)

    def _changes_anything(self, references: Iterable[Reference], module: str) -> bool:
        """Whether a function, class or method among these names changes state when it is called."""
        return any(
            self._changes_state(call) for reference in references for call in self._calls(reference, module)
        )

    def _calls(self, reference: Reference, module: str) -> Iterator[_Call]:
        names = reference.names
        for target in self._resolve(reference, module):
            if isinstance(target, Definition):
                is_method = len(names) > (reference.through is None) and names[-1] != target.name
                yield target, names[-1] if is_method else ""

    def _changes_state(self, call: _Call) -> bool:
        if call not in self._changing:
            self._changing[call] = False  # while it is looked up: functions may call each other
            self._changing[call] = self._finds_change(*call)
        return self._changing[call]

    def _finds_change(self, definition: Definition, method: str) -> bool:
        module, name = definition.module, definition.name
        source = self.source(module)
        if source is None or name == EFFECTS:
            return False
        if source.is_class(name):
            methods = [method] if method else CONSTRUCTORS
            bases, _ = source.bases.get(name, ((), ()))
            return any(self._method_changes(definition, each, is_new=not method) for each in methods) or any(
                self._changes_state((base, method)) for base in self._own(bases, module) if base != definition
            )
        if not method:
            return any(
                change.outside or self._changes_anything(change.calls, module)
                for change in source.changes(name)
            )
        if method in SUBSCRIPTIONS:
            return True
        made_by = self._own(source.called.get(name, Calls()).called, module)
        return any(self._changes_state((made, method)) for made in made_by if made != definition)

    def _method_changes(
        self, definition: Definition, method: str, *, is_new: bool, ahead: frozenset[str] = frozenset()
    ) -> bool:
        """Whether a method of a class changes its object, except a new one, or anything else."""
        source = self.source(definition.module)
        changes = source.changes(definition.name, method) if source and method not in ahead else ()
        return any(
            change.outside
            or (change.given and not is_new)
            or self._changes_anything(change.calls, definition.module)
            or any(
                self._method_changes(definition, each, is_new=is_new, ahead=ahead | {method})
                for each in change.methods
            )
            for change in changes
        )
