"""Error text: what an exception says of itself, whose own code may fail, block or never end.

An exception of somebody's library can run anything in `__str__`, and in the `__repr__` of what it was raised with. A
failure has to be recorded all the same, so nothing here raises, and nothing takes longer than a second.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator

LONGEST = 20_000
"""The most characters of a message that are looked at."""
_SECONDS = 1.0
_PLAIN = (str, int, float, bytes, type(None))

_modules_by_name = sys.modules
"""Looked at for names only: nothing of the modules runs."""


def text_of(error: BaseException) -> str | None:
    """The beginning of an exception's message; None if it cannot be made."""
    try:
        if not _runs_code(error):
            return str(error)[:LONGEST]
    except Exception:
        return None
    made: list[str] = []
    thread = threading.Thread(target=_say, args=(error, made), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is about to end
        return None
    thread.join(_SECONDS)
    if thread.ident is not None and thread.is_alive():
        _stop(thread)
    return made[0] if made else None


class _Withdrawn(BaseException):
    """An exception that a thread raises in itself, to be caught at once."""


def _stop(thread: threading.Thread) -> None:
    """The end of a thread, unless it waits in native code, which cannot be ended.

    An exception that waits for such a thread is withdrawn. Python would look for it in all threads until then, and in
    Python 3.11 a function that is called under a profiler would do nothing else. It stops looking once one was raised.
    """
    _raise_in(thread.ident, SystemExit)
    thread.join(_SECONDS / 10)
    if not thread.is_alive():
        return
    _raise_in(thread.ident, None)
    try:
        _raise_in(threading.get_ident(), _Withdrawn)
        for _ in range(1_000_000):
            pass
    except _Withdrawn:
        return


def _raise_in(thread: int | None, error: type[BaseException] | None) -> None:
    """An exception that a thread raises as soon as it runs Python; none any more when None."""
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread or 0), raised)


def first_line_of(error: BaseException) -> str:
    """The first line of an exception's message; its class's name if it has none."""
    lines = (text_of(error) or "").splitlines()
    return lines[0] if lines and lines[0].strip() else class_of(error)


def words_of(error: BaseException) -> str:
    """An exception's message, for people; its class's name if it has none."""
    text = text_of(error)
    return text if text and text.strip() else class_of(error)


def class_of(error: BaseException) -> str:
    """The name of an exception's class; that of the nearest named class for one that code made under a made-up name."""
    return next(name for cls in _bases(error) if (name := _written_name(cls)) is not None)


def module_of(error: BaseException) -> str:
    """The name of the module of an exception's class."""
    module = next((vars(cls)["__module__"] for cls in _bases(error) if "__module__" in vars(cls)), "")
    return module if isinstance(module, str) else ""


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """An exception and its causes, each once."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__


def _runs_code(error: BaseException) -> bool:
    """Whether making the message runs Python code."""
    of_its_own = any(
        "__str__" in vars(cls) and hasattr(vars(cls)["__str__"], "__code__") for cls in _bases(error)
    )
    return of_its_own or not all(type(each) in _PLAIN for each in (*error.args, *vars(error).values()))


def _bases(error: BaseException) -> tuple[type, ...]:
    """The class of an exception and its base classes, which a metaclass cannot change."""
    return type.__dict__["__mro__"].__get__(type(error))


def _say(error: BaseException, made: list[str]) -> None:
    try:
        text = str(error)
        made.append(text[:LONGEST] if type(text) is str else str.__getitem__(text, slice(LONGEST)))
    except BaseException:
        return


def _written_name(cls: type) -> str | None:
    """The name that a class has in the code that defines it; None for another one."""
    name: str = type.__dict__["__name__"].__get__(cls)
    place: str = type.__dict__["__qualname__"].__get__(cls)
    module = type.__dict__["__module__"].__get__(cls)
    found: object = _modules_by_name.get(module) if isinstance(module, str) else None
    # native code names modules that nobody can import
    if (
        place.endswith(f"<locals>.{name}")
        or (found is None and isinstance(module, str))
        or cls is BaseException
    ):
        return name
    for part in place.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return name if isinstance(found, type) else None
