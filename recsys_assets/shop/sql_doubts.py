"""SQL doubts: what a source's SQL may do to values of its files without anybody having meant it, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from recsys_assets.shop.changing_values import changing_columns
from recsys_assets.shop.cut_rows import cut_rows
from recsys_assets.shop.marks_of_nothing import marks_of_nothing
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.state_conditions import states_not_named
from recsys_assets.shop.unread_texts import unread_texts

Ask = Callable[[str], Sequence[tuple[Any, ...]]]
"""Returns the rows of a SELECT."""


def sql_doubts(statement: str, no_value: str, ask: Ask, *, shown: bool) -> list[str]:
    """Warnings for states that the SQL does not name, texts that it does not read, rows that it cuts off, and values
    that no file has.

    Args:
        statement: the SQL of raw_events, with the relations of its scans.
        no_value: the pattern of texts that mean that there is no value.
        ask: returns the rows of a SELECT.
        shown: whether to show values of the files.
    """
    return [
        *states_not_named(statement, ask, shown=shown),
        *unread_texts(statement, frozenset(RAW_COLUMNS["raw_events"]), no_value, ask),
        *marks_of_nothing(statement, no_value, ask),
        *cut_rows(statement, ask),
        *changing_columns(statement),
    ]
