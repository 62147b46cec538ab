"""What a person should know of files of events: rows that are no purchases, currencies, required values missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from recsys_assets.proposal.known_names import IDS, rank_of
from recsys_assets.proposal.roles import Roles
from recsys_assets.proposal.sampled_column import SampledColumn
from recsys_assets.proposal.sampled_files import SampledFiles

_DID_NOT_HAPPEN = (
    "cancelled", "canceled", "refunded", "refund", "partially_refunded", "returned", "return", "failed", "void",
    "voided", "chargeback", "pending", "unpaid", "rejected", "declined", "expired", "test", "storniert", "storno",
    "abgebrochen", "erstattet", "offen", "annule", "annulé", "annulée", "remboursé", "cancelado", "anulado",
)  # fmt: skip
"""Words for orders that came to nothing, or not yet."""
_MARKS = (
    "test", "istest", "testorder", "cancelled", "canceled", "iscancelled", "deleted", "isdeleted", "refunded",
    "isrefund", "storniert", "geloescht",
)  # fmt: skip
"""Columns that mark such orders by yes and no."""
_YES = ("true", "t", "1", "yes", "y", "ja", "j", "oui", "si", "wahr")
_CURRENCIES = ("currency", "currencycode", "waehrung", "wahrung", "devise", "moneda", "valuta")
_MOST_SHOWN = 6


def event_notes(files: SampledFiles, roles: Sequence[Roles], used: Collection[str]) -> Iterator[str]:
    """What a person should know of these files where they hold events, in sentences.

    Args:
        files: the files.
        roles: what they are to each table.
        used: their columns that some table takes.
    """
    events = next((role for role in roles if role.table == "raw_events"), None)
    if events is None:
        return
    for role in (*IDS, "event_time"):
        column = events.columns.get(role)
        if column is not None and column.filled < 1:
            empty = files.rows - round(column.filled * files.rows)
            told = f"column {column.name} is empty in {empty:,} of {files.rows:,} rows, which are refused"
            if role == "event_time":
                told += (
                    "; where only the first line of an order has it, last_value(… IGNORE NULLS) OVER (ORDER BY _file, "
                    "_line) fills it down"
                )
            yield told
    for column in files.columns:
        if column.name in used or not column.values:
            continue
        said = ", ".join(column.values[:_MOST_SHOWN])
        if _tells_what_did_not_happen(column):
            yield (
                f"column {column.name} says {said}: rows of all these count; WHERE in raw_events.sql leaves out those "
                "that came to nothing"
            )
        elif len(column.values) > 1 and rank_of(column.name, _CURRENCIES) is not None:
            yield f"column {column.name} says {said}: amounts are taken as they stand, whatever their currency"


def _tells_what_did_not_happen(column: SampledColumn) -> bool:
    words = {value.strip().casefold() for value in column.values}
    is_mark = rank_of(column.name, _MARKS) is not None
    return bool(words & {*_DID_NOT_HAPPEN}) or (is_mark and bool(words & {*_YES}))
