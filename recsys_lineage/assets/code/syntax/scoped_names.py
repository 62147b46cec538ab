"""ScopedNames: the walk through a piece of code that tells its own names from those around it, and knows its paths."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from recsys_lineage.assets.code.syntax.bound_names import Bindings
from recsys_lineage.assets.code.syntax.code_paths import EXPRESSIONS, CodePaths, chain_of, may_be_path
from recsys_lineage.assets.code.syntax.references import CodePath, Import, Reference


@dataclass
class Scope:
    """One scope of code: the names bound in it, what is assigned to them, and those declared global."""

    names: dict[str, list[Import]]
    kind: str
    outside: set[str] = field(default_factory=set)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    paths: dict[str, list[CodePath]] = field(default_factory=dict)


class ScopedNames(ast.NodeVisitor):
    """Visitor of a piece of code that knows what its names are bound to.

    Attributes:
        found: the references found so far, in order.
    """

    def __init__(self, imports: Mapping[str, Sequence[Import]]) -> None:
        self.found: dict[Reference, None] = {}
        self._scopes: list[Scope] = []
        self._imports = imports
        self._visitors = _visitors(type(self))
        self._in_hook = False
        self._paths = CodePaths(self._meaning, self._reference, self._values_of)
        self._path_parts: dict[int, ast.AST] = {}  # kept, so that no other node gets the id

    def visit(self, node: ast.AST) -> None:
        kind = type(node)
        if kind in EXPRESSIONS and id(node) not in self._path_parts and may_be_path(node):
            self._note_path(node)  # type: ignore[arg-type]
        visitor = self._visitors.get(kind)
        if visitor is None:
            self.generic_visit(node)
        else:
            visitor(self, node)

    def generic_visit(self, node: ast.AST) -> None:
        for name in node._fields:
            held = getattr(node, name, None)
            if isinstance(held, ast.AST):
                self.visit(held)
            elif isinstance(held, list):
                for each in held:
                    if isinstance(each, ast.AST):
                        self.visit(each)

    # --- scopes --------------------------------------------------------------------------------------------

    def _scope_of(self, name: str) -> Scope | None:
        """The scope that binds a name or declares it global; None for a name of the module."""
        within = "comprehension"
        for scope in reversed(self._scopes):
            visible = scope.kind != "class" or within == "comprehension"
            if scope.kind != "comprehension":
                within = scope.kind
            if name in scope.outside or (visible and name in scope.names):
                return scope
        return None

    def _shadowed(self, name: str) -> bool:
        return any(name in scope.names for scope in self._scopes)

    def _inside(
        self, names: dict[str, list[Import]], visited: Iterable[ast.AST], kind: str, body: Iterable[ast.AST]
    ) -> None:
        bindings = Bindings()
        for node in body:
            bindings.take(node)
        taken = bindings.outside | bindings.around
        bound = {name: held for name, held in bindings.bound.items() if name not in taken}
        values = {name: held for name, held in bindings.values().items() if name not in {*names, *taken}}
        self._scopes.append(Scope({**names, **bound}, kind, bindings.outside, values))
        for node in visited:
            self.visit(node)
        self._scopes.pop()

    def _meaning(self, node: ast.AST) -> tuple[str, ...]:
        """Meaning of an attribute or a name after the imports: `im` as `importlib.import_module`."""
        chain = chain_of(node)
        if chain is None:
            return ("",)
        bound = next(
            (scope.names[chain[0]] for scope in reversed(self._scopes) if chain[0] in scope.names), None
        )
        for imported in self._imports.get(chain[0], ()) if bound is None else bound:
            name = () if imported.name is None else (imported.name,)
            return (*imported.module.split("."), *name, *chain[1:])
        return chain if bound is None else ("",)

    # --- paths of files next to the code -------------------------------------------------------------------

    def _note_path(self, node: ast.expr, *, only_assigned: bool = False) -> None:
        """Note the paths that an expression is, if it is known to be one."""
        if self._is_path(node, names=only_assigned):
            self._path_parts.update((id(part), part) for part in self._paths.parts)
            for path in self._paths.last:
                self.found[Reference(path=path, only_assigned=only_assigned)] = None

    def _is_path(self, node: ast.expr, *, names: bool = False) -> bool:
        """Whether an expression is known to be a path, or, if `names`, the name of what may be one."""
        is_name = isinstance(node, ast.Name)
        if (
            not names
            and not may_be_path(node)
            and not (is_name and self._scopes and self._values_of(node.id))
        ):
            return False
        paths = self._paths.read(node)
        if names or any(path.steps or not isinstance(path.start, Reference) for path in paths):
            return bool(paths)
        return bool(paths) and is_name and self._values_of(node.id) is not None

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned(node.targets[0] if len(node.targets) == 1 else None, node.value)
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assigned(node.target, node.value)
        self.generic_visit(node)

    def _assigned(self, target: ast.expr | None, value: ast.expr) -> None:
        """Take an assigned path for what the name stands for, instead of a use of all files below it."""
        if not isinstance(target, ast.Name):
            return
        if self._scopes:
            values = self._scopes[-1].values
            if self._scopes[-1].kind == "function" and target.id in values:
                self._paths.read(value)
                self._path_parts.update((id(part), part) for part in self._paths.parts)
        elif id(value) not in self._path_parts:
            self._note_path(value, only_assigned=True)

    def _reference(self, chain: tuple[str, ...]) -> Reference | None:
        """The reference of names that are not bound by the code around them, except by an import."""
        scope = self._scope_of(chain[0])
        if scope is None or chain[0] in scope.outside:
            return Reference(chain)
        imported = scope.names[chain[0]]
        return Reference(chain[1:], imported[0]) if imported else None

    def _values_of(self, name: str) -> list[CodePath] | None:
        """The paths that a name bound by the code around it stands for; None for a name of the module."""
        scope = self._scope_of(name)
        if scope is None or name in scope.outside or scope.names[name]:
            return None
        if name not in scope.paths:
            scope.paths[name] = []  # an expression like `path.parent` may be assigned to `path`
            for value in scope.values.get(name, ()):
                scope.paths[name] = [*scope.paths[name], *self._paths.of(value)]
        return scope.paths[name]


@cache
def _visitors(kind: type[ScopedNames]) -> dict[type, Callable[[Any, Any], None]]:
    """Kind of node → the method of a class that visits it; the parts of other nodes are visited."""
    own = [vars(each) for each in reversed(kind.__mro__) if issubclass(each, ScopedNames)]
    return {
        getattr(ast, name.removeprefix("visit_")): visitor
        for members in own
        for name, visitor in members.items()
        if name.startswith("visit_")
    }
