"""`user_sequences`: what each customer chose, in order."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import unique

TABLE = SqlTable(
    "features/user_sequences.sql",
    checks=(unique("user_id"),),
    personal="models learn from the order in which each customer chose",
)
