"""CTE names: the names in a SELECT that refer to its own WITH queries, not to tables."""

from __future__ import annotations

from sqlglot import exp


def is_cte(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name.

    A query of a WITH can use those before it, and itself if the WITH is recursive; the query after the WITH can use
    all. In a recursion USING KEY, `recurring.name` is all rows so far. sqlglot's own scopes do not cover PIVOT, UNPIVOT
    and SUMMARIZE.
    """
    node: exp.Expr = table
    while (parent := node.parent) is not None:
        if isinstance(parent, exp.With):
            before = parent.expressions[: node.index or 0]
            visible = [*before, node] if parent.args.get("recursive") else before
        else:
            around = parent.args.get("with_")
            visible = around.expressions if around is not None and around is not node else []
        if any(cte.alias.casefold() == table.name.casefold() for cte in visible):
            return table.text("db").casefold() in ("", "recurring")
        node = parent
    return False
