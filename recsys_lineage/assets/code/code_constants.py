"""Constants of the code that runs for an asset: texts and numbers that the code itself says."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.code.code_version import by_module, reachable
from recsys_lineage.assets.code.module_source import ModuleSource, constants_of
from recsys_lineage.assets.json_values import texts_of
from recsys_lineage.errors import LineageError

_SQL_TEXT = re.compile(r"'((?:[^']|'')*)'")


def constants_for(asset: AssetCode) -> tuple[frozenset[str], frozenset[float]]:
    """String and number constants of the code that runs for an asset, its checks included."""
    texts = {check.description for check in asset.checks} | {*texts_of(given_to(asset.compute))}
    numbers: set[float] = {0, 1}
    modules = set(asset.covers()) if asset.covers is not None else set()
    for check in asset.checks:
        texts |= {text for statement in check.statements for text in sql_texts(statement)}
        if check.function is not None:
            modules |= _modules_of(check.function)
            texts |= {*texts_of(given_to(check.function))}
    if asset.code.kind == "sql":
        texts |= {*sql_texts(asset.code.text)}
    else:
        found = _parsed(asset.code.text)
        texts, numbers = texts | found[0], numbers | found[1]
    for module in sorted(modules):
        if (path := _file_of(module)) is not None:
            more_texts, more_numbers = ModuleSource.load(path).constants
            texts |= more_texts
            numbers |= more_numbers
    return frozenset(texts), frozenset(numbers)


def sql_texts(sql: str) -> tuple[str, ...]:
    """The text literals of a statement."""
    return tuple(match[1].replace("''", "'") for match in _SQL_TEXT.finditer(sql))


def given_to(function: object) -> list[Any]:
    """What a function is given when it is made, which comes from the code or the settings."""
    found: list[Any] = []
    while isinstance(function, functools.partial):
        found += [function.args, dict(function.keywords)]
        function = function.func
    return found


def _modules_of(function: object) -> set[str]:
    try:
        return set(by_module(reachable(function)))
    except LineageError:  # made by exec, say: it has no source, so its texts are not known
        return set()


def _file_of(module: str) -> Path | None:
    """The file of a module's source; None where it has none."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is None:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return None
        loaded = None if spec is None else spec.origin
    return Path(loaded) if loaded and loaded.endswith(".py") else None


def _parsed(text: str) -> tuple[frozenset[str], frozenset[float]]:
    try:
        return constants_of(text)
    except SyntaxError:  # a method's source begins indented
        return frozenset(), frozenset()
