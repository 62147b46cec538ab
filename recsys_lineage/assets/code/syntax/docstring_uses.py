"""DocstringUses: the walk through a piece of code that notes which docstrings it uses as data."""

from __future__ import annotations

import ast

from recsys_lineage.assets.code.syntax.references import DOCS, DOCSTRING
from recsys_lineage.assets.code.syntax.scoped_names import ScopedNames


class DocstringUses(ScopedNames):
    """Visitor that knows uses of docstrings; one that is only handed on, to another `__doc__`, is not used."""

    def _docs_of(self, owner: tuple[str, ...] | None) -> None:
        """Note the use of the docstring of something that has no name outside of this piece."""
        scope = None if owner is None else self._scope_of(owner[0])
        is_got = scope is not None and owner is not None and not scope.names.get(owner[0], [""])
        if owner is None or is_got:
            self.found[DOCS] = None

    def visit_Dict(self, node: ast.Dict) -> None:
        keys = [isinstance(key, ast.Constant) and key.value == DOCSTRING for key in node.keys]
        for key, is_docs in zip(node.keys, keys, strict=True):
            if key is not None and not is_docs:
                self.visit(key)
        for held, is_docs in zip(node.values, keys, strict=True):
            if is_docs:
                self._hands_on_docs(held)
            else:
                self.visit(held)

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, ast.Attribute) and target.attr == DOCSTRING for target in node.targets):
            self._hands_on_docs(node.value)
        else:
            super().visit_Assign(node)

    def _hands_on_docs(self, value: ast.expr) -> None:
        """Visit the new docstring of something; that of something else is used as such there."""
        if isinstance(value, ast.Attribute) and value.attr == DOCSTRING:
            value = value.value
        self.visit(value)
