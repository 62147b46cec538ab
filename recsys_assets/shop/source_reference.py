"""Source reference: the meaning of raw columns and of the keys of `source.toml`, as tables of `docs/data.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from recsys_assets.shop.raw_columns import RAW_COLUMNS, REQUIRED_COLUMNS
from recsys_assets.shop.shop_rules import BEHAVIOURS, NO_VALUE
from recsys_assets.shop.source_settings import SourceSettings


@dataclass(frozen=True)
class ColumnText:
    """Description of a raw column, and the effect if it is empty in a row or missing in the SQL."""

    type: str
    values: str
    missing: str


ID, TEXT, NUMBER, WHOLE, TIME, DAY = "id", "text", "number", "whole number", "time", "day"
_UNKNOWN = "`unknown`"
_BEHAVIOURS = f"{', '.join(f'`{name}`' for name in BEHAVIOURS)}, `return`, or a name of your own"
_EMPTY = "stays empty"


def _attribute(values: str) -> ColumnText:
    """A description of a customer."""
    return ColumnText(TEXT, values, _UNKNOWN)


COLUMNS: Mapping[str, Mapping[str, ColumnText]] = {
    "raw_events": {
        "event_time": ColumnText(
            TIME,
            "ISO, to the microsecond; epochs by `to_timestamp()`, other forms by `strptime()`",
            "row rejected: event time is missing; the file's day if `undated`",
        ),
        "user_id": ColumnText(ID, "the customer", "row rejected: missing user id"),
        "item_id": ColumnText(ID, "the product", "row rejected: missing item id"),
        "order_id": ColumnText(ID, "the basket or invoice", "what a customer does on one day is one basket"),
        "behaviour": ColumnText(TEXT, _BEHAVIOURS, "`default_behaviour`"),
        "quantity": ColumnText(NUMBER, "pieces, not zero; below zero for a return", "1"),
        "unit_price": ColumnText(NUMBER, "price of a piece, 0 or more", "amount divided by quantity"),
        "amount": ColumnText(NUMBER, "amount paid for the line", "quantity times unit price"),
        "discount": ColumnText(NUMBER, "discount on the full price", _EMPTY),
        "store_id": ColumnText(ID, "the store", _EMPTY),
        "subset": ColumnText(
            TEXT, "`train`, `valid` or `test`, for data that comes already split", "split by time"
        ),
        "line_id": ColumnText(TEXT, "the line's own number", "copies are identified by whole rows of files"),
    },
    "raw_users": {
        "user_id": ColumnText(ID, "the customer", "row rejected: missing user id"),
        "age_group": _attribute("such as `25-34`"),
        "income_group": _attribute("such as `50-74K`"),
        "household_size": _attribute("such as `3`"),
        "household_type": _attribute("such as `single`"),
        "home_ownership": _attribute("such as `renter`"),
        "marital_status": _attribute("such as `married`"),
        "children": _attribute("such as `2`"),
        "country": _attribute("such as `France`"),
        "occurrences": ColumnText(
            WHOLE, "how many rows of the source agree, where there are several", "the first row is kept"
        ),
        "known_from": ColumnText(
            TIME, "since when the description is valid", "it is valid from the first event on"
        ),
    },
    "raw_items": {
        "item_id": ColumnText(ID, "the product", "row rejected: missing item id"),
        "title": ColumnText(TEXT, "the name that customers see", "subcategory and package size, or the id"),
        "department": ColumnText(TEXT, "the widest division", _UNKNOWN),
        "category": ColumnText(TEXT, "the shelf", _UNKNOWN),
        "subcategory": ColumnText(TEXT, "the narrowest division", _UNKNOWN),
        "brand": ColumnText(TEXT, "the brand", _UNKNOWN),
        "manufacturer": ColumnText(TEXT, "who makes it", _UNKNOWN),
        "package_size": ColumnText(TEXT, "such as `2 L`", _UNKNOWN),
        "occurrences": ColumnText(
            WHOLE,
            "how many rows of the source agree, where there are several",
            "the first row with a title is kept",
        ),
        "known_from": ColumnText(
            TIME, "since when the description is valid", "it is valid from the first event on"
        ),
    },
    "raw_promotions": {
        "item_id": ColumnText(ID, "the product", "row rejected: missing item id"),
        "store_id": ColumnText(ID, "the store", "all stores"),
        "kind": ColumnText(TEXT, "`placement` or `coupon`", _EMPTY),
        "display": ColumnText(TEXT, "place of the display in the store", "it was not on display"),
        "mailer": ColumnText(TEXT, "place in the mailer", "it was not in the mailer"),
        "coupon_id": ColumnText(ID, "the coupon", _EMPTY),
        "campaign_id": ColumnText(ID, "the campaign", _EMPTY),
        "start_day": ColumnText(DAY, "its first day", "row rejected: start day is not a day"),
        "end_day": ColumnText(DAY, "its last day", "row rejected: end day is not a day"),
    },
}
"""Columns of each raw table besides `_file` and `_line`."""

KEYS: Mapping[str, str] = {
    "title": "what the source is, for people",
    "url": "where the data is from, for people",
    "data": "the data folder where `RECSYS_DATA` is empty: a path below this folder, or `python package NAME`",
    "first_day": "the first day that an event can have; empty: 2000-01-01",
    "last_day": "the last day that an event can have; empty: today",
    "default_behaviour": "behaviour of rows without one",
    "undated": "whether the files hold no times: an event gets the day of its file",
    "non_products": "item ids that are postage, fees and the like: regular expressions for whole ids, any case",
    "largest_quantity": "more pieces than this in a line count as an error",
    "largest_price": "a higher unit price counts as an error",
    "half_life_days": "half-life of an event in `recency_weight`, in days",
    "service_events": "which events of the service join, by action, and as which behaviour, such as "
    '`{view = "view", purchase = "order"}`; empty: see below',
    "holdout_weeks": "last weeks of the data, held out to evaluate the models; empty: `RECSYS_HOLDOUT_WEEKS`",
    "time_zone": "the shop's clock, an IANA name: times with an offset are converted to it, others are taken as on it",
    "no_value": 'texts that mean "no value" in ids, texts and numbers; yours replace these',
    "whole_number_ids": 'whether "17850.0" is the id "17850", and "\'00123", as spreadsheets keep zeros, "00123"',
    "target_behaviour": "behaviour that recommendations aim at; empty: purchase, or the furthest step that occurs",
}
"""Meaning of each key of `source.toml`."""


def columns_table(table: str) -> str:
    """A raw table's columns as a Markdown table, in the order in which the table has them."""
    rows = [
        " | ".join(
            (f"| `{name}`", "yes" if name in REQUIRED_COLUMNS[table] else "", *_cells(COLUMNS[table][name]))
        )
        for name in RAW_COLUMNS[table]
    ]
    return "\n".join(
        ["| column | required | type | values | where it is missing |", "|---|---|---|---|---|", *rows]
    )


def keys_table() -> str:
    """The keys of `source.toml` as a Markdown table, with types and defaults of `SourceSettings`."""
    hints = get_type_hints(SourceSettings)
    rows = [
        f"| `{field.name}` | {_type(hints[field.name])} | {_default(field.name, field.default)} | {KEYS[field.name]} |"
        for field in fields(SourceSettings)
    ]
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *sorted(rows)])


def _cells(text: ColumnText) -> tuple[str, str, str]:
    return text.type, text.values, f"{text.missing} |"


def _type(hint: Any) -> str:
    (kind, *_) = [each for each in get_args(hint) if each is not type(None)] or [hint]
    if tuple in (get_origin(hint), hint):
        return "list of texts"
    if kind == Mapping[str, str]:
        return "table of texts"
    return {str: TEXT, bool: "true or false", float: NUMBER, int: WHOLE, date: DAY}[kind]


def _default(name: str, value: Any) -> str:
    if value is MISSING or value is None or value in ("", ()):
        return ""
    if name == "no_value":
        return ", ".join(f"`{text}`" for text in NO_VALUE)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return (
        f'`"{value}"`'
        if isinstance(value, str)
        else f"`{value:g}`"
        if isinstance(value, float)
        else f"`{value}`"
    )
