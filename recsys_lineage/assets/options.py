"""Options: parameters of an asset that a single run may set, without a change of code or settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

from recsys_lineage.errors import LineageError, did_you_mean


class OptionRefused(LineageError):
    """A run sets a parameter that the asset does not have, or a value that is not allowed."""

    repeats_code = True


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Option:
    """A value that a run may set.

    Attributes:
        kind: its type, as an annotation.
        default: its value where a run does not set it.
        text: its meaning, in words.
        check: returns the value as the code gets it; raises a ValueError with the reason if it is not allowed.
    """

    kind: Any
    default: Any
    text: str
    check: Callable[[Any], Any] = _unchanged


Options: TypeAlias = Mapping[str, Union[Option, "Mapping[str, Option]"]]
"""Parameter of the asset → its option; for a parameter that is a mapping, the options of its keys."""


def set_parameters(asset: str, options: Options, requested: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run that differ from the defaults; for a mapping, the keys that differ.

    Raises:
        OptionRefused: there is no such option, or the value is not allowed.
    """
    found: dict[str, Any] = {}
    for name, value in requested.items():
        option = _named(asset, options, name)
        if isinstance(option, Option):
            found |= _different(asset, name, option, value)
        else:
            inner: dict[str, Any] = {}
            for key, each in value.items():
                inner |= _different(asset, key, _named(asset, option, key), each)
            found |= {name: inner} if inner else {}
    return found


def _named(asset: str, options: Mapping[str, Any], name: str) -> Any:
    if name not in options:
        raise OptionRefused(
            f"{asset} has no parameter {name!r} that a run may set.",
            expected=", ".join(options) or "none",
            found=repr(name),
            where=asset,
            advice=did_you_mean(name, options) or None,
        )
    return options[name]


def _different(asset: str, name: str, option: Option, value: Any) -> dict[str, Any]:
    if _plain(value) == _plain(option.default):
        return {}
    try:
        return {name: option.check(value)}
    except ValueError as error:
        reason = str(error)
    raise OptionRefused(
        reason, where=f"the parameter {name} of {asset}", advice="give another value, or none"
    )


def _plain(value: Any) -> Any:
    """A value in comparable form: a list equals a tuple, 2.0 equals 2, and True does not equal 1."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return (value,) if isinstance(value, bool) else value
