"""Names in a parsed statement: the parts of a column's name, and the name of a function."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def path(node: exp.Expr) -> list[str] | None:
    """The dot-separated parts of a name; None if it contains anything else."""
    if isinstance(node, exp.Column):
        return [part.name for part in node.parts]
    if isinstance(node, exp.Identifier):
        return [node.name]
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        before = path(node.this)
        return None if before is None else [*before, node.expression.name]
    return None


def called(node: exp.Func, text: str) -> str:
    """Name of a function in the text, in lower case; the parser's own name if it keeps no position."""
    start = node.meta.get("start")
    if start is None:
        return (node.name if isinstance(node, exp.Anonymous) else node.sql_names()[0]).lower()
    return text[start : node.meta["end"] + 1].strip('"').lower()


def operands(node: exp.Expr) -> Iterator[exp.Expr]:
    """The columns in an expression; a part with names of its own, a subquery or a call with a lambda, as a whole."""
    children = list(node.iter_expressions())
    if isinstance(node, exp.Column | exp.Query | exp.Comprehension) or any(
        isinstance(each, exp.Lambda) for each in children
    ):
        yield node
    else:
        for each in children:
            yield from operands(each)


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that a condition joins by AND."""
    node = node.unnest()
    if isinstance(node, exp.And):
        for each in (node.this, node.expression):
            yield from conjuncts(each)
    else:
        yield node
