"""CTE names: which names of a SELECT are its own WITH queries, not tables."""

from __future__ import annotations

from sqlglot import exp


def is_cte(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name.

    A query of a WITH sees those before it, and itself where the WITH is recursive; what follows the WITH sees all.
    sqlglot's own scopes do not look into PIVOT, UNPIVOT and SUMMARIZE.
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
            return not table.args.get("db")
        node = parent
    return False
