"""`day_profiles`: counts by day that describe the events."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import unique

WATCHED_DAYS = 120
"""Number of days of events whose profiles are kept: eight weeks to learn from, and a month to look back on."""
TABLE = SqlTable(
    "feedback/day_profiles.sql",
    checks=(unique("night", "column_name", "bin"),),
    parameters={"days": WATCHED_DAYS},
    personal="how many events of a day come from each country and age group; no customer is named",
)
