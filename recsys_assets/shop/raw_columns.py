"""Raw columns: the columns of the canonical raw tables, which a source's SELECT must return, each declared once.

The text below a column is what it holds and, behind `missing:`, what is done where the SQL lacks it or a row leaves it
empty; `source_reference.py` makes the tables of `docs/data.md` of it. For a code version it is a comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from recsys_assets.shop.shop_rules import SourceError
from recsys_lineage.errors import did_you_mean
from recsys_lineage.files import SourceQuery

TRACE = ("_file", "_line")
ID, TEXT, NUMBER, WHOLE, TIME, DAY = "id", "text", "number", "whole number", "time", "day"


@dataclass(frozen=True)
class RawColumn:
    """A column that a source's SQL may return.

    Attributes:
        kind: what its values are: an id, a text, a number, a time or a day.
        required: whether the SQL must return it.
    """

    kind: str
    required: bool = False

    @property
    def usual_type(self) -> str:
        """The type that it has where the files do not decide otherwise: all but times arrive as texts."""
        return "TIMESTAMP" if self.kind in (TIME, DAY) else "VARCHAR"


class RawEventColumns:
    """Columns of `raw_events`."""

    event_time = RawColumn(TIME)
    """ISO, to the microsecond; epochs by `to_timestamp()`, other forms by `strptime()`; missing: row rejected:
    event time is missing; the file's day if `undated`"""
    user_id = RawColumn(ID, required=True)
    """the customer; missing: row rejected: missing user id"""
    item_id = RawColumn(ID, required=True)
    """the product; missing: row rejected: missing item id"""
    order_id = RawColumn(ID)
    """the basket or invoice; missing: what a customer does on one day is one basket"""
    behaviour = RawColumn(TEXT)
    """{behaviours}, `return`, or a name of your own; missing: `default_behaviour`"""
    quantity = RawColumn(NUMBER)
    """pieces, not zero; below zero for a return; missing: 1"""
    unit_price = RawColumn(NUMBER)
    """price of a piece, 0 or more; missing: amount divided by quantity"""
    amount = RawColumn(NUMBER)
    """amount paid for the line; missing: quantity times unit price"""
    discount = RawColumn(NUMBER)
    """discount on the full price; missing: stays empty"""
    store_id = RawColumn(ID)
    """the store; missing: stays empty"""
    subset = RawColumn(TEXT)
    """`train`, `valid` or `test`, for data that comes already split; missing: split by time"""
    line_id = RawColumn(TEXT)
    """the line's own number; missing: copies are identified by whole rows of files"""


class RawUserColumns:
    """Columns of `raw_users`."""

    user_id = RawColumn(ID, required=True)
    """the customer; missing: row rejected: missing user id"""
    age_group = RawColumn(TEXT)
    """such as `25-34`; missing: `unknown`"""
    income_group = RawColumn(TEXT)
    """such as `50-74K`; missing: `unknown`"""
    household_size = RawColumn(TEXT)
    """such as `3`; missing: `unknown`"""
    household_type = RawColumn(TEXT)
    """such as `single`; missing: `unknown`"""
    home_ownership = RawColumn(TEXT)
    """such as `renter`; missing: `unknown`"""
    marital_status = RawColumn(TEXT)
    """such as `married`; missing: `unknown`"""
    children = RawColumn(TEXT)
    """such as `2`; missing: `unknown`"""
    country = RawColumn(TEXT)
    """such as `France`; missing: `unknown`"""
    occurrences = RawColumn(WHOLE)
    """how many rows of the source agree, where there are several; missing: the first row is kept"""
    known_from = RawColumn(TIME)
    """since when the description is valid; missing: it is valid from the first event on"""


class RawItemColumns:
    """Columns of `raw_items`."""

    item_id = RawColumn(ID, required=True)
    """the product; missing: row rejected: missing item id"""
    title = RawColumn(TEXT)
    """the name that customers see; missing: subcategory and package size, or the id"""
    department = RawColumn(TEXT)
    """the widest division; missing: `unknown`"""
    category = RawColumn(TEXT)
    """the shelf; missing: `unknown`"""
    subcategory = RawColumn(TEXT)
    """the narrowest division; missing: `unknown`"""
    brand = RawColumn(TEXT)
    """the brand; missing: `unknown`"""
    manufacturer = RawColumn(TEXT)
    """who makes it; missing: `unknown`"""
    package_size = RawColumn(TEXT)
    """such as `2 L`; missing: `unknown`"""
    occurrences = RawColumn(WHOLE)
    """how many rows of the source agree, where there are several; missing: the first row with a title is kept"""
    known_from = RawColumn(TIME)
    """since when the description is valid; missing: it is valid from the first event on"""


class RawPromotionColumns:
    """Columns of `raw_promotions`."""

    item_id = RawColumn(ID, required=True)
    """the product; missing: row rejected: missing item id"""
    store_id = RawColumn(ID)
    """the store; missing: all stores"""
    kind = RawColumn(TEXT)
    """`placement` or `coupon`; missing: stays empty"""
    display = RawColumn(TEXT)
    """place of the display in the store; missing: it was not on display"""
    mailer = RawColumn(TEXT)
    """place in the mailer; missing: it was not in the mailer"""
    coupon_id = RawColumn(ID)
    """the coupon; missing: stays empty"""
    campaign_id = RawColumn(ID)
    """the campaign; missing: stays empty"""
    start_day = RawColumn(DAY, required=True)
    """its first day; missing: row rejected: start day is not a day"""
    end_day = RawColumn(DAY, required=True)
    """its last day; missing: row rejected: end day is not a day"""


def raw_columns(columns: type) -> Mapping[str, RawColumn]:
    """Column → its declaration, in the order of the class."""
    return {name: held for name, held in vars(columns).items() if isinstance(held, RawColumn)}


RAW_TABLES: Mapping[str, type] = MappingProxyType(
    {
        "raw_events": RawEventColumns,
        "raw_users": RawUserColumns,
        "raw_items": RawItemColumns,
        "raw_promotions": RawPromotionColumns,
    }
)
"""The class of columns of each raw table."""
RAW_COLUMNS: Mapping[str, Mapping[str, RawColumn]] = MappingProxyType(
    {table: raw_columns(columns) for table, columns in RAW_TABLES.items()}
)
"""The canonical columns of each raw table, besides `_file` and `_line`."""


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
    required = [name for name, column in RAW_COLUMNS[table].items() if column.required]
    if missing := [name for name in (*required, *TRACE) if name not in returned]:
        raise SourceError(
            f"The SQL of {table} lacks columns.",
            expected=f"the columns {', '.join(missing)} in its SELECT",
            found=", ".join(returned),
            advice="select them; every scan gives _file and _line",
        )
    return query
