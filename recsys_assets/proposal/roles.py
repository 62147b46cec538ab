"""Roles: which column of a shop's files is the customer, the product, the time, guessed by names and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys_assets.proposal.known_names import IDS, NAMES, RawTable, rank_of
from recsys_assets.proposal.sampled_column import SampledColumn
from recsys_assets.proposal.sampled_files import SampledFiles

NUMBERS = ("quantity", "unit_price", "amount", "discount")
_MOST_BEHAVIOURS = 30


@dataclass(frozen=True)
class Roles:
    """What a group of files is to a table: the column of the files for each column of the raw table."""

    files: SampledFiles
    table: RawTable
    columns: Mapping[str, SampledColumn]


def roles_of(files: SampledFiles) -> list[Roles]:
    """The raw tables that a group of files can fill, each with its columns; none where nothing is recognised.

    Files with a customer and a product hold events, and may name the products and say things of the customers besides.
    Files with a product alone describe products or, with a first and a last day, promotions; those with a customer
    alone describe customers.
    """
    events = matched(files, "raw_events")
    has_user, has_item = "user_id" in events, "item_id" in events
    if has_user and has_item:
        found = [Roles(files, "raw_events", events)]
        taken = {name for role, column in events.items() if role not in IDS for name in column.names}
        for table, least in (("raw_items", "title"), ("raw_users", "country")):
            others = {r: c for r, c in matched(files, table).items() if c.name not in taken}  # pyright: ignore[reportArgumentType]
            if least in others:
                found.append(Roles(files, table, others))  # pyright: ignore[reportArgumentType]
        return found
    if has_item:
        promotions = matched(files, "raw_promotions")
        if "start_day" in promotions and "end_day" in promotions:
            return [Roles(files, "raw_promotions", promotions)]
        return [Roles(files, "raw_items", matched(files, "raw_items"))]
    if has_user:
        return [Roles(files, "raw_users", matched(files, "raw_users"))]
    return []


def matched(files: SampledFiles, table: RawTable) -> dict[str, SampledColumn]:
    """For each column of a raw table, the column of the files that is it by its name and values."""
    found: dict[str, SampledColumn] = {}
    taken: set[str] = set()
    for role, names in NAMES[table].items():
        candidates = [
            (_is_unread(role, column), rank, place)
            for place, column in enumerate(files.columns)
            if column.name not in taken
            and (rank := rank_of(column.name, names)) is not None
            and _can_be(role, column)
        ]
        if candidates:
            column = files.columns[min(candidates)[-1]]
            found[role] = column
            taken.add(column.name)
    if table == "raw_events":
        found |= _in_several_columns(files, found.get("event_time"), taken)
    if table == "raw_events" and "event_time" not in found:
        times = [c for c in files.columns if c.kind in ("time", "epoch") and c.name not in taken]
        if len(times) == 1:
            found["event_time"] = times[0]
    return found


def _in_several_columns(
    files: SampledFiles, chosen: SampledColumn | None, taken: set[str]
) -> dict[str, SampledColumn]:
    """The time of events where several columns hold it: the one chosen and others, or, where none was, others."""
    for moment in files.moments:
        others = {*moment.names} - ({chosen.name} if chosen is not None else set())
        if (chosen is None or chosen.name in moment.names) and not others & taken:
            return {"event_time": moment}
    return {}


def could_be(role: str, names: tuple[str, ...], column: SampledColumn) -> bool:
    """Whether a column is called like one of a raw table, and its values are none that it could take."""
    return rank_of(column.name, names) is not None and column.kind != "nothing" and not _can_be(role, column)


def _can_be(role: str, column: SampledColumn) -> bool:
    if column.kind == "nothing":
        return False
    if role == "event_time":
        return column.kind in ("time", "day", "epoch") or _is_unread(role, column)
    if role in ("start_day", "end_day"):
        return column.kind in ("time", "day", "epoch", "text")
    if role in NUMBERS:
        return column.kind == "number"
    if role == "behaviour":
        return column.kind == "text" and column.distinct <= _MOST_BEHAVIOURS
    return True


def _is_unread(role: str, column: SampledColumn) -> bool:
    """Whether texts in a column that is named like one of times are times that nothing here reads.

    Their rows are refused, with what they look like; without the column all would be events of one day.
    """
    return (
        role == "event_time"
        and column.kind == "text"
        and any(sum(map(str.isdigit, s)) >= 3 for s in column.samples)
    )
