"""Registering functions: they change state outside of themselves, so that calling one at a module's top has an
effect."""

from __future__ import annotations

import ast

from recsys_lineage.assets.code.text.bound_names import bound_names

_CHANGES = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})
"""Methods of collections that change them."""


def changes_what_is_around(text: str) -> bool:
    """Whether a function adds something to an object that it does not bind itself.

    Args:
        text: of a top-level definition; false for anything but a function.
    """
    (statement,) = ast.parse(text).body[:1] or [ast.Pass()]
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    own = {name for node in ast.walk(statement) for name in _bound_in(node)}
    return any(
        isinstance(node, ast.Global) or _changed(node) not in {None, *own} for node in ast.walk(statement)
    )


def _bound_in(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        spec = node.args
        arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
        bound = {each.arg for each in arguments if each is not None}
        return bound | set(bound_names(node.body)) if not isinstance(node, ast.Lambda) else bound
    if isinstance(node, ast.comprehension):
        return set(bound_names([node.target]))
    return set()


def _changed(node: ast.AST) -> str | None:
    """The name of the object that an expression or statement adds something to."""
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
        held: ast.AST = node
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
        held = node.func.value
    else:
        return None
    while isinstance(held, ast.Subscript | ast.Attribute):
        held = held.value
    return held.id if isinstance(held, ast.Name) else None
