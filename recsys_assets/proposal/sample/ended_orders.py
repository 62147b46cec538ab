"""EndedOrders: lines of orders that came to nothing, such as cancelled ones, by a column of the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from recsys_assets.proposal.formats.other_digits import in_ascii, other_signs
from recsys_assets.proposal.names.known_names import EVENT, plain_name, rank_of, role_rank
from recsys_assets.proposal.names.order_states import (
    ENDED,
    MARKS,
    YES,
    came_to_nothing,
    is_code,
    names_states,
)
from recsys_lineage.sql.names import literal

_MOST_STATES = 30
_MOST_NAMED = 1_000
"""Most rows of a table that names states, in several languages perhaps."""
MOST_ENDED = 0.5
"""Largest share of lines that are left out; where more came to nothing, it is no file of sales."""
_KEYS = ("user_id", "item_id", "order_id")
_COUNTED = ("quantity", "amount", "unit_price")


@dataclass(frozen=True)
class EndedOrders:
    """Lines of orders that came to nothing.

    Attributes:
        states: values of the column that say so, in lower case → their number of rows; empty: any value does.
        rows: number of these rows in the sample.
        keys: columns that may identify an order whose first line alone has the value.
        is_text: whether the files hold the column as text.
    """

    states: Mapping[str, int]
    rows: int
    keys: tuple[str, ...]
    is_text: bool

    def others(self, at: str) -> str:
        """A condition for the rows of all other orders, given the SQL of the column."""
        if not self.states:
            return f"{at} IS NULL"
        text = at if self.is_text else f"{at}::VARCHAR"
        return f"coalesce(lower(trim({text})), '') NOT IN ({', '.join(map(literal, self.states))})"


def ended_orders(frame: pl.DataFrame) -> dict[str, EndedOrders]:
    """Columns by which some rows came to nothing.

    Where such rows have numbers below zero, they are the returns that are subtracted from a purchase, so they stay.
    """
    found: dict[str, EndedOrders] = {}
    below = numbers_below_zero(frame)
    for name, ended in _candidates(frame):
        rows = int(ended.sum())
        if not 0 < rows <= MOST_ENDED * frame.height or (ended & below).any():
            continue
        texts = frame[name].cast(pl.String)
        is_filled = rank_of(name, ENDED) is not None
        counted = texts.filter(ended).str.strip_chars().str.to_lowercase().value_counts(sort=True)
        states = {} if is_filled else dict(counted.iter_rows())
        found[name] = EndedOrders(states, rows, tuple(_keys(frame, name)), frame[name].dtype == pl.String)
    return found


def state_codes(frame: pl.DataFrame) -> dict[str, EndedOrders]:
    """Columns of states in codes, with all their codes; those of rows with numbers below zero are left out."""
    found: dict[str, EndedOrders] = {}
    above = ~numbers_below_zero(frame)
    for name, type_ in frame.schema.items():
        if type_.is_nested() or not names_states(plain_name(name)):
            continue
        texts = frame[name].cast(pl.String).str.strip_chars().str.to_lowercase()
        counted = texts.drop_nulls().value_counts(sort=True)
        if not 0 < counted.height <= _MOST_STATES or not all(map(is_code, counted[name])):
            continue
        below = {*texts.filter(~above)}
        states = {code: rows for code, rows in counted.iter_rows() if code not in below}
        found[name] = EndedOrders(
            states, sum(states.values()), tuple(_keys(frame, name)), frame[name].dtype == pl.String
        )
    return found


def state_table(pattern: str, frame: pl.DataFrame) -> Mapping[str, Sequence[str | None]]:
    """Columns of a small table that may name states of orders, as text; empty for any other file."""
    stem = pattern.rpartition("/")[2].partition(".")[0]
    if frame.height > _MOST_NAMED or not any(map(names_states, map(plain_name, (stem, *frame.columns)))):
        return {}
    if any(role_rank(role, name, EVENT[role]) is not None for role in _KEYS for name in frame.columns):
        return {}  # orders have states, and name none
    return {
        name: frame[name].cast(pl.String).to_list()
        for name, type_ in frame.schema.items()
        if not type_.is_nested()
    }


def _candidates(frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """Columns whose name or values may say so, with a mask of the rows."""
    for name, type_ in frame.schema.items():
        if type_.is_nested():
            continue
        if rank_of(name, ENDED) is not None:
            yield name, frame[name].is_not_null()
        elif type_ == pl.String or type_ == pl.Boolean or type_.is_integer():
            texts = frame[name].cast(pl.String).str.strip_chars().str.to_lowercase()
            values = texts.drop_nulls().unique()
            if values.len() > _MOST_STATES:
                continue
            telling = YES if rank_of(name, MARKS) is not None else ()
            by_name = names_states(plain_name(name))
            ended = [each for each in values if each in telling or (by_name and came_to_nothing(each))]
            yield name, texts.is_in(pl.Series(ended, dtype=pl.String).implode()).fill_null(value=False)


def numbers_below_zero(frame: pl.DataFrame) -> pl.Series:
    """Mask of the rows with a quantity, a price or an amount below zero."""
    mask = pl.repeat(False, frame.height, eager=True)
    for name, type_ in frame.schema.items():
        if type_.is_nested() or all(role_rank(role, name, EVENT[role]) is None for role in _COUNTED):
            continue
        texts = frame[name].cast(pl.String)
        mask |= (
            in_ascii(texts, other_signs(texts))
            .str.contains(r"^\s*[^0-9]{0,4}[-\x{2212}(]|-\s*$")
            .fill_null(value=False)
        )
    return mask


def _keys(frame: pl.DataFrame, name: str) -> Iterator[str]:
    """Columns by which only the first of several rows has a value, as where exports write an order's state once."""
    if frame[name].null_count() == 0:
        return
    for key in frame.columns:
        column = frame[key]
        if column.dtype.is_nested() or column.null_count() or column.n_unique() == frame.height:
            continue
        is_there, is_first = pl.col(name).is_not_null(), pl.int_range(pl.len()).over(key) == 0
        orders = frame.filter(is_there.any().over(key))
        if orders[key].n_unique() < orders.height and not frame.select((is_there & ~is_first).any()).item():
            yield key
