"""`clicks_by_position`: how often what was shown at a position is clicked."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import unique

TABLE = SqlTable(
    "feedback/clicks_by_position.sql",
    checks=(unique("arm", "position"),),
)
