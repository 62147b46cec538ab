"""Raw columns: the columns of the canonical raw tables, which a source's SELECT must return."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from recsys_assets.shop.shop_rules import SourceError
from recsys_lineage.errors import did_you_mean
from recsys_lineage.files import SourceQuery

TRACE = ("_file", "_line")
RAW_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "raw_events": (
            "event_time", "user_id", "item_id", "order_id", "behaviour", "quantity", "unit_price", "amount",
            "discount", "store_id", "subset", "line_id",
        ),
        "raw_users": (
            "user_id", "age_group", "income_group", "household_size", "household_type", "home_ownership",
            "marital_status", "children", "country", "occurrences", "known_from",
        ),
        "raw_items": (
            "item_id", "title", "department", "category", "subcategory", "brand", "manufacturer", "package_size",
            "occurrences", "known_from",
        ),
        "raw_promotions": (
            "item_id", "store_id", "kind", "display", "mailer", "coupon_id", "campaign_id", "start_day", "end_day",
        ),
    }
)  # fmt: skip
"""The canonical columns of each raw table, besides `_file` and `_line`."""
REQUIRED_COLUMNS = {
    "raw_events": ("user_id", "item_id"),
    "raw_users": ("user_id",),
    "raw_items": ("item_id",),
    "raw_promotions": ("item_id", "start_day", "end_day"),
}


def checked_columns(table: str, query: SourceQuery) -> SourceQuery:
    """The query, after a check that its columns are those of the raw table.

    Raises:
        SourceError: it lacks a column, has one twice, or has an unknown one.
    """
    canonical = (*RAW_COLUMNS[table], *TRACE)
    returned = [name.casefold() for name in query.columns]
    column_places = {name.casefold(): place for name, place in query.column_places.items()}
    for name in returned:
        if name not in canonical:
            raise SourceError(
                f"{table} has no column {name!r}.",
                expected=f"columns among {', '.join(canonical)}",
                found=repr(name),
                where=column_places.get(name),
                advice=did_you_mean(name, canonical) or "rename the column by AS, or leave it out",
            )
        if returned.count(name) > 1:
            raise SourceError(
                f"The SQL gives the column {name!r} {returned.count(name)} times.",
                expected="each column once",
                found=", ".join(returned),
                where=column_places.get(name),
                advice="rename or leave out one of them",
            )
    if missing := [name for name in (*REQUIRED_COLUMNS[table], *TRACE) if name not in returned]:
        raise SourceError(
            f"The SQL of {table} lacks columns.",
            expected=f"the columns {', '.join(missing)} in its SELECT",
            found=", ".join(returned),
            advice="select them; every scan gives _file and _line",
        )
    return query
