"""`user_profiles`: one row for each customer, with numbers that models can use."""

from __future__ import annotations

from recsys_assets.assets.id_checks import no_alike_ids
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique

USERS_JOIN = TableCheck(
    "described_users_have_events",
    "at least one in twenty of the users that the source describes has events; else ids may be written in two ways",
    f"""SELECT user_id FROM {OUTPUT} WHERE described AND events = 0 AND (
        SELECT count(*) FILTER (WHERE described AND events > 0) * 20 < count(*) FILTER (WHERE described) FROM {OUTPUT}
    )""",
)
TABLE = SqlTable(
    "features/user_profiles.sql",
    checks=(unique("user_id"), USERS_JOIN, no_alike_ids("user_id")),
    personal="descriptions of each customer, for models and for the fairness of their results",
)
