"""Bare orders: a column called only `ID`, or a number, that holds the order of each line."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from recsys_assets.proposal.names.known_names import EVENT, plain_name, role_rank

_BARE = ("id", "number", "no", "nr", "num", "nummer", "numero")
_FEWEST = 3


def bare_order(frame: pl.DataFrame, below: Collection[str]) -> str:
    """The column that certainly holds the order of each line though its name says only that it is an id; empty if none.

    All lines of one of its values have one customer and one time, and customers have several of them. Where only the
    first line of an order is filled, it stands there beside the customer and the time.

    Args:
        frame: of a group of files.
        below: columns that are empty on all lines of an order but the first.
    """
    names = [
        name
        for name, type_ in frame.schema.items()
        if not type_.is_nested() and plain_name(name) in _BARE and name == name.split("(")[0]
    ]
    if filled := [name for name in names if name in below]:
        return filled[0]
    people, times = (named_best(frame, role) for role in ("user_id", "event_time"))
    if not people or not times:
        return ""
    for name in names:
        if frame[name].null_count() or not _FEWEST <= frame[name].n_unique() < frame.height:
            continue
        orders = frame.group_by(name).agg(
            pl.col(people).n_unique().alias("people"),
            pl.col(times).n_unique().alias("times"),
            pl.col(people).first().alias("who"),
        )
        if (
            orders["people"].max() == 1
            and orders["times"].max() == 1
            and orders["who"].n_unique() < orders.height
        ):
            return name
    return ""


def named_best(frame: pl.DataFrame, role: str) -> str:
    """The column that is named best for the customer or the time of events; empty if there is none."""
    ranked = [
        (rank, name)
        for name, type_ in frame.schema.items()
        if not type_.is_nested() and (rank := role_rank(role, name, EVENT[role])) is not None
    ]
    return min(ranked)[1] if ranked else ""
