"""EndedOrders: lines of orders that came to nothing, such as cancelled ones, by a column of the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from recsys_assets.proposal.formats.other_digits import in_ascii, other_signs
from recsys_assets.proposal.names.known_names import EVENT, plain_name, rank_of, role_rank
from recsys_assets.proposal.names.order_states import (
    CONFIRMED,
    ENDED,
    MARKS,
    NO,
    PAID,
    YES,
    YES_OF,
    came_to_nothing,
    is_code,
    is_in_doubt,
    is_settled,
    names_states,
    surely_names_states,
)
from recsys_assets.proposal.orders.bare_orders import named_best
from recsys_lineage.sql.names import literal

_MOST_STATES = 30
_MOST_NAMED = 1_000
"""Most rows of a table that names states, in several languages perhaps."""
MOST_ENDED = 0.5
"""Largest share of lines that are left out; where more came to nothing, it is no file of sales."""
_MOST_LETTERS = 12
"""Most letters for states of orders; there are more parts of a country."""
_KEYS = ("user_id", "item_id", "order_id")
_COUNTED = ("quantity", "amount", "unit_price")


@dataclass(frozen=True)
class EndedOrders:
    """Lines of orders that came to nothing, by a column of the files.

    Attributes:
        states: values of the column that say so, in lower case → their number of rows.
        rows: number of these rows in the sample; 0 if there are none yet.
        keys: columns that may identify an order whose first line alone has the value.
        is_text: whether the files hold the column as text.
        counted: all its other values, in lower case; where these and `states` are empty, any value says so.
    """

    states: Mapping[str, int]
    rows: int
    keys: tuple[str, ...]
    is_text: bool
    counted: tuple[str, ...] = ()

    @property
    def by_any_value(self) -> bool:
        """Whether any value says that the order came to nothing, such as the time at which it was cancelled."""
        return not self.states and not self.counted

    def others(self, at: str) -> str:
        """A condition for the rows of all other orders, given the SQL of the column.

        It names the values that count, too, so that one of a later file is known to be new.
        """
        if self.by_any_value:
            return f"{at} IS NULL"
        text = at if self.is_text else f"{at}::VARCHAR"
        known = {**dict.fromkeys(self.counted, "true"), **dict.fromkeys(self.states, "false")}
        cases = "".join(f"\n        WHEN {literal(value)} THEN {counts}" for value, counts in known.items())
        return f"CASE lower(trim({text})){cases}\n        ELSE true\n    END"


def ended_orders(frame: pl.DataFrame) -> dict[str, EndedOrders]:
    """Columns by which rows came to nothing, or may do so in files to come.

    Where such rows have numbers below zero, they are the returns that are subtracted from a purchase, so they stay.
    """
    found: dict[str, EndedOrders] = {}
    below = numbers_below_zero(frame)

    def taken(ended: pl.Series) -> int:
        """Number of rows to leave out; 0 where they are returns, or too many."""
        rows = int(ended.sum())
        return 0 if rows > MOST_ENDED * frame.height or (ended & below).any() else rows

    for name, type_ in frame.schema.items():
        if type_.is_nested():
            continue
        keys, is_text = tuple(_keys(frame, name)), type_ == pl.String
        if rank_of(name, ENDED) is not None:
            ended = frame[name].is_not_null()
            if not ended.any() or taken(ended):
                found[name] = EndedOrders({}, taken(ended), keys, is_text)
            continue
        if not (is_text or type_ == pl.Boolean or type_.is_integer()):
            continue
        texts = frame[name].cast(pl.String).str.strip_chars().str.to_lowercase()
        counts: dict[str, int] = dict(
            texts.drop_nulls().value_counts(sort=True).head(_MOST_STATES + 1).iter_rows()
        )
        if len(counts) > _MOST_STATES or not _marks_ended(frame, name, [*counts]):
            continue
        ended_values = {value: rows for value, rows in counts.items() if _ended(name, value)}
        rows = taken(
            texts.is_in(pl.Series([*ended_values], dtype=pl.String).implode()).fill_null(value=False)
        )
        states = ended_values if rows else {} if ended_values else _to_come(name, [*counts])
        counted = tuple(value for value in counts if value not in states)
        if states or counted:
            found[name] = EndedOrders(states, rows, keys, is_text, counted)
    return found


def _marks_ended(frame: pl.DataFrame, name: str, values: Sequence[str]) -> bool:
    """Whether a column says by a few values whether orders came to nothing."""
    if rank_of(name, (*MARKS, *CONFIRMED, *PAID)) is not None:
        return {*values} <= {*YES, *NO, ""}
    if not names_states(plain_name(name)):
        return False
    are_numbers = bool(values) and all(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) for value in values)
    is_named = bool(values) and surely_names_states(plain_name(name))
    is_known = any(came_to_nothing(each) or is_in_doubt(each) or is_settled(each) for each in values)
    return are_numbers or is_named or is_known or _are_letters_of_orders(frame, name, values)


def _are_letters_of_orders(frame: pl.DataFrame, name: str, values: Sequence[str]) -> bool:
    """Whether a column called only `state` holds letters for the states of orders, such as P, C and X, and no parts of
    a country, such as CA and NY: these have two letters, or are the same for each customer."""
    letters = [len(each) for each in values if re.fullmatch("[a-z]{1,2}[0-9]?", each)]
    if not 1 < len(values) <= _MOST_LETTERS or len(letters) < len(values) or min(letters) > 1:
        return False
    people = named_best(frame, "user_id")
    if not people:
        return True
    states = frame.group_by(people).agg(pl.col(name).n_unique())
    return bool((states[name] > 1).any())


def _ended(name: str, value: str) -> bool:
    if rank_of(name, MARKS) is not None:
        return value in YES
    if rank_of(name, CONFIRMED) is not None:
        return value in NO
    return rank_of(name, PAID) is None and came_to_nothing(value)


def _to_come(name: str, values: Sequence[str]) -> dict[str, int]:
    """The values of a mark that no row has yet, as its other value is written."""
    if rank_of(name, MARKS) is not None:
        return dict.fromkeys([yes for value in values for yes in YES_OF.get(value, ())] or YES, 0)
    if rank_of(name, CONFIRMED) is not None:
        return {no: 0 for value in values for no, several in YES_OF.items() if value in several}
    return {}


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
        below = {*texts.filter(~above).drop_nulls()}
        states = {code: rows for code, rows in counted.iter_rows() if code not in below}
        found[name] = EndedOrders(
            states,
            sum(states.values()),
            tuple(_keys(frame, name)),
            frame[name].dtype == pl.String,
            (*sorted(below),),
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
