"""Ids in one way: customers and products of events whose ids are probably one, such as `007` and `7`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from recsys_assets.shop.alike_ids import alike_sql

WORDS = {"user_id": "customers", "item_id": "products"}
_PLACES = 3


def alike_in_events(
    table: str, ask: Callable[[str], Sequence[tuple[Any, ...]]]
) -> Iterator[tuple[str, int, int, tuple[str, ...]]]:
    """The customers, and the products, that have several ids, if there are any.

    Args:
        table: a relation like `events`.
        ask: returns the rows of a SELECT.

    Returns:
        The column, the number of them, that of events with another id than their first, and places of such events.
    """
    for column in WORDS:
        # a group for each id first: there are far fewer of them than events
        ways = (
            f"SELECT {column}, count(*) AS events, min((_file, _line)) AS place, {alike_sql(column)} AS bare "
            f"FROM {table} GROUP BY {column}"
        )
        ((many, events, places),) = ask(
            f"""SELECT count(DISTINCT bare), sum(events)::BIGINT, min(place[1] || ':' || place[2], {_PLACES})
            FROM (SELECT *, row_number() OVER (PARTITION BY bare ORDER BY place) AS way FROM ({ways})) WHERE way > 1"""
        )
        if many:
            yield column, many, events, (*places,)


def in_words(column: str, many: int, events: int, places: Sequence[str]) -> str:
    """The sentence about the customers, or the products, that have several ids."""
    return (
        f"{many:,} {WORDS[column]} have ids that differ only in zeros before them, in case, in signs between "
        f"thousands or in letters that look alike ({events:,} events, as at {places[0]}), and each way counts as "
        f"another: lower(…) or ltrim(…, '0') AS {column} in the source's SQL makes them one"
    )
