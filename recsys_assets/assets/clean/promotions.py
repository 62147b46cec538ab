"""`promotions`: when and where items were promoted."""

from __future__ import annotations

from recsys_assets.assets.clean.rejections import most_rows_are_accepted
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import not_null

TABLE = SqlTable(
    "clean/promotions.sql",
    checks=(not_null("item_id", "_file", "_line"),),
    checks_for=lambda _, values: (most_rows_are_accepted("raw_promotions", values),),
)
