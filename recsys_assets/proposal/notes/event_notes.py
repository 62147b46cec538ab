"""Notes on files of events, for a person: rows that are not purchases, currencies, missing required values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from recsys_assets.proposal.column_roles import FEW_CUSTOMERS, TELLING_ROWS, Roles, is_rating
from recsys_assets.proposal.names.known_names import EVENT, LIKED, plain_name, rank_of, role_rank
from recsys_assets.proposal.names.order_states import (
    CONFIRMED,
    GIVEN_BACK,
    MARKS,
    PAID,
    PIECES_BACK,
    RETURNED,
    came_to_nothing,
    is_code,
    is_in_doubt,
    names_states,
)
from recsys_assets.proposal.notes.empty_columns import notes_on_empty_columns
from recsys_assets.proposal.orders.ended_orders import EndedOrders
from recsys_assets.proposal.orders.return_lines import names_types
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_assets.shop.alike_ids import alike_sql
from recsys_lineage.sql.names import literal, quote

_CURRENCIES = ("currency", "currencycode", "waehrung", "wahrung", "devise", "moneda", "valuta")
_PARENTS = (
    "parentitemid", "parentlineid", "parentlineitemid", "parentorderitemid", "parentid", "parentitem", "parentline",
    "bundleditemid", "bundledby", "bundleid", "bundlelineid", "setlineid",
)  # fmt: skip
"""Names of columns by which a line refers to the line that it is a part of: a set, or the product of a variant."""
_MOST_SHOWN = 6
_VERY_MANY, _MORE = 0.1, 2
"""Share of rows from which a customer is suspicious, and the factor by which they must outnumber those of the next."""
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
    yield from notes_on_empty_columns(files, events)
    yield from _on_ids(files, events)
    yield from _on_ratings(files, used)
    yield from _on_behaviours(events)
    yield from _on_numbers(files, events, used)
    yield from _on_other_columns(files, events, used)


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
        elif (
            column is not None
            and column.is_whole
            and not (column.parts > 1 or column.scale)
            and column.distinct > 1
        ):
            yield (
                f"column {column.name} is taken for {role} and holds whole numbers alone: where they are cents divide "
                "them by 100"
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
        ended = None if column.name in used else events.ended.get(column.name)
        if ended is not None and (ended.rows or ended.by_any_value):
            yield _on_ended(files, column, ended)
            continue
        if (note := _on_lines_back(files, events, column, column.name in used)) is not None:
            yield note
        elif column.name not in used and column.values:
            yield from _on_values(files, column, ended)


def _on_lines_back(files: SampledFiles, events: Roles, column: SampledColumn, is_used: bool) -> str | None:
    """Note on a column that may tell of what came back; None on others."""
    if not is_used and 0 < column.filled < 1 and rank_of(column.name, GIVEN_BACK) is not None:
        return (
            f"column {column.name} is filled in {round(column.filled * files.rows):,} of {files.rows:,} rows, "
            f"which count: where these came back as a whole, WHERE {quote(column.name)} IS NULL at the end of "
            "raw_events.sql leaves them out"
        )
    if (returns := events.returns.get(column.name)) is not None and not returns.values:
        return (
            f"column {column.name} says {', '.join(column.values[:_MOST_SHOWN])}: lines of later files that it calls "
            "returns or credit notes are taken for such, by the CASE of behaviour in raw_events.sql"
        )
    if returns is not None:
        values = ", ".join(f"{value} ({rows:,})" for value, rows in returns.values.items())
        return (
            f"column {column.name} says {values}: these lines are taken for returns of what their customers "
            "bought, by the CASE of behaviour in raw_events.sql"
        )
    if not is_used and len(column.values) > 1 and names_types(column.name):
        return (
            f"column {column.name} says {', '.join(column.values[:_MOST_SHOWN])}: rows of all these count; where "
            f"some take back what others sold, write CASE {quote(column.name)} WHEN '…' THEN 'return' END AS "
            "behaviour"
        )
    if (
        not is_used
        and column.kind == "number"
        and rank_of(column.name, PIECES_BACK) is not None
        and (column.distinct > 1 or column.most not in ("0", "0.0", "0.0000"))
    ):
        pieces = events.columns.get("quantity")
        return (
            f"column {column.name} says how many pieces came back, such as {column.samples[-1]}, and they count: "
            f"write {quote(pieces.name) if pieces is not None else '1'} - {quote(column.name)} AS quantity, as "
            "numbers, to subtract them"
        )
    return None


def _on_values(files: SampledFiles, column: SampledColumn, ended: EndedOrders | None) -> Iterator[str]:
    """Notes on an unused column of few values, such as states and currencies."""
    names = files.state_names.get(column.name, {})
    examples = ", ".join(_with_name(value, names) for value in column.values[:_MOST_SHOWN])
    states = [names.get(value, value) for value in column.values]
    is_mark = len(states) > 1 and rank_of(column.name, (*MARKS, *CONFIRMED, *PAID, *RETURNED)) is not None
    if is_mark or any(is_in_doubt(state) or came_to_nothing(state) for state in states):
        yield (
            f"column {column.name} says {examples}: rows of all these count; {_say_so(ended)} for "
            "those that came to nothing"
        )
    elif (
        len(column.values) > 1 and names_states(plain_name(column.name)) and all(map(is_code, column.values))
    ):
        yield (
            f"column {column.name} says {examples}: rows of all these count; where some of these codes mean that "
            f"an order came to nothing, {_say_so(ended)} for them"
        )
    elif len(column.values) > 1 and rank_of(column.name, _CURRENCIES) is not None:
        yield f"column {column.name} says {examples}: amounts are taken as they stand, whatever their currency"


def _say_so(ended: EndedOrders | None) -> str:
    """Advice on leaving out rows by their state."""
    end = "the end of raw_events.sql"
    return f"write false at {end}" if ended is not None else f"write WHERE … NOT IN ('…') at {end}"


def _with_name(code: str, names: Mapping[str, str]) -> str:
    """A state, with the name that another file gives to its code."""
    if not names:
        return code
    return f"{code} = {names[code]}" if code in names else f"{code}, which no file names,"


def _on_ended(files: SampledFiles, column: SampledColumn, ended: EndedOrders) -> str:
    """The note on rows that the proposed SQL leaves out, because their orders came to nothing."""
    rows = f"{ended.rows:,} of {files.rows:,} rows"
    if ended.by_any_value and not ended.rows:
        return f"column {column.name} is empty: rows where it is filled will be left out by the end of raw_events.sql"
    if ended.by_any_value:
        text, others = f"is filled in {rows}", ""
    else:
        names = files.state_names.get(column.name, {})
        counted = [
            f"{_with_name(state, names)} ({count:,})" for state, count in ended.states.items() if count
        ]
        text = f"says {', '.join(counted)} in {rows}"
        left = [
            _with_name(value, names) for value in column.values if value.strip().lower() not in ended.states
        ]
        others = f"; {', '.join(left[:_MOST_SHOWN])} count" if left else ""
    return (
        f"column {column.name} {text}: these are taken for no purchases, and the end of raw_events.sql leaves them "
        f"out{others}"
    )


def _on_ids(files: SampledFiles, events: Roles) -> Iterator[str]:
    """Notes on ids: a customer of very many rows is often a placeholder; sessions are no customers, and names are no
    ids."""
    customer = events.columns.get("user_id")
    if customer is None:
        return
    item, order = events.columns.get("item_id"), events.columns.get("order_id")
    for role, column in (("user_id", customer), ("item_id", item)):
        if column is not None and column.alike and not (role == "user_id" and column.are_mails):
            yield (
                f"{len(column.alike):,} ids of column {column.name} are written in several ways, such as "
                f"{' and '.join(column.alike[0])}, and each way counts as another: where they are one, write "
                f"{_as_one(column)} AS {role} wherever that id stands"
            )
    if customer.has_words:
        yield f"column {customer.name} is taken for the customer and holds names: two of one name are one customer"
    if item is not None and item.has_words:
        yield f"column {item.name} is taken for the product and holds words: one that is renamed becomes another"
    if role_rank("order_id", customer.name, EVENT["order_id"]) is not None:
        yield f"column {customer.name} is taken for the customer and called like an order: nobody comes twice"
    for role, column in (("customer", customer), ("product", item)):
        if column is not None and files.rows >= TELLING_ROWS and column.distinct == 1:
            yield (
                f"column {column.name} is taken for the {role} and says {column.samples[0]} in every row: look for "
                "another one"
            )
    if order is not None and order.name == files.bare_order:
        yield f"column {order.name} is taken for the order: all lines of one have one customer and one time"
    many = order.distinct if order is not None else files.rows
    if many >= _TELLING_CUSTOMERS and customer.distinct >= _NEARLY * many:
        of = f"each value of {order.name}" if order is not None else "each row"
        yield f"nearly {of} has a value of {customer.name} of its own: where that is the customer, nobody comes twice"
    if item is not None and files.rows >= _TELLING_CUSTOMERS and item.distinct >= _NEARLY * files.rows:
        yield f"nearly each row has a value of {item.name} of its own: where that is the product, none is sold twice"
    most, second = (*customer.counts, 0, 0)[:2]
    if events.nobody:
        yield (
            f"column {customer.name} says {customer.most} in {most:,} of {files.rows:,} rows: that is taken for "
            "nobody, so raw_events.sql makes it no customer, and these rows are rejected"
        )
    elif (
        most >= max(TELLING_ROWS, _VERY_MANY * files.rows, _MORE * second)
        and customer.distinct > FEW_CUSTOMERS
    ):
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


def _as_one(column: SampledColumn) -> str:
    """SQL that makes one id of those of a column that are alike."""
    name = quote(column.name)
    if all(len({id_.lower() for id_ in group}) == 1 for group in column.alike):
        return f"lower({name})"
    if all(len({id_.lstrip("0") for id_ in group}) == 1 for group in column.alike):
        return f"ltrim({name}, '0')"
    return alike_sql(name)


def _on_ratings(files: SampledFiles, used: Collection[str]) -> Iterator[str]:
    for column in files.columns:
        if column.name not in used and column.distinct > 1 and rank_of(column.name, LIKED) is not None:
            yield (
                f"column {column.name} says whether something was liked, {', '.join(column.values or column.samples)}: "
                f"every row counts alike; WHERE {quote(column.name)} … in raw_events.sql keeps what was liked"
            )
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
    if (credit := events.credit) is not None:
        order = events.columns["order_id"].name
        begun = (
            f"column {order} begins with {credit.letters} in {credit.rows:,} of {events.files.rows:,} rows"
        )
        if credit.is_certain:
            yield f"{begun}, whose customers bought the same before: these are taken for returns of that"
        else:
            yield (
                f"{begun}, which count as all others: where these are cancellations, write CASE WHEN "
                f"{credit.condition(quote(order))} THEN 'return' END AS behaviour in raw_events.sql"
            )
    column = events.columns.get("behaviour")
    if column is not None and column.kind == "number":
        cases = " ".join(f"WHEN {literal(value)} THEN '…'" for value in column.values)
        yield (
            f"column {column.name} says what happened by numbers, which are taken as they are: write CASE "
            f"{quote(column.name)} {cases} END AS behaviour, with view, cart, wishlist, purchase or return for …"
        )
