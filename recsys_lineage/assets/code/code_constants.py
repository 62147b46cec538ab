"""Constants of the code that an asset runs: texts and numbers written in the code itself."""

from __future__ import annotations

import functools
import re
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.code.syntax.module_source import constants_of
from recsys_lineage.assets.json_values import texts_of
from recsys_lineage.errors import LineageError

_SQL_TEXT = re.compile(r"'((?:[^']|'')*)'")


def constants_for(asset: AssetCode) -> tuple[frozenset[str], frozenset[float]]:
    """String and number constants of the code that runs for an asset, its checks included."""
    texts = {check.description for check in asset.checks} | {*texts_of(bound_values(asset.compute))}
    numbers: set[float] = {0, 1}
    covered = [] if asset.covers is None else [asset.covers.constants()]
    for check in asset.checks:
        texts |= {text for statement in check.statements for text in sql_texts(statement)}
        if check.function is not None:
            covered.append(_constants_of(check.function))
            texts |= {*texts_of(bound_values(check.function))}
    for function in filter(None, (asset.due, asset.observe, asset.takes)):
        covered.append(_constants_of(function))
    if asset.code.kind == "sql":
        texts |= {*sql_texts(asset.code.text)}
    else:
        covered.append(_parsed(asset.code.text))
    for more_texts, more_numbers in covered:
        texts |= more_texts
        numbers |= more_numbers
    return frozenset(texts), frozenset(numbers)


def sql_texts(sql: str) -> tuple[str, ...]:
    """The text literals of a statement."""
    return tuple(match[1].replace("''", "'") for match in _SQL_TEXT.finditer(sql))


def bound_values(function: object) -> list[Any]:
    """Values that a function was created with; they come from the code or the settings."""
    found: list[Any] = []
    while isinstance(function, functools.partial):
        found += [function.args, dict(function.keywords)]
        function = function.func
    return found


def _constants_of(function: object) -> tuple[frozenset[str], frozenset[float]]:
    try:
        return CoveredCode(function).constants()
    except LineageError:  # made by exec, for example: without source its texts are unknown
        return frozenset(), frozenset()


def _parsed(text: str) -> tuple[frozenset[str], frozenset[float]]:
    try:
        return constants_of(text)
    except SyntaxError:  # a method's source begins indented
        return frozenset(), frozenset()
