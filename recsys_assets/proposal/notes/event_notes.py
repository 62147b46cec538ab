"""Notes on files of events, for a person: rows that are not purchases, currencies, missing required values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from recsys_assets.proposal.column_roles import Roles, is_rating
from recsys_assets.proposal.names.known_names import EVENT, IDS, plain_name, rank_of, role_rank
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_lineage.sql.names import literal, quote

_DID_NOT_HAPPEN = (
    "cancelled", "canceled", "refunded", "refund", "partially_refunded", "returned", "return", "failed", "void",
    "voided", "chargeback", "pending", "unpaid", "rejected", "declined", "expired", "test", "storniert", "storno",
    "abgebrochen", "erstattet", "offen", "annule", "annulé", "annulée", "remboursé", "cancelado", "anulado",
)  # fmt: skip
"""Words for orders that were cancelled or are still open."""
_MARKS = (
    "test", "istest", "testorder", "cancelled", "canceled", "iscancelled", "deleted", "isdeleted", "refunded",
    "isrefund", "storniert", "geloescht",
)  # fmt: skip
"""Names of columns that mark such orders by yes and no."""
_ENDED = (
    "cancelledat", "canceledat", "cancelleddate", "canceleddate", "cancellationdate", "cancelreason", "refundedat",
    "refunddate", "voidedat", "deletedat", "returnedat", "stornodatum", "storniertam",
)  # fmt: skip
"""Names of columns that are filled only for cancelled orders and the like."""
_YES = ("true", "t", "1", "yes", "y", "ja", "j", "oui", "si", "wahr")
_CURRENCIES = ("currency", "currencycode", "waehrung", "wahrung", "devise", "moneda", "valuta")
_PARENTS = (
    "parentitemid", "parentlineid", "parentlineitemid", "parentorderitemid", "parentid", "parentitem", "parentline",
    "bundleditemid", "bundledby", "bundleid", "bundlelineid", "setlineid",
)  # fmt: skip
"""Names of columns by which a line refers to the line that it is a part of: a set, or the product of a variant."""
_MOST_SHOWN = 6
_NOBODY = ("0", "-1", "na", "guest", "anonymous", "anon", "unknown", "gast", "unbekannt", "invite", "nobody")
_MANY, _VERY_MANY = 0.05, 0.1
"""Share of rows from which a customer is suspicious, with a name for nobody or with another name."""
_MORE = 2
"""Factor by which its rows must outnumber those of the next one."""
_TELLING_ROWS = 20
_FEW_CUSTOMERS = 20
_TELLING_CUSTOMERS, _NEARLY = 50, 0.85


def event_notes(files: SampledFiles, roles: Sequence[Roles], used: Collection[str]) -> Iterator[str]:
    """Notes on these files, where they hold events, in sentences.

    Args:
        files: the files.
        roles: their roles for each table.
        used: their columns that some table takes.
    """
    events = next((role for role in roles if role.table == "raw_events"), None)
    if events is None:
        return
    yield from _on_empty_columns(files, events)
    yield from _on_ids(files, events)
    yield from _on_ratings(files, used)
    yield from _on_behaviours(events)
    yield from _on_numbers(files, events, used)
    yield from _on_other_columns(files, events, used)


def _on_empty_columns(files: SampledFiles, events: Roles) -> Iterator[str]:
    """Notes on required columns with empty rows."""
    for role in (*IDS, "event_time"):
        column = events.columns.get(role)
        if column is not None and column.filled < 1:
            empty = files.rows - round(column.filled * files.rows)
            if order := events.filling_order(column.name):
                yield f"column {column.name} stands on the first line of each {order}: its other lines get it too"
                continue
            note = f"column {column.name} is empty in {empty:,} of {files.rows:,} rows, which are rejected"
            if role == "event_time":
                note += (
                    "; where only the first line of an order has it, last_value(… IGNORE NULLS) OVER (ORDER BY _file, "
                    "_line) fills it down"
                )
            yield note


def _on_numbers(files: SampledFiles, events: Roles, used: Collection[str]) -> Iterator[str]:
    """Notes on quantities, amounts and prices, and on repeated rows."""
    pieces = events.columns.get("quantity")
    if pieces is not None and {"0", "0.0"} & {*pieces.values}:
        yield (
            f"column {pieces.name} is 0 in some rows, which are rejected: where that means that it is not known, write "
            f"nullif({quote(pieces.name)}, '0') AS quantity"
        )
    if files.equal_rows:
        yield (
            f"{files.equal_rows:,} of {files.rows:,} rows are equal to an earlier one and count once: where equal "
            "lines of a file are pieces of their own, add _line AS line_id to raw_events.sql"
        )
    for name, of in files.sums.items():
        if of == "order" and name not in used:
            yield f"column {name} is the same on all lines of an order: it is taken for the order's sum and not used"
        elif of == "line" and name in used:
            yield f"column {name} grows with the pieces: it is taken for the amount of the line"
    for role in ("amount", "unit_price"):
        column = events.columns.get(role)
        if column is not None and "quantity" not in events.columns and column.is_whole:
            yield (
                f"column {column.name} is taken for {role} and holds whole numbers alone: where they are pieces write "
                "them AS quantity, where they are cents divide them by 100"
            )


def _on_other_columns(files: SampledFiles, events: Roles, used: Collection[str]) -> Iterator[str]:
    """Notes on unused columns: of parts, of orders that were cancelled, and of currencies."""
    for column in files.columns:
        if column.name not in used and 0 < column.filled < 1 and rank_of(column.name, _PARENTS) is not None:
            parts = round(column.filled * files.rows)
            yield (
                f"column {column.name} names another line in {parts:,} of {files.rows:,} rows: where these are parts "
                "or variants of what that line sells, both count; "
                f"WHERE {quote(column.name)} IS NULL in raw_events.sql leaves the parts out"
            )
        if column.name not in used and 0 < column.filled < 1 and rank_of(column.name, _ENDED) is not None:
            yield _on_ended(files, events, column)
            continue
        if column.name in used or not column.values:
            continue
        examples = ", ".join(column.values[:_MOST_SHOWN])
        if _tells_what_did_not_happen(column):
            yield (
                f"column {column.name} says {examples}: rows of all these count; WHERE in raw_events.sql leaves out "
                "those that came to nothing"
            )
        elif len(column.values) > 1 and rank_of(column.name, _CURRENCIES) is not None:
            yield f"column {column.name} says {examples}: amounts are taken as they stand, whatever their currency"


def _on_ended(files: SampledFiles, events: Roles, column: SampledColumn) -> str:
    """Notes on columns that are filled only for orders that ended without a sale, with advice to leave these out."""
    order = events.columns.get("order_id")
    name = quote(column.name)
    way = f"WHERE {name} IS NULL"
    if order is not None and order.distinct < files.rows:
        way = f"QUALIFY count({name}) OVER (PARTITION BY {quote(order.name)}) = 0"
    return (
        f"column {column.name} is filled in {round(column.filled * files.rows):,} of {files.rows:,} rows, which count: "
        f"where these came to nothing, {way} at the end of raw_events.sql leaves them out"
    )


def _on_ids(files: SampledFiles, events: Roles) -> Iterator[str]:
    """Notes on ids: a customer of very many rows is often a placeholder; sessions are no customers, and names are no
    ids."""
    customer = events.columns.get("user_id")
    if customer is None:
        return
    item, order = events.columns.get("item_id"), events.columns.get("order_id")
    if customer.has_words:
        yield f"column {customer.name} is taken for the customer and holds names: two of one name are one customer"
    if item is not None and item.has_words:
        yield f"column {item.name} is taken for the product and holds words: one that is renamed becomes another"
    if role_rank("order_id", customer.name, EVENT["order_id"]) is not None:
        yield f"column {customer.name} is taken for the customer and called like an order: nobody comes twice"
    many = order.distinct if order is not None else files.rows
    if many >= _TELLING_CUSTOMERS and customer.distinct >= _NEARLY * many:
        of = f"each value of {order.name}" if order is not None else "each row"
        yield f"nearly {of} has a value of {customer.name} of its own: where that is the customer, nobody comes twice"
    if item is not None and files.rows >= _TELLING_CUSTOMERS and item.distinct >= _NEARLY * files.rows:
        yield f"nearly each row has a value of {item.name} of its own: where that is the product, none is sold twice"
    most, second = (*customer.counts, 0, 0)[:2]
    least = max(_TELLING_ROWS, _VERY_MANY * files.rows, _MORE * second)
    if customer.most.casefold() in _NOBODY:
        least = max(_TELLING_ROWS, _MANY * files.rows)
    if most >= least and customer.distinct > _FEW_CUSTOMERS:
        value = literal(customer.most)
        yield (
            f"column {customer.name} says {customer.most} in {most:,} of {files.rows:,} rows: where that "
            f"means nobody, write nullif({quote(customer.name)}, {value}) AS user_id, else it is one customer"
        )
    if (
        plain_name(customer.name).startswith(("session", "visit"))
        and "visitor" not in customer.name.casefold()
    ):
        yield f"column {customer.name} is taken for the customer: each of its visits is one"


def _on_ratings(files: SampledFiles, used: Collection[str]) -> Iterator[str]:
    for column in files.columns:
        if column.name not in used and is_rating(column):
            name = quote(column.name)
            shown = sorted(column.values, key=float) if column.values else [*column.samples]
            examples = f"{shown[0]} to {shown[-1]}" if column.values else ", ".join(shown)
            verb = "seems to say" if column.is_unnamed else "says"
            yield (
                f"column {column.name} {verb} how much something was liked, {examples}: every row counts alike; WHERE "
                f"TRY_CAST({name} AS DOUBLE) >= … in raw_events.sql keeps what was liked"
            )


def _on_behaviours(events: Roles) -> Iterator[str]:
    column = events.columns.get("behaviour")
    if column is not None and column.kind == "number":
        cases = " ".join(f"WHEN {literal(value)} THEN '…'" for value in column.values)
        yield (
            f"column {column.name} says what happened by numbers, which are taken as they are: write CASE "
            f"{quote(column.name)} {cases} END AS behaviour, with view, cart, wishlist, purchase or return for …"
        )


def _tells_what_did_not_happen(column: SampledColumn) -> bool:
    words = {value.strip().casefold().removeprefix("wc-") for value in column.values}
    is_mark = rank_of(column.name, _MARKS) is not None
    return bool(words & {*_DID_NOT_HAPPEN}) or (is_mark and bool(words & {*_YES}))
