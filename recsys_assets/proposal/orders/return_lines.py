"""ReturnLines: lines that take back what others sold, by a column that says of what type each line or document is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from recsys_assets.proposal.names.known_names import plain_name, rank_of
from recsys_assets.proposal.names.order_states import YES, words_of
from recsys_assets.proposal.orders.ended_orders import numbers_below_zero
from recsys_lineage.sql.names import literal

_MOST_TYPES = 30
_MOST = 0.4
"""Largest share of such lines; where more are called so, it means something else."""
_TYPES = re.compile(
    "(document|doc|transaction|trans|trx|receipt|line|order|sales?|invoice|record|movement|voucher|beleg|buchungs|vorgangs|"
    "positions)(type|art|kind|class|code)|fkart|auart|vbtyp|tipo(documento|dedocumento|movimiento|movimento)|"
    "type(document|dedocument|piece)"
)
"""Pattern of the names of such columns, without case, accents and signs."""
_OF_SAP = {"fkart": ("re", "g2", "s1", "s2"), "auart": ("re", "g2", "cr", "rre")}
"""Columns of SAP → the codes of returns, credit memos and cancelled invoices in them."""
_RETURN = (
    "return", "returns", "returned", "refund", "refunds", "refunded", "rma", "creditnote", "creditmemo", "gutschrift",
    "retoure", "rucksendung", "avoir", "remboursement", "devolucion", "abono", "reembolso", "reso", "rimborso",
    "notacredito", "devolucao", "retour", "zwrot", "retur", "kreditnota", "возврат", "返品", "返金", "退货", "退款",
)  # fmt: skip
_SALES = (
    "invoice",
    "sale",
    "order",
    "purchase",
    "receipt",
    "rechnung",
    "verkauf",
    "facture",
    "factura",
    "fattura",
    "vente",
)
"""Words in the types of documents and lines that sell something."""
_TO_COME = (
    r"(^|[^\pL])(returns?|returned|refunds?|refunded|rma|credit[^\pL]?(note|memo)s?|gutschrift(en)?|retouren?|storno|"
    r"avoirs?|devoluci[oó]n(es)?|abono|nota.de.cr[eé]dito|resi?|rimborso)([^\pL]|$)"
)
"""Pattern of the words for returns, credit notes and cancellations in them."""
_FLAGS = ("isreturn", "istretoure", "returnflag", "isrefund", "iscreditnote", "iscreditmemo")


@dataclass(frozen=True)
class ReturnLines:
    """Lines that take back what others sold, by their values in a column.

    Attributes:
        values: that say so, in lower case → their number of lines in the sample; empty if only later files may have
            any.
        is_text: whether the files hold the column as text.
    """

    values: Mapping[str, int]
    is_text: bool

    def condition(self, at: str) -> str:
        """SQL for whether a line is one of them, given the SQL of the column."""
        text = at if self.is_text else f"{at}::VARCHAR"
        if not self.values:
            return f"regexp_matches(lower({text}), {literal(_TO_COME)})"
        return f"lower(trim({text})) IN ({', '.join(map(literal, self.values))})"


def return_lines(frame: pl.DataFrame) -> dict[str, ReturnLines]:
    """Columns by which lines take back what others sold.

    Where such lines have numbers below zero, the numbers say so already.
    """
    found: dict[str, ReturnLines] = {}
    below = numbers_below_zero(frame)
    for name, type_ in frame.schema.items():
        if not (names_types(name) or rank_of(name, _FLAGS) is not None):
            continue
        if not (type_ == pl.String or type_ == pl.Boolean or type_.is_integer()):
            continue
        texts = frame[name].cast(pl.String).str.strip_chars().str.to_lowercase()
        counts: dict[str, int] = dict(
            texts.drop_nulls().value_counts(sort=True).head(_MOST_TYPES + 1).iter_rows()
        )
        values = {value: rows for value, rows in counts.items() if _takes_back(name, value)}
        is_one = texts.is_in(pl.Series([*values], dtype=pl.String).implode()).fill_null(value=False)
        if (
            values
            and len(counts) <= _MOST_TYPES
            and is_one.sum() <= _MOST * frame.height
            and not (is_one & below).any()
        ):
            found[name] = ReturnLines(values, type_ == pl.String)
        elif type_ == pl.String and not values and _may_come(counts):
            found[name] = ReturnLines({}, is_text=True)
    return found


def _may_come(values: Collection[str]) -> bool:
    """Whether a column of types has so far only words for sales, so that one for returns may come."""
    return 0 < len(values) <= _MOST_TYPES and all(any(each in value for each in _SALES) for value in values)


def names_types(name: str) -> bool:
    """Whether a column of this name says of what type each line or document is."""
    return _TYPES.fullmatch(plain_name(name)) is not None


def _takes_back(name: str, value: str) -> bool:
    if rank_of(name, _FLAGS) is not None:
        return value in YES
    if value in _OF_SAP.get(plain_name(name), ()):
        return True
    words = words_of(value)
    return any(word in _RETURN for word in (*words, *map("".join, pairwise(words))))
