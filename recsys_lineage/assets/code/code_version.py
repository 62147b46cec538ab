"""The code version of an asset: a hash of the first-party code that its function can reach, and of its parameters."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import threading
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from itertools import islice
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from recsys_lineage.assets.code.held_values import (
    ATOMS,
    attributes,
    cells,
    defaults,
    digest_of,
    held_by_library,
    held_values,
)
from recsys_lineage.assets.code.installed import install_folder, is_loose
from recsys_lineage.assets.code.live_source import live_text
from recsys_lineage.assets.code.parameters import Named, as_recorded
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
from recsys_lineage.assets.code.syntax.module_source import EFFECTS, forget_trees
from recsys_lineage.errors import LineageError
from recsys_lineage.garbage import nothing_collected

_LOCK = threading.RLock()
_shared: dict[tuple[Any, ...], Codebase] = {}
_held = False


def code_version(
    root: object,
    parameters: Mapping[str, Any],
    *,
    more_roots: Sequence[object] = (),
    owner: str | None = None,
) -> str:
    """Sixteen hex digits that change with a parameter, or with code which `root` can reach.

    Nothing is imported: the code is read as text, and names are followed from the root, at the granularity of top-level
    definitions. Comments, docstrings, blank lines and layout do not count, nor does the module of a definition.
    Third-party code counts by the names used of it, a file next to the code by its content if the code names it, and
    the values in a function's closure by value.

    Args:
        root: a function, method, class, partial or callable object; None where only `more_roots` are code.
        parameters: plain JSON values, and code, which is covered too; see `Named`.
        more_roots: further code that runs for the asset.
        owner: top-level package of the code; that of the root when left out. Code from the same distribution is
            first-party, all other installed code third-party.

    Raises:
        LineageError: the root has no source.
    """
    with _undisturbed():
        codebase, roots = _entered(root, parameters, more_roots, owner)
        digest = codebase.digest_of_reached(tuple(roots))
        held = "".join(
            f"|{value}"
            for value in held_values([root, *more_roots, *parameters.values()], codebase.is_first_party)
        )
    values = json.dumps(as_recorded(parameters), sort_keys=True, default=_plain)
    return hashlib.sha256(f"{digest}|{values}{held}".encode()).hexdigest()[:16]


def reachable(
    root: object,
    parameters: Mapping[str, Any] | None = None,
    *,
    more_roots: Sequence[object] = (),
    owner: str | None = None,
) -> frozenset[Definition]:
    """The first-party definitions that `code_version` covers; arguments and errors as there."""
    with _undisturbed():
        codebase, roots = _entered(root, parameters or {}, more_roots, owner)
        return frozenset(codebase.reach(roots))


def constants_reached(
    root: object,
    parameters: Mapping[str, Any] | None = None,
    *,
    more_roots: Sequence[object] = (),
    owner: str | None = None,
) -> tuple[frozenset[str], frozenset[float]]:
    """String and number constants of the modules of what `code_version` covers; arguments and errors as there."""
    with _undisturbed():
        codebase, roots = _entered(root, parameters or {}, more_roots, owner)
        return codebase.constants_of_reached(tuple(roots))


def files_reached(
    root: object,
    parameters: Mapping[str, Any] | None = None,
    *,
    more_roots: Sequence[object] = (),
    owner: str | None = None,
) -> frozenset[str]:
    """The data files whose content `code_version` covers, and the folders in which they were looked for; arguments and
    errors as there."""
    with _undisturbed():
        codebase, roots = _entered(root, parameters or {}, more_roots, owner)
        return codebase.files_of_reached(tuple(roots))


def hold_code() -> None:
    """Freeze the analysed code: later changes of its files do not count, nor in forked processes.

    A fork server calls this: its children run the code that it has loaded, whatever was edited meanwhile. It is often
    killed, so what it found is written first.
    """
    global _held
    for codebase in _shared.values():
        codebase.write_findings()
    _held = True


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Inside the block, one thread at a time and no garbage collection: syntax trees are many objects without
    cycles."""
    with _LOCK, nothing_collected():
        try:
            yield
        except RecursionError:
            raise LineageError(
                "The code of an asset, or a value that it holds, is nested too deeply.",
                expected="a few hundred levels at most",
                found="more, such as a chain of objects",
                advice="hold the objects in a list, or read them in the function",
            ) from None
        finally:
            forget_trees()


