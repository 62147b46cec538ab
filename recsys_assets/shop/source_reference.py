"""Source reference: the meaning of raw columns and of the keys of `source.toml`, as tables of `docs/data.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from recsys_assets.assets.schema import texts_of, texts_of_fields
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

KEYS: Mapping[str, str] = texts_of_fields(SourceSettings)
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
