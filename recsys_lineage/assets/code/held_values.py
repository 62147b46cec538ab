"""Plain values in a function's closure: no source text contains them, so they count by value."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator
from typing import Any


def held_values(roots: Iterable[object]) -> tuple[str, ...]:
    """The plain values in a function's closure and defaults, as JSON.

    Args:
        roots: functions and other objects; only a function that is no top-level definition holds values that are in no
            source text.
    """
    return tuple(value for root in roots for value in _held(root, set()))


def cells(function: types.FunctionType) -> Iterator[object]:
    """Values of the variables in a function's closure."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that the function around has not bound yet
            continue


def _held(value: object, seen: set[int]) -> Iterator[str]:
    if id(value) in seen or not isinstance(value, types.FunctionType):
        return
    seen.add(id(value))
    if "<locals>" in value.__qualname__ or value.__closure__:
        defaults = [*(value.__defaults__ or ()), *sorted((value.__kwdefaults__ or {}).items())]
        for each in (*cells(value), *defaults):
            if isinstance(each, types.FunctionType):
                yield from _held(each, seen)
            elif (text := _plain(each)) is not None:
                yield text


def _plain(value: Any) -> str | None:
    """A number, a text, or a collection of them as JSON; None for anything else."""
    try:
        return json.dumps(sorted(value) if isinstance(value, set | frozenset) else value, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return None
