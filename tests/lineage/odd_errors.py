"""Exceptions that cannot be said, or not in time: a library raises them, and a run that they end still counts."""

from __future__ import annotations

import asyncio
import builtins
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NoReturn

from recsys_lineage.errors import LineageError

Made = Callable[[], BaseException]


class Unsayable:
    """What an exception can be raised with: it has no text."""

    def __repr__(self) -> str:
        raise ValueError("no text")


class Text(str):
    """A text that cannot be cut or searched."""

    def __getitem__(self, key: object) -> NoReturn:
        raise ValueError("no part")

    def splitlines(self, keepends: bool = False) -> NoReturn:
        raise ValueError("no lines")


class Base(BaseException):
    """An exception outside of Python's usual ones, like a panic of native code."""


class Bare(LineageError):
    """An error of ours without any of its parts."""

    def __init__(self) -> None:
        return


class Guarded(Exception):
    """An exception whose attributes fail."""

    @property
    def __class__(self) -> NoReturn:  # pyright: ignore[reportIncompatibleMethodOverride]
        raise ValueError("no class")


class Nowhere(Exception):
    """An exception of no module."""

    __module__ = None  # pyright: ignore[reportAssignmentType]


def _saying(say: Callable[[Any], Any]) -> Made:
    class Odd(Exception):
        __str__ = say  # pyright: ignore[reportAssignmentType]

    return Odd


def _raising(error: type[BaseException]) -> Made:
    def say(_self: object) -> str:
        raise error

    return _saying(say)


def _again(self: object) -> str:
    return str(self)


def _endless(_self: object) -> str:
    while True:
        pass


def _asleep(_self: object) -> str:
    time.sleep(1_000)
    return ""


def _cycle() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def _with_notes() -> BaseException:
    error = ValueError("noted")
    error.__dict__["__notes__"] = [Unsayable(), 3]
    return error


def _odd_parts() -> BaseException:
    error = LineageError("odd")
    error.__dict__["expected"] = Unsayable()
    return error


def _frame() -> FrameType:
    return sys._getframe()


FAILURES: Mapping[str, Made] = {
    "its text raises": _raising(ValueError),
    "its text interrupts": _raising(KeyboardInterrupt),
    "its text leaves": _raising(SystemExit),
    "its text is none": _saying(lambda _: 3),
    "its text never ends": _saying(_again),
    "its text cannot be cut": _saying(lambda _: Text("odd")),
    "surrogates": lambda: ValueError("\ud800 odd \udfff"),
    "null": lambda: ValueError("odd\0odd"),
    "long": lambda: ValueError("odd " * 2_000_000),
    "one long word": lambda: ValueError("a" * 5_000_000),
    "long digits": lambda: ValueError("1" * 5_000_000),
    "quotes": lambda: ValueError("'" * 1_000_000),
    "leaves": lambda: SystemExit(Unsayable()),
    "leaves well": SystemExit,
    "no Exception": lambda: Base("x"),
    "ends an iteration": lambda: StopIteration(3),
    "notes": _with_notes,
    "a cycle of causes": _cycle,
    "a frame": lambda: ValueError(_frame()),
    "no text to tell": lambda: ValueError(Unsayable()),
    "many of them": lambda: OSError(5, Unsayable(), Unsayable()),
    "a key": lambda: KeyError(Unsayable()),
    "bytes": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"),
    "bare": Bare,
    "odd parts": _odd_parts,
    "no class": Guarded,
    "no module": Nowhere,
    "memory": MemoryError,
}
SLOW: Mapping[str, Made] = {"its text loops": _saying(_endless), "its text waits": _saying(_asleep)}
INTERRUPTIONS: Mapping[str, Made] = {
    "interrupt": lambda: KeyboardInterrupt(Unsayable()),
    "closed": GeneratorExit,
    "cancelled": lambda: asyncio.CancelledError(Unsayable()),
}
if sys.version_info >= (3, 11):
    Group, BaseGroup = vars(builtins)["ExceptionGroup"], vars(builtins)["BaseExceptionGroup"]
    FAILURES = {**FAILURES, "a group": lambda: Group("odd", [ValueError(Unsayable())])}
    INTERRUPTIONS = {**INTERRUPTIONS, "a group": lambda: BaseGroup("odd", [KeyboardInterrupt()])}
