"""Which families can compete, the source that each one's code version covers, and what each is told."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from recsys_lineage.errors import LineageError
from recsys_models.families import families

FAMILIES = tuple(families)
"""Every family of the registry; a new one needs no more than its place there."""
BASELINES = ("popularity", "item_neighbours")
_PACKAGE = "recsys_models"
_CONTRACT = "recsys_models.recommender"


def competing(names: str) -> list[str]:
    """The families of a comma-separated list, in the order of `FAMILIES`; the baselines always take part.

    Raises:
        LineageError: when a name is no family.
    """
    asked = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := sorted(asked - set(FAMILIES)):
        raise LineageError(
            f"There is no model family {', '.join(unknown)}.",
            expected=", ".join(FAMILIES),
            where="RECSYS_FAMILIES",
        )
    return [family for family in FAMILIES if family in asked or family in BASELINES]


def candidate_name(family: str) -> str:
    """The asset of a family."""
    return f"candidate_{family}"


def tuning_name(family: str) -> str:
    """The asset of a family's search for parameters."""
    return f"tuning_{family}"


@cache
def family_modules(family: str) -> tuple[str, ...]:
    """The family's module and every module of `recsys_models` that it imports, however indirectly."""
    found: set[str] = set()
    ahead = [families[family].__module__]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += _imported(module)
    return tuple(sorted(found))


@cache
def asks_for(family: str) -> frozenset[str]:
    """What a family's modules look at beside interactions: `item_features`, `user_features`, `relations`."""
    known = {"item_features", "user_features", "relations"}
    modules = [module for module in family_modules(family) if module != _CONTRACT]
    return frozenset(
        node.attr
        for module in modules
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Attribute) and node.attr in known
    )


def learns_by_gradient(family: str) -> bool:
    """Whether PyTorch trains the family: such families take turns on the device."""
    return f"{_PACKAGE}.training.trainer" in family_modules(family)


def starts_from_before(family: str) -> bool:
    """Whether a refit of the family starts from the model before, instead of computing everything anew."""
    from recsys_models import Recommender

    return families[family]._refit is not Recommender._refit


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_PACKAGE):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            inner = [name for name in names if _is_module(name)]
            yield from inner or [node.module]


def _is_module(name: str) -> bool:
    package, _, last = name.rpartition(".")
    home = _path(package)
    return home.name == "__init__.py" and home.with_name(f"{last}.py").exists()


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


@cache
def _path(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin)
