"""First-line columns: columns that only the first line of each order fills, as exports write an order's customer and
payment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import polars as pl

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
