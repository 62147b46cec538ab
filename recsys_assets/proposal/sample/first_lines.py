"""First-line columns: columns that only the first line of each order fills, as exports write an order's customer and
payment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import polars as pl

from recsys_assets.proposal.names.known_names import EVENT, IDS, role_rank

_OF_HEADS = ("order_id", "user_id", "event_time")
_FEWEST_ORDERS = 3
_ENOUGH = 0.5
"""Share of the empty lines that must belong to orders with a value; the others may be those of guests."""


def filled_by_first_lines(frame: pl.DataFrame) -> Mapping[str, Collection[str]]:
    """Column that some lines leave empty → columns that may identify the order whose first line fills it.

    An order has at most one value, on its first line, and at least half of the lines without one belong to orders that
    have one.
    """
    empty = {name: count for name, count in frame.null_count().row(0, named=True).items() if count > 0}
    names = [
        name for name, count in empty.items() if count < frame.height and not frame[name].dtype.is_nested()
    ]
    keys = [name for name in frame.columns if name not in empty and not frame[name].dtype.is_nested()]
    found: dict[str, list[str]] = defaultdict(list)
    for key in keys if names else ():
        if not _FEWEST_ORDERS <= frame[key].n_unique() < frame.height:
            continue
        orders = frame.group_by(key, maintain_order=True).agg(
            *(
                pl.col(name).first().is_not_null().alias(f"{place} at first")
                for place, name in enumerate(names)
            ),
            *(
                pl.col(name).drop_nulls().n_unique().alias(f"{place} values")
                for place, name in enumerate(names)
            ),
            *(pl.col(name).null_count().alias(f"{place} empty") for place, name in enumerate(names)),
        )
        for place, name in enumerate(names):
            known = orders.filter(pl.col(f"{place} values") > 0)
            whole = known[f"{place} at first"].all() and known[f"{place} values"].max() == 1
            if whole and known[f"{place} empty"].sum() >= _ENOUGH * empty[name]:
                found[name].append(key)
    return dict(found)


def filled_down(frame: pl.DataFrame) -> frozenset[str]:
    """Columns that are empty on all lines of an order but the first, even the one that identifies it.

    So do people's spreadsheets, and exports of Odoo and ERPNext, write orders. At least two of the order, its customer
    and its time are empty on the same lines, and these have a product.
    """
    masks: dict[tuple[bool, ...], list[str]] = defaultdict(list)
    for name, type_ in frame.schema.items():
        empty = frame[name].is_null()
        if not type_.is_nested() and 0 < int(empty.sum()) < frame.height and not empty[0]:
            masks[tuple(empty)].append(name)
    items = [name for name in frame.columns if role_rank("item_id", name, IDS["item_id"]) is not None]
    for empty, names in masks.items():
        roles = {
            role for role in _OF_HEADS for name in names if role_rank(role, name, EVENT[role]) is not None
        }
        lines = frame.filter(pl.Series(empty))
        if len(roles) > 1 and any(lines[item].null_count() == 0 for item in items if item not in names):
            return frozenset(names)
    return frozenset()
