"""`item_profiles`: one row for each item, with numbers that models can use."""

from __future__ import annotations

from recsys_assets.assets.id_checks import no_alike_ids
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique

ITEMS_JOIN = TableCheck(
    "items_of_events_are_described",
    "where the source describes items, every item of an event is described; else their ids may be written in two ways",
    f"""SELECT item_id FROM {OUTPUT} WHERE NOT described AND events > 0
    AND (SELECT bool_or(described) FROM {OUTPUT})""",
)
TABLE = SqlTable(
    "features/item_profiles.sql",
    checks=(unique("item_id"), ITEMS_JOIN, no_alike_ids("item_id")),
    personal="the number of customers who bought a product; none is named",
    waits_for=("rejected_rows",),  # whose blocking check is the reconciliation of promotions
)
