"""The names that a piece of code binds in its own scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from recsys_lineage.assets.code.text.references import Import

_DEFINITIONS = {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}
_COMPREHENSIONS = {ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp}


def bound_names(body: Iterable[ast.AST]) -> dict[str, list[Import]]:
    """Names that statements bind in their scope, each with the imports that bind it."""
    bindings = Bindings()
    for node in body:
        bindings.take(node)
    return bindings.bound


class Bindings:
    """The names of one scope: those bound in it, and those from the module or an enclosing scope."""

    def __init__(self) -> None:
        self.bound: dict[str, list[Import]] = {}
        self.outside: set[str] = set()
        self.around: set[str] = set()

    def take(self, node: ast.AST, in_comprehension: bool = False) -> None:
        kind = type(node)
        if kind in _DEFINITIONS:
            self.bound.setdefault(node.name, [])  # type: ignore[attr-defined]
            return
        if kind is ast.Lambda:
            return
        if kind is ast.Name:
            if not isinstance(node.ctx, ast.Load) and not in_comprehension:  # type: ignore[attr-defined]
                self.bound.setdefault(node.id, [])  # type: ignore[attr-defined]
            return
        self._statement(node)
        inside = in_comprehension or kind in _COMPREHENSIONS
        for name in node._fields:
            child = getattr(node, name, None)
            if isinstance(child, list):
                for each in child:
                    if isinstance(each, ast.AST):
                        self.take(each, inside)
            elif isinstance(child, ast.AST):
                self.take(child, inside)

    def _statement(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                self.bound.setdefault(name, []).append(Import(alias.name if alias.asname else name))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name != "*":
                    imported = Import(node.module or "", node.level, alias.name)
                    self.bound.setdefault(alias.asname or alias.name, []).append(imported)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            if node.name:
                self.bound.setdefault(node.name, [])
        elif isinstance(node, ast.MatchMapping):
            if node.rest:
                self.bound.setdefault(node.rest, [])
        elif isinstance(node, ast.NamedExpr):
            self.bound.setdefault(node.target.id, [])
        elif isinstance(node, ast.Global):
            self.outside.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            self.around.update(node.names)
