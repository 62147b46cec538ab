"""The leaves, numbers and texts in a JSON value, however deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any


def plain_number(value: Any) -> bool | int | float | None:
    """A number of any library as a number of JSON; None for what is no number, and for one that no float equals, such
    as a decimal."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else None


def leaves(value: Any) -> Iterator[Any]:
    """The values in lists, sets and mappings, keys included."""
    if isinstance(value, Mapping):
        for key, held in value.items():
            yield key
            yield from leaves(held)
    elif isinstance(value, list | tuple | set | frozenset):
        for held in value:
            yield from leaves(held)
    else:
        yield value


def numbers_of(value: Any) -> Iterator[float]:
    """Every number in a JSON value, without its sign."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield abs(value)
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from numbers_of(held)
    elif isinstance(value, list | tuple | set | frozenset):
        for held in value:
            yield from numbers_of(held)


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield str(key)
            yield from texts_of(held)
    elif isinstance(value, list | tuple | set | frozenset):
        for held in value:
            yield from texts_of(held)