def codebase_around(
    root: object,
    parameters: Mapping[str, Any] | None = None,
    *,
    more_roots: Sequence[object] = (),
    owner: str | None = None,
) -> tuple[Codebase, tuple[Definition, ...]]:
    """The first-party code around some code, and the definitions that `code_version` starts from, in order; arguments
    and errors as there."""
    with _undisturbed():
        codebase, roots = _entered(root, parameters or {}, more_roots, owner)
        return codebase, tuple(roots)


def owner_of(origin: str) -> str | None:
    """The top-level package that an installed file belongs to; None for any other file."""
    folder = install_folder(Path(origin))
    inner = () if folder is None else Path(origin).relative_to(folder).parts
    return inner[0] if len(inner) > 1 else None


def by_module(definitions: Iterable[Definition]) -> dict[str, list[str]]:
    """Definitions as plain data: module → names, both sorted."""
    found: dict[str, list[str]] = {}
    for definition in sorted(definitions):
        found.setdefault(definition.module, []).append(definition.name)
    return found


@dataclass(frozen=True)
class _Place:
    """Position of live code in the source: a definition by its name, or by its first line."""

    module: str
    path: Path | None
    name: str | None = None
    line: int | None = None
    live: Any = None


def _entered(
    root: object,
    parameters: Mapping[str, Any],
    more_roots: Sequence[object],
    owner: str | None,
) -> tuple[Codebase, list[Definition]]:
    """The codebase around some roots, and their definitions."""
    first = [] if root is None else list(islice(_Walk(None).places(root), 1))
    if root is not None and not first:
        raise _no_source(root)
    top = owner or (first[0].module.partition(".")[0] if first else None)
    base = _codebase(top, {}, {})
    walk = _Walk(base)
    others = sorted(walk.places(root, [*more_roots, *parameters.values()]), key=_order)
    places = [_by_its_file(base, place) for place in (*first, *others)]
    first = places[: len(first)]
    modules: dict[str, Path] = {}
    texts: dict[Path, str] = {}
    own: list[_Place] = []
    for place in places:
        if place.path is None:
            is_ours = place in first or _is_typed_in(place.module) or base.is_first_party(place.module)
            if place.live is None or not is_ours:
                continue
            path = Path(f"<{place.module}>", place.live.__qualname__)
            texts[path], modules[place.module] = live_text(place.live), path
        elif base.is_first_party(place.module):
            if base.path(place.module) != place.path:
                modules[place.module] = place.path
        elif place in first or is_loose(place.module, place.path):
            modules[place.module] = place.path
        else:
            continue
        own.append(place)
    codebase = _codebase(top, modules, texts) if modules or texts else base
    return codebase, list(dict.fromkeys(_definitions(codebase, own)))


def _definitions(codebase: Codebase, places: Iterable[_Place]) -> Iterator[Definition]:
    for place in places:
        source = codebase.source(place.module)
        if source is None:
            continue
        if place.path is None:
            yield Definition(place.module, next(iter(source.definitions), EFFECTS))
        elif place.name in source.definitions:
            yield Definition(place.module, place.name)
        elif place.line is not None and (names := source.names_at(place.line)):
            yield from (Definition(place.module, name) for name in names)
        else:
            yield from (each for each in codebase.all_of_module(place.module) if isinstance(each, Definition))


def _codebase(owner: str | None, modules: Mapping[str, Path], texts: Mapping[Path, str]) -> Codebase:
    """Cached Codebase while its files are unchanged, so that assets share its findings."""
    key = (owner, tuple(sys.path), tuple(sorted(modules.items())))
    if texts:
        return Codebase(owner, modules, texts)
    if key not in _shared or (not _held and _shared[key].changed()):
        _shared[key] = Codebase(owner, modules)
    return _shared[key]


_PLAIN_ITERATION = (list.__iter__, tuple.__iter__, set.__iter__, frozenset.__iter__, deque.__iter__)
"""Types of collections whose members are searched; iterating those of other packages may fail or have effects."""


_IN_LIBRARIES = 3
"""Depth to which objects of other packages are searched: a pipeline holds steps, and a step the function."""


