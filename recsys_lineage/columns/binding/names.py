"""Names in a parsed statement: the parts of a column's, and what a function is called."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def path(node: exp.Expr) -> list[str] | None:
    """The parts of a name that stand between its dots; None where something else than names stands there."""
    if isinstance(node, exp.Column):
        return [part.name for part in node.parts]
    if isinstance(node, exp.Identifier):
        return [node.name]
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        before = path(node.this)
        return None if before is None else [*before, node.expression.name]
    return None


def called(node: exp.Func, text: str) -> str:
    """The name that a function is called by in the text, in lower case; the parser's own where it keeps no place."""
    start = node.meta.get("start")
    if start is None:
        return (node.name if isinstance(node, exp.Anonymous) else node.sql_names()[0]).lower()
    return text[start : node.meta["end"] + 1].strip('"').lower()


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that a condition is the AND of."""
    node = node.unnest()
    if isinstance(node, exp.And):
        for each in (node.this, node.expression):
            yield from conjuncts(each)
    else:
        yield node
