"""Parameters of an asset, as its code gets them and as records write them: code by a name, a secret by a hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys_lineage.errors import LineageError
from recsys_lineage.records.parts.withheld import is_secret_name, is_withheld, withheld_secret


@dataclass(frozen=True)
class Named:
    """A parameter that records write as a name, such as a class: the asset's code gets `value`, records contain
    `name`."""

    name: str
    value: Any


def as_recorded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as records write them; a parameter named like a secret as a hash."""
    return {name: _recorded(name, value) for name, value in parameters.items()}


def _recorded(name: str, value: Any) -> Any:
    if isinstance(value, Named):
        return value.name
    if isinstance(value, Mapping):
        return {inner: _recorded(str(inner), held) for inner, held in value.items()}
    secret = is_secret_name(name) and isinstance(value, str | bytes) and not is_withheld(value)
    return withheld_secret(name, value) if secret else value


def values_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as the asset's function gets them."""
    return {name: value.value if isinstance(value, Named) else value for name, value in parameters.items()}


def with_recorded(parameters: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with a record's values; those that the asset does not have are left out.

    Raises:
        LineageError: code or a secret in the record differs from the asset's.
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
        elif is_withheld(value):
            if name in known and _recorded(name, now) != value:
                raise LineageError(
                    f"The parameter {name!r} differs from the secret of the record, which is not kept.",
                    expected="the value that it had at that run",
                    found="another one",
                    advice="set that value, and try again",
                )
        elif name in known:
            known[name] = value
    return known