class _Walk:
    """Search for code in live objects: the contents of partials, closures and objects are followed."""

    def __init__(self, base: Codebase | None) -> None:
        self._base = base
        self._seen: dict[int, object] = {}
        self._library = 0  # objects of other packages around the present value

    def places(self, *values: object) -> Iterator[_Place]:
        """Positions of the code in the values."""
        for value in values:
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                yield from self._places(value)

    def _places(self, value: Any) -> Iterator[_Place]:
        if isinstance(value, types.FunctionType):
            code = value.__code__
            module = value.__globals__.get("__name__", value.__module__)
            yield _Place(module, _file(code.co_filename), _top_name(value), code.co_firstlineno, value)
            yield from self.places(getattr(value, "__wrapped__", None), *cells(value), *defaults(value))
        elif isinstance(value, type):
            if value.__module__ not in sys.stdlib_module_names:
                file = getattr(sys.modules.get(value.__module__), "__file__", None)
                name = value.__qualname__.partition(".")[0]
                yield _Place(value.__module__, _file(file), name=name, live=value)
        elif isinstance(value, functools.partial):
            yield from self.places(value.func, *value.args, *value.keywords.values())
        elif isinstance(value, types.MethodType):
            yield from self.places(value.__func__, value.__self__)
        elif isinstance(value, types.ModuleType):
            yield _Place(value.__name__, _file(getattr(value, "__file__", None)), name="")
        elif isinstance(value, Named):
            yield from self.places(value.value)
        elif isinstance(value, Mapping):
            yield from self.places(*value.keys(), *value.values(), getattr(value, "default_factory", None))
        elif (
            isinstance(value, list | tuple | set | frozenset | deque)
            and type(value).__iter__ in _PLAIN_ITERATION
        ):
            yield from self.places(type(value), *(() if {*map(type, value)} <= ATOMS else value))
        elif isinstance(value, property):
            yield from self.places(value.fget, value.fset, value.fdel)
        elif isinstance(value, classmethod | staticmethod | types.BuiltinMethodType):
            yield from self.places(getattr(value, "__wrapped__", None), getattr(value, "__self__", None))
        elif type(value).__module__ != "builtins":
            yield from self.places(type(value))
            if (wrapped := getattr(value, "__wrapped__", None)) is not None:
                yield from self.places(wrapped)
            is_own = self._base is None or self._base.is_first_party(type(value).__module__)
            if is_own or isinstance(value, types.SimpleNamespace):
                yield from self.places(*attributes(value).values())
            elif self._library < _IN_LIBRARIES:
                self._library += 1
                yield from self.places(*held_by_library(value))
                self._library -= 1


def _top_name(function: types.FunctionType) -> str | None:
    """The top-level definition that contains a function's code, where the code object names it."""
    name = getattr(function.__code__, "co_qualname", None)  # from Python 3.11 on
    if name is None and not hasattr(function, "__wrapped__"):
        name = function.__qualname__
    return name.partition(".")[0] if name else None


def _file(name: str | None) -> Path | None:
    """An existing Python file; None for code from a notebook or a prompt."""
    if name is None or not name.endswith(".py"):
        return None
    path = Path(name)
    return path if path.is_file() else None


def _by_its_file(base: Codebase, place: _Place) -> _Place:
    """A place under the name of its file's module, which `globals().update(vars(other))` replaces by another's."""
    if place.path is None or not base.is_first_party(place.module) or base.path(place.module) == place.path:
        return place
    return replace(place, module=base.module_of(place.path) or place.module)


def _order(place: _Place) -> tuple[str, str, int]:
    return place.module, place.name or "", place.line or 0


def _is_typed_in(module: str) -> bool:
    """Whether a module is not made of a file: a notebook, or a prompt. Compiled modules have no source either."""
    return getattr(sys.modules.get(module), "__file__", None) is None and (
        module.partition(".")[0] not in sys.stdlib_module_names and module in sys.modules
    )


def _plain(value: Any) -> str:
    if isinstance(value, type | types.FunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value) if isinstance(value, date | time | Decimal | PurePath | UUID) else digest_of(value)


def _no_source(root: object) -> LineageError:
    return LineageError(
        "The code of an asset cannot be found.",
        expected="a function, method or class that is written in Python",
        found=repr(root),
        advice="write a Python function around it, in a file or a notebook cell",
    )
