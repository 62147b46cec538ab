"""Parameters of an asset, as its code gets them and as records write them: code by a name, a secret by a hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as fields_of
from typing import Any

from pydantic import BaseModel

from recsys_lineage.errors import LineageError
from recsys_lineage.records.parts.secret_names import is_secret
from recsys_lineage.records.parts.url_secrets import with_replaced_secrets
from recsys_lineage.records.parts.withheld import is_withheld, withheld_secret


@dataclass(frozen=True)
class Named:
    """A parameter that records write as a name, such as a class: the asset's code gets `value`, records contain
    `name`."""

    name: str
    value: Any


def as_recorded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as records write them: an object with fields as a mapping, and secrets as hashes.

    A secret is whatever stands below a name such as `password` (`secret_names.py`), and the password in a URL.
    """
    return {name: _recorded(name, value) for name, value in parameters.items()}


def _recorded(name: str, value: Any, below_secret: bool = False) -> Any:
    if isinstance(value, Named):
        return value.name
    if is_withheld(value):
        return value
    hides = below_secret or is_secret(name, value)
    fields = _fields(value)
    if fields is not None:
        return {str(inner): _recorded(str(inner), held, hides) for inner, held in fields.items()}
    if hides and is_secret("secret", value):
        return withheld_secret(name, value)
    if type(value) in (list, tuple):
        return type(value)(_recorded("", each) for each in value)
    if isinstance(value, str):
        return with_replaced_secrets(value, lambda secret: withheld_secret(name, secret))
    return value


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """Fields of a mapping, or of an object that declares them, by name; None for any other value."""
    if isinstance(value, Mapping):
        return value
    named = getattr(value, "_asdict", None) if isinstance(value, tuple) else None
    if named is not None:
        return named()
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields_of(value)}
    return None


def values_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as the asset's function gets them."""
    return {name: value.value if isinstance(value, Named) else value for name, value in parameters.items()}


def with_recorded(parameters: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with a record's values; those that the asset does not have are left out.

    Raises:
        LineageError: code or a secret in the record differs from the asset's.
    """
    return {
        name: _restored(name, record[name], now) if name in record else now
        for name, now in parameters.items()
    }


def _restored(name: str, recorded: Any, now: Any, below_secret: bool = False) -> Any:
    """The value of a record, with the secrets of the present value.

    Args:
        name: the parameter's name, or that of one of its fields.
        recorded: what the record says.
        now: the present value.
        below_secret: whether the field belongs to a secret.
    """
    if _as_text(_recorded(name, now, below_secret)) == _as_text(recorded):
        return now
    if isinstance(now, Named):
        raise LineageError(
            f"The parameter {name!r} names other code than the record.",
            expected=str(recorded),
            found=now.name,
            advice="check out the commit of the record",
        )
    if isinstance(now, Mapping) and isinstance(recorded, Mapping):
        hides = below_secret or is_secret(name, now)
        return {inner: _restored(str(inner), held, now.get(inner), hides) for inner, held in recorded.items()}
    if is_withheld(recorded):
        raise LineageError(
            f"The parameter {name!r} differs from the secret of the record, which is not kept.",
            expected="the value that it had at that run",
            found="another one",
            advice="set that value, and try again",
        )
    return recorded


def _as_text(recorded: Any) -> str:
    """A recorded value in comparable form, whether it was read from JSON or is about to be written to it."""
    return json.dumps(recorded, sort_keys=True, default=str)
