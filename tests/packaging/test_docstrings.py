"""Docstrings name what is there: attributes of the class, parameters of the function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMES = r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*):"


def _named(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, section: str) -> list[str]:
    found = re.search(rf"^{section}:\n((?:    .*\n|\n)*)", f"{ast.get_docstring(node) or ''}\n", re.MULTILINE)
    lines = re.findall(_NAMES, found[1], re.MULTILINE) if found else []
    return [name.strip().lstrip("*") for line in lines for name in line.split(",")]


def _attributes(of: ast.ClassDef) -> set[str]:
    own = {each.target for each in of.body if isinstance(each, ast.AnnAssign)}
    own |= {target for each in of.body if isinstance(each, ast.Assign) for target in each.targets}
    set_here = {
        each.attr
        for each in ast.walk(of)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "self"
    }
    methods = {each.name for each in of.body if isinstance(each, ast.FunctionDef)}
    return {each.id for each in own if isinstance(each, ast.Name)} | set_here | methods


def _parameters(of: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    given = of.args
    others = [each for each in (given.vararg, given.kwarg) if each is not None]
    return {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, *others)}


def _unknown(text: str) -> Iterator[str]:
    """What docstrings of a module name and its classes and functions have not."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            unknown = {*_named(node, "Attributes")} - _attributes(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            unknown = {*_named(node, "Args")} - _parameters(node)
        else:
            continue
        yield from (f"{node.lineno} {node.name}: {name}" for name in sorted(unknown))


def test_what_a_docstring_names_is_there() -> None:
    modules = [path for package in ROOT.glob("recsys_*") for path in package.rglob("*.py")]
    assert len(modules) > 500
    assert [
        f"{path.relative_to(ROOT)}:{each}" for path in modules for each in _unknown(path.read_text())
    ] == []


def test_what_is_gone_is_seen() -> None:
    text = '''
class One:
    """One.

    Attributes:
        kept: a name.
        gone: another.
    """

    kept: int

def two(first):
    """Two.

    Args:
        first, second: both.
    """
'''
    assert [*_unknown(text)] == ["2 One: gone", "12 two: second"]
