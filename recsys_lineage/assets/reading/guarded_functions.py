"""Guarded functions: the other functions of an asset's author, each with what it may read, wherever it is called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.lake.lake_tables import LakeTables
from recsys_lineage.records.records import Records

_Function = TypeVar("_Function", bound=Callable[..., Any] | None)


def guarded_function(asset: str, function: _Function, *, looks_outside: bool = False) -> _Function:
    """The function, guarded during every call like the asset's code; itself when it is None or guarded already.

    It may read the lake that it is given, as itself or with its records.

    Args:
        asset: the asset that it belongs to, for messages.
        function: the function.
        looks_outside: whether it may open every file, because it watches the outside world; a lake it may not.
    """
    if function is None or hasattr(function, "_is_guarded"):
        return function

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        code = None if looks_outside else function
        with guarded(asset, code=code, frame=sys._getframe()) as guard:
            guard.looks_outside = looks_outside
            for given in arguments:
                lake = given.lake if isinstance(given, Records) else given
                if isinstance(lake, LakeTables):
                    guard.give(lake, lake.uri)
            return function(*arguments, **options)

    call._is_guarded = True  # pyright: ignore[reportAttributeAccessIssue]
    return cast("_Function", call)
