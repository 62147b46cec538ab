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
    given = [name.casefold() for name in query.columns]
    given_at = {name.casefold(): place for name, place in query.given_at.items()}
    for name in given:
        if name not in canonical:
            raise SourceError(
                f"{table} has no column {name!r}.",
                expected=f"columns among {', '.join(canonical)}",
                found=repr(name),
                where=given_at.get(name),
                advice=did_you_mean(name, canonical) or "rename the column by AS, or leave it out",
            )
        if given.count(name) > 1:
            raise SourceError(
                f"The SQL gives the column {name!r} {given.count(name)} times.",
                expected="each column once",
                found=", ".join(given),
                where=given_at.get(name),
                advice="rename or leave out one of them",
            )
    if missing := [name for name in (*REQUIRED_COLUMNS[table], *TRACE) if name not in given]:
        raise SourceError(
            f"The SQL of {table} lacks columns.",
            expected=f"the columns {', '.join(missing)} in its SELECT",
            found=", ".join(given),
            advice="select them; every scan gives _file and _line",
        )
    return query
