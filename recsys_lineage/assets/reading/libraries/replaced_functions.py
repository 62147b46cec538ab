"""Replaced functions: functions of libraries that ask the guard first, whatever name or object the code has them by.

A Python function is given other code, so that it stays the same object: also in a dict, in a default, in a partial or a
bound method that was made before. A native function cannot be changed, so modules get another one in its place, and
code that holds the original elsewhere is refused (`held_files.py`). Nothing else of a library is touched.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES

WRAPPER_FILES.add(__file__)
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
originals: dict[int, tuple[object, str]] = {}
"""Native functions that were replaced: id → the function and its public name."""
_changed: list[tuple[FunctionType, FunctionType]] = []
"""Python functions with other code, each with its copy."""


def replace_functions(functions: dict[str, tuple[Any, Wrap]]) -> None:
    """Replace functions for the rest of the process's life; those that are replaced already stay.

    Args:
        functions: public name → the function, and what makes another of it.
    """
    native: dict[int, tuple[Any, Any]] = {}
    for name, (function, wrap) in functions.items():
        if hasattr(function, "_is_guarded"):
            continue
        if isinstance(function, FunctionType):
            change_code(function, wrap)
        elif id(function) not in native:
            native[id(function)] = function, marked(wrap(function))
            originals[id(function)] = function, name
    if native:
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType):
                for name, value in names_of(module):
                    if (pair := native.get(id(value))) is None or pair[0] is not value:
                        continue
                    # other native modules look for a native class where it is defined, such as in `pyarrow._fs`
                    if not (isinstance(value, type) and value.__module__ == module.__name__):
                        setattr(module, name, pair[1])


def replace_method(kind: type, name: str, wrap: Wrap) -> None:
    """Replace a method or constructor of a class, see `replace_functions`."""
    method = vars(kind).get(name) or getattr(kind, name)
    if hasattr(method, "_is_guarded"):
        return
    if isinstance(method, FunctionType):
        change_code(method, wrap)
    else:
        setattr(kind, name, marked(wrap(method)))


def change_code(function: FunctionType, wrap: Wrap) -> None:
    """Give a Python function the code of another one, which gets a copy of it to call."""
    original = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    original.__kwdefaults__ = function.__kwdefaults__
    original.__qualname__, original.__module__ = function.__qualname__, function.__module__
    vars(original).update(vars(function))
    _changed.append((function, original))
    function.__code__ = _calling(wrap(original), function.__code__.co_freevars)
    function.__defaults__ = function.__kwdefaults__ = None  # the copy has them
    function.__wrapped__ = original  # pyright: ignore[reportFunctionMemberAccess]
    marked(function)


@atexit.register
def _restore() -> None:
    """Give the functions their own code again as the process ends: what other code calls is never collected, and
    DuckDB's binding tells of all that is left over then."""
    for function, original in _changed:
        function.__code__ = original.__code__
        function.__defaults__, function.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
        del function.__wrapped__, function._is_guarded  # pyright: ignore[reportFunctionMemberAccess]
    _changed.clear()
    originals.clear()


def marked(function: Any) -> Any:
    """The function, known as one that asks the guard."""
    function._is_guarded = True
    return function


def names_of(module: ModuleType) -> list[tuple[str, Any]]:
    """Names and values of a module; one that waits to be loaded is left alone."""
    return list(ModuleType.__getattribute__(module, "__dict__").items())


_CALLEE = "the function to call"


def _calling(callee: Callable[..., Any], free: tuple[str, ...]) -> CodeType:
    """Code that calls a function with all that it is given, for a function with these free variables."""
    around = f"def around({', '.join(free)}):\n def _called(*_given, **_named):\n  "
    names = "".join(f"{name}, " for name in free)
    body = f"_callee = {_CALLEE!r}\n  return _callee(*_given, **_named)\n  ({names})\n return _called\n"
    (outer,) = _codes(compile(around + body, __file__, "exec"))
    (code,) = _codes(outer)
    known = tuple(callee if each == _CALLEE else each for each in code.co_consts)
    return code.replace(co_consts=known)


def _codes(code: CodeType) -> Iterator[CodeType]:
    return (each for each in code.co_consts if isinstance(each, CodeType))
