"""Values that code holds at run time, which no source text contains: they count by value, the same in every process."""

from __future__ import annotations

import dataclasses
import enum
import functools
import gc
import hashlib
import logging
import re
import sys
import types
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from recsys_lineage.assets.code.array_values import array_content

FIELDS = "code_version_fields"
"""Name of the attribute with which a class names those of its attributes that count in the versions of code that holds
its objects; others may be places, such as a home folder, or a connection."""
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None), type(...)})
"""Types of values that hold no others."""
_BY_TEXT = (date, Decimal, Fraction, PurePath, UUID, range, slice, time, timedelta, tzinfo)
_MANY = (list, tuple, deque)
_MOST_HELD = 1_000
"""Longest collection in an object of another package that is searched for code; longer ones are data."""
_COLLECTIONS = frozenset({"builtins", "collections", "types"})
_WRAPPERS = (classmethod, staticmethod)


def held_values(
    roots: Iterable[object], is_own: Callable[[str], bool] = lambda module: True
) -> tuple[str, ...]:
    """Digests of the values that code holds: in closures, defaults, partials and objects, in the order of the roots.

    Equal values have equal digests, in every process and under every Python. Numbers, texts, dates, paths, patterns,
    enums, collections, arrays, frames and the attributes of first-party objects count by value, functions and classes
    by name (their code is covered by the version itself), other objects, such as connections, by their class.

    Args:
        roots: functions and other objects; a top-level function of a module holds nothing that is in no source text.
        is_own: whether a module is first-party.
    """
    digests = _Digests(is_own)
    return tuple(found for root in roots if (found := digests.of_root(root)) is not None)


def digest_of(value: object, is_own: Callable[[str], bool] = lambda module: True) -> str:
    """The digest of one value; see `held_values`."""
    return _Digests(is_own).of(value)


