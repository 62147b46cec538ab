"""What a benchmark takes of the packages is there: a benchmark that nobody ran for a while runs all the same."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from benchmarks.platform.recording import doubles

OURS = ("recsys_assets", "recsys_lineage", "recsys_models")
BENCHMARKS = sorted((Path(__file__).resolve().parents[2] / "benchmarks").rglob("*.py"))


def found(module: str, name: str) -> object | None:
    """What `from module import name` gives; None where there is no such name."""
    holder = importlib.import_module(module)
    if hasattr(holder, name):
        return getattr(holder, name)
    try:
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return None


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_what_a_benchmark_takes_of_the_packages_is_there(path: Path) -> None:
    tree = ast.parse(path.read_text())
    modules: dict[str, object] = {}
    missing: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS and not node.level:
            for alias in node.names:
                taken = found(str(node.module), alias.name)
                if taken is None:
                    missing.append(f"{node.module}.{alias.name}")
                elif type(taken).__name__ == "module":
                    modules[alias.asname or alias.name] = taken
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            module = modules[node.value.id]
            if not hasattr(module, node.attr):
                missing.append(f"{node.value.id}.{node.attr}")
    assert not missing


def test_what_recording_is_measured_without_is_there() -> None:
    assert [name for holder, name, _ in doubles() if not hasattr(holder, name)] == []
