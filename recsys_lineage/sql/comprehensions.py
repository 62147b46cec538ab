"""List comprehensions as DuckDB reads them: `[x > 1 FOR x IN list]` is one of `x > 1`, for sqlglot of 1 alone."""

from __future__ import annotations

from sqlglot import exp


def with_whole_elements(tree: exp.Expr) -> exp.Expr:
    """A syntax tree in which what is before FOR belongs to the list comprehension as a whole, in place."""
    for comprehension in list(tree.find_all(exp.Comprehension)):
        element: exp.Expr = comprehension
        while element.parent is not None and not isinstance(element.parent, exp.Array):
            element = element.parent
        array = element.parent
        if element is comprehension or array is None:
            continue
        _ = comprehension.replace(comprehension.this)
        comprehension.set("this", element)
        array.set("expressions", [comprehension])
    return tree
