"""`interactions`: how often each customer did what with an item."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import not_empty, unique

TABLE = SqlTable(
    "features/interactions.sql",
    checks=(not_empty(), unique("user_id", "item_id", "behaviour")),
    personal="models learn from what each customer chose",
)
