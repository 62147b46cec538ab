"""Source reference: the meaning of raw columns and of the keys of `source.toml`, as tables of `docs/data.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from recsys_assets.assets.schema import texts_of
from recsys_assets.shop.raw_columns import DAY, NUMBER, RAW_COLUMNS, RAW_TABLES, TEXT, WHOLE, raw_columns
from recsys_assets.shop.shop_rules import BEHAVIOURS, NO_VALUE
from recsys_assets.shop.source_settings import SourceSettings


@dataclass(frozen=True)
class ColumnText:
    """Description of a raw column, and the effect if it is empty in a row or missing in the SQL."""

    type: str
    values: str
    missing: str


_BEHAVIOURS = ", ".join(f"`{name}`" for name in BEHAVIOURS)


def _described(columns: type) -> Mapping[str, ColumnText]:
    """The columns of a raw table with their texts."""
    texts = texts_of(columns)
    found = {}
    for name, column in raw_columns(columns).items():
        values, _, missing = texts[name].partition("; missing: ")
        found[name] = ColumnText(column.kind, values.replace("{behaviours}", _BEHAVIOURS), missing)
    return found


COLUMNS: Mapping[str, Mapping[str, ColumnText]] = {
    table: _described(columns) for table, columns in RAW_TABLES.items()
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
        " | ".join((f"| `{name}`", "yes" if column.required else "", *_cells(COLUMNS[table][name])))
        for name, column in RAW_COLUMNS[table].items()
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
