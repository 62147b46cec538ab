"""`search_quality`: what people typed, and whether they found it."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique

TABLE = SqlTable(
    "feedback/search_quality.sql",
    checks=(
        unique("query"),
        TableCheck(
            "usual_queries_find_something",
            "no query that ten or more people typed finds nothing more often than something",
            f"SELECT searches, people, without_result FROM {OUTPUT} WHERE people >= 10 AND without_result > 0.5",
        ),
    ),
    personal="queries that at least five people typed in the same words; nobody is named",
)
