"""Facts about one statement at the top of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from recsys_lineage.assets.code.syntax.bound_names import bound_names
from recsys_lineage.assets.code.syntax.references import Import, imports_of
from recsys_lineage.assets.code.syntax.tokens import BODIES, is_text, nodes_in

_SIMPLE = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
_BLOCKS = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.Match)


def imports_below(statement: ast.AST, only_types: bool = False) -> Iterator[tuple[Import, bool]]:
    """The imports in a top-level statement, and whether each serves annotations alone."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from ((imported, only_types) for imported in imports_of(statement))
    elif isinstance(statement, (*_BLOCKS, ast.ExceptHandler, ast.match_case)):
        guarded = only_types or is_type_checking(statement)
        for field in BODIES:
            for inner in nodes_in(statement, field):
                yield from imports_below(inner, guarded if field == "body" else only_types)


def texts_in(statement: ast.AST) -> Iterator[str]:
    """The string constants in a statement."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def computes_exports(statement: ast.stmt) -> bool:
    """Whether a statement computes `__all__`, other than from texts and from those of other modules."""
    if isinstance(statement, ast.Assign):
        is_alone = all(
            isinstance(target, ast.Name) and target.id == "__all__" for target in statement.targets
        )
    else:
        is_alone = isinstance(getattr(statement, "target", None), ast.Name)
    value = getattr(statement, "value", None)
    if not is_alone or value is None:
        return False
    parts = ast.walk(value)
    return any(isinstance(each, ast.Call | ast.ListComp | ast.GeneratorExp | ast.JoinedStr) for each in parts)


def only_imports(statement: ast.stmt, name: str) -> bool:
    """Whether a statement binds the name by an import alone, without a condition evaluated at run time."""
    if is_type_checking(statement):
        return name not in bound_names(getattr(statement, "orelse", ()))
    return isinstance(statement, ast.Import | ast.ImportFrom)


def is_type_checking(statement: ast.AST) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test).rpartition(".")[2] == "TYPE_CHECKING"


def is_main_guard(statement: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":` and nothing else; such code never runs for an asset."""
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    return ast.unparse(statement.test) in {"__name__ == '__main__'", "'__main__' == __name__"}


def has_effects(statement: ast.AST) -> bool:
    """Whether a top-level statement does more than bind names of the module."""
    if isinstance(statement, _SIMPLE) or (isinstance(statement, ast.stmt) and is_text(statement)):
        return False
    if isinstance(statement, ast.Assign):
        return any(_reaches_into(target) for target in statement.targets)
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        return _reaches_into(statement.target)
    if isinstance(statement, (ast.If, ast.Try, ast.ExceptHandler)):
        fields = ("body", "orelse", "handlers", "finalbody")
        return any(has_effects(inner) for field in fields for inner in getattr(statement, field, ()))
    return True


def _reaches_into(target: ast.expr) -> bool:
    return any(isinstance(node, ast.Attribute | ast.Subscript) for node in ast.walk(target))
