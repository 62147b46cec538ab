"""Line sums: numbers of a file that are totals of a line or of an order, not prices of a piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from recsys_assets.proposal.formats.other_digits import in_ascii
from recsys_assets.proposal.formats.written_numbers import DECIMAL_COMMA, NUMBER_AFFIXES
from recsys_assets.proposal.names.known_names import EVENT, role_rank
from recsys_assets.proposal.sample.sampled_column import SampledColumn

Sum = Literal["line", "order"]
_FEWEST_PRODUCTS = 3
"""The fewest products that show whether a price grows with the quantity."""
_SURELY = 4
"""Factor by which they must outnumber the products that show the opposite."""
_ALIKE = 0.01
"""Largest relative difference of prices that count as equal."""
_FEWEST_ORDERS = 5
_DIFFERENT = 0.3
"""The smallest share of orders with different sums; in a shop of few prices all lines of an order may be equal."""


def line_sums(frame: pl.DataFrame, columns: Sequence[SampledColumn]) -> Mapping[str, Sum]:
    """Column named like a price, an amount or a discount → what it is a total of; prices of a single piece are left
    out.

    A price is that of a line if products sold in several quantities cost in proportion to these; an amount is that of
    an order if it is the same on all lines of each order, and orders differ.
    """
    found: dict[str, Sum] = {}
    pieces, item, order = (_best(columns, role) for role in ("quantity", "item_id", "order_id"))
    for column in columns:
        if column.kind != "number":
            continue
        if pieces and item and _named(column, "unit_price") and _grows(frame, column, pieces, item):
            found[column.name] = "line"
        is_sum = _named(column, "amount") or _named(column, "discount")
        if order and is_sum and _of_orders(frame, column, order):
            found[column.name] = "order"
    return found


def _named(column: SampledColumn, role: str) -> bool:
    return role_rank(role, column.name, EVENT[role]) is not None


def _best(columns: Sequence[SampledColumn], role: str) -> SampledColumn | None:
    ranked = [
        (rank, place)
        for place, column in enumerate(columns)
        if column.kind != "nothing"
        and not column.is_nested
        and (role != "quantity" or column.kind == "number")
        and (rank := role_rank(role, column.name, EVENT[role])) is not None
    ]
    return columns[min(ranked)[1]] if ranked else None


def _grows(frame: pl.DataFrame, price: SampledColumn, pieces: SampledColumn, item: SampledColumn) -> bool:
    sold = pl.DataFrame(
        {"item": frame[item.name], "price": numbers_of(frame, price), "pieces": numbers_of(frame, pieces)}
    )
    sold = sold.filter((pl.col("pieces") > 0) & (pl.col("price") > 0))
    each = pl.col("price") / pl.col("pieces")
    products = sold.group_by("item").agg(
        pl.col("pieces").n_unique(),
        alike=pl.col("price").max() <= pl.col("price").min() * (1 + _ALIKE),
        grows=each.max() <= each.min() * (1 + _ALIKE),
    )
    multiples = products.filter(pl.col("pieces") > 1)
    grows, alike = int((multiples["grows"] & ~multiples["alike"]).sum()), int(multiples["alike"].sum())
    return grows >= _FEWEST_PRODUCTS and grows >= _SURELY * alike


def _of_orders(frame: pl.DataFrame, amount: SampledColumn, order: SampledColumn) -> bool:
    lines = pl.DataFrame({"order": frame[order.name], "amount": numbers_of(frame, amount)}).drop_nulls()
    orders = lines.group_by("order").agg(
        pl.len(), pl.col("amount").first(), same=pl.col("amount").n_unique() == 1
    )
    several = orders.filter(pl.col("len") > 1)
    different = several["amount"].n_unique() >= max(_FEWEST_ORDERS, _DIFFERENT * several.height)
    return several.height >= _FEWEST_ORDERS and different and bool(several["same"].all())


def numbers_of(frame: pl.DataFrame, column: SampledColumn) -> pl.Series:
    """The numbers of a column as they will be read, NULL where a value is none."""
    values = frame[column.name]
    if values.dtype != pl.String:
        return values.cast(pl.Float64, strict=False)
    values = in_ascii(values, column.signs)
    if column.decorated:
        values = values.str.replace_all(NUMBER_AFFIXES, "")
    points = values.str.replace_all(",", "", literal=True)
    commas = values.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    if column.comma and column.thousands:
        has_comma = values.str.contains(rf"^\s*{DECIMAL_COMMA}\s*$")
        values = pl.select(pl.when(has_comma).then(commas).otherwise(points)).to_series()
    elif column.comma or column.thousands:
        values = commas if column.comma else points
    return values.str.strip_chars().cast(pl.Float64, strict=False)
