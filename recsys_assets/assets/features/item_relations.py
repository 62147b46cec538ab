"""`item_relations`: pairs of items that belong together."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable

TABLE = SqlTable("features/item_relations.sql")
