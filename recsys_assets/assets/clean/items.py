"""`items`: what is sold."""

from __future__ import annotations

from recsys_assets.assets.clean.rejections import most_rows_are_accepted
from recsys_assets.assets.id_checks import no_scientific_ids
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import not_null, unique

TABLE = SqlTable(
    "clean/items.sql",
    checks=(unique("item_id"), not_null("item_id", "_file", "_line"), no_scientific_ids("item_id")),
    checks_for=lambda _, values: (most_rows_are_accepted("raw_items", values),),
)