def cells(function: types.FunctionType) -> Iterator[object]:
    """Values of the variables in a function's closure."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that the function around has not bound yet
            continue


def attributes(value: object) -> dict[str, object]:
    """The attributes of an object that count in code versions, slots included; see `FIELDS`."""
    kind = type(value)
    chosen = getattr(kind, FIELDS, None)
    if chosen is not None:
        return {name: getattr(value, name, None) for name in chosen}
    found = dict(getattr(value, "__dict__", {}))
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            is_private = name.startswith("__") and not name.endswith("__")
            stored = f"_{base.__name__.lstrip('_')}{name}" if is_private else name
            member = base.__dict__.get(stored)
            if isinstance(
                member, types.MemberDescriptorType
            ):  # asked itself, as `__getattr__` may run any code
                try:
                    found[stored] = member.__get__(value)
                except AttributeError:  # nothing was assigned
                    continue
    compared = getattr(value, "__dataclass_fields__", {}) if _is_data(value) else {}
    unequal = {name for name, field in compared.items() if not field.compare}
    return {
        name: held
        for name, held in found.items()
        if name not in unequal and not isinstance(getattr(kind, name, None), functools.cached_property)
    }


def held_by_library(value: object) -> list[object]:
    """Values in an object of another package that may be code: functions, objects, and small collections of these.

    Objects written in C, such as that of `functools.cmp_to_key`, are asked for what the garbage collector sees in them.
    """
    held = getattr(value, "__dict__", None)
    found = list(held.values()) if isinstance(held, dict) else gc.get_referents(value)
    return [each for each in found if not _is_no_code(each)]


def _is_no_code(value: object) -> bool:
    is_large = isinstance(value, (*_MANY, dict, set, frozenset)) and len(value) > _MOST_HELD
    return type(value) in ATOMS or is_large or isinstance(value, types.ModuleType | logging.Logger)


def _is_data(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


class _Digests:
    """Digests of values, each made once; of a value that contains itself, by its distance from itself."""

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own
        self._known: dict[int, tuple[object, str]] = {}  # with the object, so that no other one gets the id
        self._open: list[int] = []

    def of_root(self, root: object) -> str | None:
        """The digest of a root; None if it holds nothing."""
        if isinstance(root, types.FunctionType):
            return self.of(root) if _holds(root) else None
        is_parameter = type(root) in ATOMS or isinstance(root, Mapping | list | tuple)
        if is_parameter or isinstance(root, type | types.ModuleType):
            return None  # code, and parameters, which count as such
        return self.of(root)

    def of(self, value: object) -> str:
        if type(value) in ATOMS:
            return _hashed(type(value).__name__, _plain(value))
        if id(value) in self._known:
            return self._known[id(value)][1]
        if id(value) in self._open:
            return _hashed("itself", str(len(self._open) - self._open.index(id(value))))
        self._open.append(id(value))
        try:
            found = self._of(value)
        finally:
            self._open.pop()
        self._known[id(value)] = value, found
        return found

    def _all(self, kind: str, values: Iterable[object]) -> str:
        return _hashed(kind, *map(self.of, values))

    def _of(self, value: Any) -> str:
        kind = type(value)
        name = kind.__qualname__
        if isinstance(value, enum.Enum):
            return self._all(f"{name}.{value.name}", [value.value])
        if isinstance(value, _MANY):
            return self._many(kind, value)
        if isinstance(value, set | frozenset):
            return _hashed("set", *sorted(map(self.of, value)))
        if isinstance(value, dict) or (isinstance(value, Mapping) and kind.__module__ in _COLLECTIONS):
            pairs = sorted((self.of(key), self.of(held)) for key, held in value.items())
            made_by = [self.of(value.default_factory)] if isinstance(value, defaultdict) else []
            return _hashed("dict", *made_by, *(part for pair in pairs for part in pair))
        if isinstance(value, str | bytes | int | float | complex):  # of a class derived from these
            base: Any = next(each for each in kind.__mro__ if each in ATOMS)
            return _hashed(name, base.__repr__(value))
        if isinstance(value, bytearray | memoryview):
            return _hashed("bytes", bytes(value))
        if isinstance(value, re.Pattern):
            return self._all("pattern", [value.pattern, value.flags])
        if isinstance(value, _BY_TEXT):
            return _hashed(name, value.as_posix() if isinstance(value, PurePath) else repr(value))
        return self._code(value) or self._object(value)

    def _many(self, kind: type, value: Any) -> str:
        if set(map(type, value)) <= ATOMS:
            return _hashed(kind.__name__, repr(list(value)))
        return self._all(kind.__name__, value)

    def _code(self, value: Any) -> str | None:
        """The digest of code with what it holds; None for other values."""
        if isinstance(value, types.FunctionType):
            if (
                value.__globals__.get("__name__") in sys.stdlib_module_names
            ):  # such as singledispatch, with its caches
                return self._all("function of Python", [getattr(value, "__wrapped__", value.__qualname__)])
            held = [*defaults(value), *cells(value)]
            return self._all(f"function {value.__qualname__} {_inside(value)}", held)
        if isinstance(value, type):
            return _hashed("class", value.__qualname__)
        if isinstance(value, types.ModuleType):
            return _hashed("module", value.__name__)
        if isinstance(value, functools.partial):
            return self._all("partial", [value.func, value.args, value.keywords])
        if isinstance(value, types.MethodType):
            return self._all("method", [value.__func__, value.__self__])
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            return self._all(value.__qualname__, [] if isinstance(owner, types.ModuleType) else [owner])
        if isinstance(value, property):
            return self._all("property", [value.fget, value.fset, value.fdel])
        if isinstance(value, _WRAPPERS) or isinstance(
            getattr(value, "__wrapped__", None), types.FunctionType
        ):
            return self._all(type(value).__name__, [value.__wrapped__])
        return None

    def _object(self, value: object) -> str:
        kind = type(value)
        content = array_content(value)
        if content is not None:
            return _hashed(kind.__qualname__, *content)
        is_plain = hasattr(kind, FIELDS) or _is_data(value) or isinstance(value, types.SimpleNamespace)
        if is_plain or kind.__module__ == "__main__" or self._is_own(kind.__module__):
            items = sorted(attributes(value).items())
            return self._all(f"object {kind.__qualname__}", [part for item in items for part in item])
        return _hashed("object of", f"{kind.__module__}.{kind.__qualname__}")


def _holds(function: types.FunctionType) -> bool:
    """Whether a function holds values that are not in the text of a module's top."""
    return "<locals>" in function.__qualname__ or bool(function.__closure__)


def defaults(function: types.FunctionType) -> list[object]:
    """The default values of a function that holds any which are in no text."""
    if not _holds(function):
        return []
    return [*(function.__defaults__ or ()), *sorted((function.__kwdefaults__ or {}).items())]


def _inside(function: types.FunctionType) -> str:
    """Words by which functions of one name differ, such as two lambdas of one statement, the same in every Python."""
    if "<" not in function.__qualname__:
        return ""
    words: set[str] = set()
    codes = [function.__code__]
    for code in codes:
        words.update(code.co_names)
        codes.extend(each for each in code.co_consts if isinstance(each, types.CodeType))
        docstring = () if code.co_name.startswith("<") else code.co_consts[:1]
        words.update(map(_word, set(code.co_consts) - set(docstring)))
    # Python 3.12 makes no code of its own of a comprehension: whether there is such a constant tells nothing
    return _hashed("words", *sorted(words - {""}))


def _word(constant: object) -> str:
    is_plain = isinstance(constant, str | bytes | int | float | complex) and not isinstance(constant, bool)
    return repr(constant) if is_plain and "<locals>" not in str(constant) else ""


def _plain(value: Any) -> str | bytes:
    return value if isinstance(value, str | bytes) else repr(value)


def _hashed(*parts: object) -> str:
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes | memoryview) else str(part).encode("utf-8", "surrogatepass")
        total.update(f"{len(data)}:".encode())
        total.update(data)
    return total.hexdigest()[:32]
