"""PIVOT and UNPIVOT: rows that become columns, and columns that become rows."""

from __future__ import annotations

from sqlglot import exp

from recsys_lineage.columns.relation import Relation
from recsys_lineage.columns.scope import Scope


def pivoted(node: exp.Expr, scope: Scope) -> Relation:
    """The relation of a PIVOT or UNPIVOT statement."""
    scope.statement.opaque(node)


def pivoted_table(node: exp.Expr, alias: str, found: Relation, scope: Scope) -> tuple[str, Relation]:
    """The relation of a table with PIVOT or UNPIVOT behind it, and its name."""
    scope.statement.opaque(node)
