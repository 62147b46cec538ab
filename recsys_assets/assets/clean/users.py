"""`users`: what customers say about themselves."""

from __future__ import annotations

from recsys_assets.assets.clean.rejections import most_rows_are_accepted
from recsys_assets.assets.id_checks import no_scientific_ids
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import not_null, unique

TABLE = SqlTable(
    "clean/users.sql",
    checks=(unique("user_id"), not_null("user_id", "_file", "_line"), no_scientific_ids("user_id")),
    checks_for=lambda _, values: (most_rows_are_accepted("raw_users", values),),
    personal="what customers say about themselves",
)
