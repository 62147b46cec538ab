"""Parameters of families: declared once by their types, and checked when a model is created."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import numpy as np


@dataclasses.dataclass(frozen=True)
class Range:
    """Range of finite numbers from `low` to `high`, without an end that is open; `why` gives the reason for its
    ends."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    why: str = ""

    def holds(self, value: float) -> bool:
        """Whether the number lies in the range."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        ends = []
        if self.low > -math.inf:
            ends.append(f"{'>' if self.open_low else '≥'} {_written(self.low)}")
        if self.high < math.inf:
            ends.append(f"{'<' if self.open_high else '≤'} {_written(self.high)}")
        return " and ".join(ends) + (f" ({self.why})" if self.why else "")


def _written(number: float) -> str:
    return f"{number:.0f}" if float(number).is_integer() else f"{number:g}"


_INT32 = 2**31 - 1
_GROWS = "time and memory of a fit grow with it"


Count: TypeAlias = Annotated[int, Range(1, _INT32)]
"""A whole number, at least 1, that the data limit: a fit uses no more than there is."""
Width: TypeAlias = Annotated[int, Range(1, 4096, why=_GROWS)]
"""Length of a vector, or number of units of a layer."""
Length: TypeAlias = Annotated[int, Range(1, 4096, why=_GROWS)]
"""The longest part of a history that a network sees, in events."""
Drawn: TypeAlias = Annotated[int, Range(1, 4096, why=_GROWS)]
"""Number of negative items sampled for each positive one."""
Depth: TypeAlias = Annotated[int, Range(1, 16, why=_GROWS)]
"""Number of layers of a network."""
DepthOrNone: TypeAlias = Annotated[int, Range(0, 16, why=_GROWS)]
"""Number of layers of a network; may be 0."""
Rounds: TypeAlias = Annotated[int, Range(1, 10_000, why=_GROWS)]
"""Number of passes of a fit, such as epochs."""
RoundsOrNone: TypeAlias = Annotated[int, Range(0, 10_000, why=_GROWS)]
"""Number of passes of a fit; may be 0."""
Several: TypeAlias = Annotated[int, Range(1, 100, why=_GROWS)]
"""Number of parallel parts of a model, such as heads."""
SeveralOrNone: TypeAlias = Annotated[int, Range(0, 100, why=_GROWS)]
"""Number of parallel parts of a model; may be 0."""
AtLeast0: TypeAlias = Annotated[float, Range(0)]
"""A number, at least 0."""
Above0: TypeAlias = Annotated[float, Range(0, open_low=True)]
"""A number above 0."""
Dropout: TypeAlias = Annotated[float, Range(0, 1, open_high=True)]
"""A share that is left out, below 1."""
Share: TypeAlias = Annotated[float, Range(0, 1, open_low=True)]
"""A share, above 0."""
Auto: TypeAlias = Literal["auto"]
"""Chosen by validation, or a default without."""


def checked(family: type[Any], name: str, value: Any) -> Any:
    """The parameter's value as plain Python, which a model file can hold.

    Args:
        family: dataclass whose annotation says what `name` may be.

    Raises:
        ValueError: the value is of another type, not finite, or out of the parameter's range.
    """
    value = plain(value)
    kind = kinds(family)[name]
    if not fits(value, kind):
        label = getattr(family, "family", family.__name__)
        raise ValueError(f"{label}: {name}: expected {in_words(kind)}, found {value!r}")
    return value


@cache
def kinds(family: type[Any]) -> dict[str, Any]:
    """The annotation of each parameter of a family."""
    hints = typing.get_type_hints(family, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(family) if field.init}


def plain(value: Any) -> Any:
    """The value with NumPy scalars and arrays, nested ones too, as Python's own types."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(each) for each in value)
    return value


def fits(value: Any, kind: Any) -> bool:
    """Whether a value matches an annotation: whole numbers are numbers, but not booleans."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Annotated:
        return fits(value, parts[0]) and all(part.holds(value) for part in parts[1:])
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin in (list, tuple):
        return isinstance(value, list | tuple) and all(fits(each, parts[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, parts[0]) and fits(each, parts[1]) for key, each in value.items()
        )
    if kind in (int, float):
        number = int if kind is int else int | float
        return isinstance(value, number) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, kind)


def in_words(kind: Any) -> str:
    """An annotation in words, for error messages."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(in_words(part) for part in parts)
    if origin is Annotated:
        return " ".join(filter(None, (in_words(parts[0]), str(parts[1]))))
    if origin is Literal:
        return repr(parts[0]) if len(parts) == 1 else f"one of {parts}"
    if origin in (list, tuple):
        return f"a list of {in_words(parts[0])}"
    if origin is dict:
        return f"a mapping from {in_words(parts[0])} to {in_words(parts[1])}"
    names = {int: "a whole number", float: "a number", str: "text", bool: "True or False"}
    return "None" if kind in (None, type(None)) else names.get(kind, "any value")
