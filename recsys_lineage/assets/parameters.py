"""Named: a parameter of an asset that is code, which records write as a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys_lineage.errors import LineageError


@dataclass(frozen=True)
class Named:
    """A parameter whose value is code, such as a class: the asset's function gets `value`, records say `name`."""

    name: str
    value: Any


def as_recorded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as records write them."""
    return {name: value.name if isinstance(value, Named) else value for name, value in parameters.items()}


def as_given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as the asset's function takes them."""
    return {name: value.value if isinstance(value, Named) else value for name, value in parameters.items()}


def with_recorded(parameters: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the values that a record names; what the asset has no parameter for is left out.

    Raises:
        LineageError: the record names other code than the asset has now.
    """
    known = dict(parameters)
    for name, value in record.items():
        now = known.get(name)
        if isinstance(now, Named):
            if now.name != value:
                raise LineageError(
                    f"The parameter {name!r} names other code than the record.",
                    expected=str(value),
                    found=now.name,
                    advice="check out the commit of the record",
                )
        elif name in known:
            known[name] = value
    return known
