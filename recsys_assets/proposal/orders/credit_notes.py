"""CreditNotes: lines of orders whose ids say that they take back what others sold, as `C536379` does."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys_assets.proposal.names.known_names import EVENT, IDS, role_rank
from recsys_assets.proposal.orders.ended_orders import numbers_below_zero
from recsys_lineage.sql.names import literal

_LETTERS = (
    "C",
    "CN",
    "CR",
    "CRN",
    "CM",
    "CAN",
    "R",
    "RET",
    "RMA",
    "ST",
    "STORNO",
    "GS",
    "GU",
    "AV",
    "NC",
    "X",
    "REF",
)
"""Letters before the numbers of cancellations, credit notes and returns."""
_ID = r"^\s*([A-Za-z]*)[-_ ]?[0-9]{3,}"
_MOST = 0.4
"""Largest share of such lines; where more have the letters, they mean something else."""
_SURELY, _USUALLY = 0.8, 0.4
"""The least share of their products that the customer bought before, and the largest such share of other lines."""


@dataclass(frozen=True)
class CreditNotes:
    """Lines that take back what others sold.

    Attributes:
        letters: before the numbers of their orders.
        rows: number of these lines in the sample.
        is_certain: whether nearly all of them repeat what the same customer bought before, unlike other lines.
    """

    letters: str
    rows: int
    is_certain: bool

    def condition(self, at: str) -> str:
        """SQL for whether a line is one of them, given the SQL of its order id."""
        pattern = rf"^\s*{self.letters}[-_ ]?[0-9]"
        return f"regexp_matches({at}, {literal(pattern)})"


def credit_notes(frame: pl.DataFrame) -> dict[str, CreditNotes]:
    """Columns of orders whose ids name such lines.

    Where these have numbers below zero, the numbers say so already.
    """
    found: dict[str, CreditNotes] = {}
    below = numbers_below_zero(frame)
    for name, type_ in frame.schema.items():
        if type_ != pl.String or role_rank("order_id", name, EVENT["order_id"]) is None:
            continue
        letters = frame[name].str.extract(_ID).fill_null("?")
        counts = letters.value_counts(sort=True)
        usual = counts[letters.name][0]
        for word, rows in counts.iter_rows():
            takes_back = letters == word
            if (
                word == usual
                or word.upper() not in _LETTERS
                or rows > _MOST * frame.height
                or (takes_back & below).any()
            ):
                continue
            shares = _bought_before(frame, letters == usual, takes_back)
            is_certain = shares is not None and shares[0] >= _SURELY and shares[1] <= _USUALLY
            found.setdefault(name, CreditNotes(word, rows, is_certain))
    return found


def _bought_before(
    frame: pl.DataFrame, usual: pl.Series, takes_back: pl.Series
) -> tuple[float, float] | None:
    """Shares of such lines, and of usual ones, whose customer has the product on an earlier usual line; None if the
    files do not name both."""
    keys: list[str] = []
    for role in ("user_id", "item_id"):
        named = [
            (rank, name) for name in frame.columns if (rank := role_rank(role, name, IDS[role])) is not None
        ]
        keys += [name for _, name in sorted(named)[:1] if not frame[name].dtype.is_nested()]
    if len(keys) < 2:
        return None
    lines = pl.DataFrame({"user": frame[keys[0]], "item": frame[keys[1]], "usual": usual, "back": takes_back})
    lines = lines.with_row_index().drop_nulls(["user", "item"])
    first = pl.when("usual").then("index").min().over("user", "item")
    lines = lines.with_columns(before=(first < pl.col("index")).fill_null(value=False))
    back, other = lines.filter("back")["before"], lines.filter("usual")["before"]
    if not back.len() or not other.len():
        return None
    return int(back.sum()) / back.len(), int(other.sum()) / other.len()
