"""What importing recsys_models costs: PyTorch, DGL and LightGBM are loaded by a fit, not by an import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import recsys_models

HEAVY = ("torch", "dgl", "lightgbm")
ROOT = Path(recsys_models.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def imported_by(node: ast.AST) -> set[str]:
    """The packages that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.split(".")[0]}
    return set()


@pytest.mark.parametrize("name", ["recsys_models", "recsys_models.families", "recsys_models.training.tuning"])
def test_an_import_loads_nothing_heavy(name: str) -> None:
    code = f"import sys, {name}; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES)
def test_functions_neither_import_heavy_packages_nor_make_classes(module: str) -> None:
    functions = (
        node
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    inside = [inner for function in functions for inner in ast.walk(function)]
    assert not [ast.unparse(node) for node in inside if imported_by(node) & set(HEAVY)], "import at the top"
    assert not [node.name for node in inside if isinstance(node, ast.ClassDef)], "define it at the top"
