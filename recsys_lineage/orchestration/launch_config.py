"""The options of an asset as config of Dagster's launchpad, with types, defaults and descriptions."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal, Union

import dagster as dg

from recsys_lineage.assets.options import Option, Options


def launch_config(options: Options) -> dict[str, dg.Field] | None:
    """The config schema of an asset's step; None for an asset without options."""
    return {name: _field(option) for name, option in options.items()} or None


def _field(option: Option | typing.Mapping[str, Option]) -> dg.Field:
    if not isinstance(option, Option):
        # with its defaults, which the launchpad writes out
        inner = {name: _field(each) for name, each in option.items()}
        defaults = {name: _default(each) for name, each in option.items()}
        return dg.Field(inner, default_value=defaults, is_required=False)
    return dg.Field(
        _config_type(option.kind), default_value=_default(option), is_required=False, description=option.text
    )


def _default(option: Option) -> Any:
    return list(option.default) if isinstance(option.default, tuple) else option.default


def _config_type(kind: Any) -> Any:
    """Dagster's type for values of an annotation; `Any` where no type accepts them all."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _config_type(parts[0])
    if origin in (Union, types.UnionType):
        some = [part for part in parts if part is not type(None)]
        if len(some) == len(parts):
            return dg.Any
        inner = _config_type(some[0]) if len(some) == 1 else dg.Any
        return inner if inner is dg.Any else dg.Noneable(inner)
    if origin is Literal and all(isinstance(part, str) for part in parts):
        return dg.Enum("_or_".join(parts), [dg.EnumValue(part) for part in parts])
    if origin in (list, tuple):
        return dg.Array(_config_type(parts[0]))
    return {int: dg.Int, float: dg.Float, str: dg.String, bool: dg.Bool}.get(kind, dg.Any)
