"""The names that a piece of code binds in its own scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from recsys_lineage.assets.code.syntax.references import Import

_DEFINITIONS = {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}
_COMPREHENSIONS = {ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp}
_BINDERS = {
    ast.AnnAssign, ast.Assign, ast.ExceptHandler, ast.Global, ast.Import, ast.ImportFrom, ast.MatchAs, ast.MatchMapping,
    ast.MatchStar, ast.NamedExpr, ast.Nonlocal,
}  # fmt: skip


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
        self._values: dict[str, list[ast.expr]] = {}
        self._stores: dict[str, int] = {}

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
                self._stores[node.id] = self._stores.get(node.id, 0) + 1  # type: ignore[attr-defined]
            return
        if kind in _BINDERS:
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
            self._values.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and node.value is not None:
                self._values.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.Global):
            self.outside.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            self.around.update(node.names)

    def values(self) -> dict[str, list[ast.expr]]:
        """The names that are bound by assignments alone, each with the expressions assigned to it."""
        return {name: held for name, held in self._values.items() if self._stores.get(name) == len(held)}
