"""Roles: the columns of a shop's files that hold the customer, the product, the time, guessed from names and values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from recsys_assets.proposal.formats.path_moment import path_moment
from recsys_assets.proposal.formats.scaled_money import without_units
from recsys_assets.proposal.names.behaviours import known_behaviour
from recsys_assets.proposal.names.built_names import is_of_a_thing, is_of_something_else
from recsys_assets.proposal.names.known_names import (
    EVENT,
    IDS,
    NAMES,
    RATINGS,
    RawTable,
    plain_name,
    rank_of,
    role_rank,
)
from recsys_assets.proposal.orders.credit_notes import CreditNotes
from recsys_assets.proposal.orders.ended_orders import EndedOrders
from recsys_assets.proposal.orders.return_lines import ReturnLines
from recsys_assets.proposal.sample.record_fields import are_orders
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.sample.sampled_files import SampledFiles

NUMBERS = ("quantity", "unit_price", "amount", "discount")
_MOST_BEHAVIOURS = 30
_MOST_NUMBERED_BEHAVIOURS = 10
TELLING_ROWS = 20
"""The fewest rows that say something about all."""
FEW_CUSTOMERS = 20
"""Number of customers of whom any may have most rows."""
_NOBODY = ("0", "-1", "na", "guest", "anonymous", "anon", "unknown", "gast", "unbekannt", "invite", "nobody")
_MANY = 0.05
"""Share of rows from which such an id is a placeholder."""
_OF_CUSTOMERS = re.compile("customer|buyer|shopper|kund|debitor|klant|member|cliente?|loyalty")
_MOSTLY = 0.9
"""Share of order lines that name their product; where fewer have a value, another column names it."""
_NUMBERED = re.compile(r"\d")
_FEWEST_RATINGS, _MOST_RATINGS, _BEST_RATING = 3, 11, 10
Like: TypeAlias = Mapping[str, Collection[str]]
"""Plain names that are preferred for a column of the raw tables, so that `Email (Billing)` is like `Email`."""
_NONE: Like = {}


@dataclass(frozen=True)
class Roles:
    """The role of a group of files for a raw table: the files' column for each column of the table.

    `happened` is the time of events, if the files hold any, and `customer` their customer, if some lines lack one.
    """

    files: SampledFiles
    table: RawTable
    columns: Mapping[str, SampledColumn]
    happened: SampledColumn | None = None
    customer: SampledColumn | None = None

    def filling_order(self, name: str) -> str | None:
        """The column of the orders whose first line alone fills a column; None for other columns."""
        order = self.columns.get("order_id")
        return (
            order.name if order is not None and order.name in self.files.first_lines.get(name, ()) else None
        )

    @property
    def visitor(self) -> SampledColumn | None:
        """The column of visitors or visits that has a value in every row, unlike that of the customers."""
        customer = self.columns.get("user_id")
        if customer is None or customer.filled == 1:
            return None
        ranked = [
            (rank, place)
            for place, column in enumerate(self.files.columns)
            if column.name != customer.name
            and column.filled == 1
            and column.distinct > 1
            and not column.has_words
            and not column.is_nested
            and (rank := role_rank("user_id", column.name, IDS["user_id"])) is not None
        ]
        return self.files.columns[min(ranked)[1]] if ranked else None

    @property
    def nobody(self) -> str:
        """The id that stands for no customer, because it is called so and is in many rows; empty if there is none."""
        customer = self.columns.get("user_id")
        if customer is None or customer.distinct <= FEW_CUSTOMERS or customer.most.casefold() not in _NOBODY:
            return ""
        return customer.most if customer.counts[0] >= max(TELLING_ROWS, _MANY * self.files.rows) else ""

    @property
    def credit(self) -> CreditNotes | None:
        """Lines that take back what others sold, by the ids of their orders; None if there are none."""
        order = self.columns.get("order_id")
        return self.files.credit.get(order.name) if order is not None and self.table == "raw_events" else None

    @property
    def returns(self) -> Mapping[str, ReturnLines]:
        """The columns by which lines take back what others sold, unless a raw table takes them."""
        taken = {name for column in self.columns.values() for name in column.names}
        return {name: each for name, each in self.files.returns.items() if name not in taken}

    @property
    def ended(self) -> Mapping[str, EndedOrders]:
        """The columns by which rows came to nothing, unless a raw table takes them."""
        taken = {name for column in self.columns.values() for name in column.names}
        return {
            name: ended for name, ended in self.files.ended.items() if name not in taken | self.returns.keys()
        }


def roles_of(files: SampledFiles, like: Like = _NONE) -> list[Roles]:
    """The raw tables that a group of files can fill, each with its columns; empty if nothing is recognised.

    Files with a customer and a product hold events, and may also describe products and customers. Files with only a
    product describe products or, with a first and a last day, promotions; those with only a customer describe
    customers. Of several columns that may name products, one whose name is in `like` is preferred.

    Args:
        files: the files.
        like: preferred names, such as those that other files have too.
    """
    events = matched(files, "raw_events", like)
    has_user, has_item = "user_id" in events, "item_id" in events
    if has_user and has_item:
        found = [Roles(files, "raw_events", events)]
        taken = {name for role, column in events.items() if role not in IDS for name in column.names}
        tables: tuple[RawTable, ...] = ("raw_items", "raw_users")
        for table in tables:
            others = {
                r: column for r, column in matched(files, table, like).items() if column.name not in taken
            }
            if any(map(is_rating, files.columns)):  # a review has a title of its own
                others = {
                    r: column for r, column in others.items() if r != "title" or is_of_a_thing(column.name)
                }
            if table == "raw_items" and "title" not in others and "item_id" in others:
                others |= _titled(files, others["item_id"], taken)
            if others.keys() - IDS.keys():
                user = events["user_id"]
                is_missing = user.filled < 1 and user.name not in (*files.first_lines, *files.filled_down)
                found.append(
                    Roles(files, table, others, events.get("event_time"), user if is_missing else None)
                )
        return found
    if has_item:
        promotions = matched(files, "raw_promotions", like)
        if "start_day" in promotions and "end_day" in promotions:
            return [Roles(files, "raw_promotions", promotions)]
        return [Roles(files, "raw_items", matched(files, "raw_items", like))]
    if has_user:
        return [Roles(files, "raw_users", matched(files, "raw_users", like))]
    return []


def _titled(files: SampledFiles, item: SampledColumn, taken: Collection[str]) -> dict[str, SampledColumn]:
    """The column that is named like a product and holds its title, if another one holds its id."""
    ranked = [
        (rank, place)
        for place, column in enumerate(files.columns)
        if column.name != item.name
        and column.name not in taken
        and column.has_words
        and (rank := role_rank("item_id", column.name, IDS["item_id"])) is not None
    ]
    return {"title": files.columns[min(ranked)[1]]} if ranked else {}


def matched(files: SampledFiles, table: RawTable, like: Like = _NONE) -> dict[str, SampledColumn]:
    """Columns of the files for the columns of a raw table, by their names and values.

    Columns that a person named (`SampledFiles.named`) come first, then names in `like`, by the column of the raw table.
    """
    found: dict[str, SampledColumn] = {}
    taken: set[str] = set(files.named.values())
    for role, names in NAMES[table].items():
        if role in files.named:
            found[role] = next(column for column in files.columns if column.name == files.named[role])
            continue
        candidates = [
            (
                plain_name(column.name) not in like.get(role, ()),
                table == "raw_events" and _numbers_lines(role, column, files),
                _is_unread(role, column),
                role == "user_id" and _names_staff(column, files),
                role == "order_id" and column.name in files.own_names,
                role in IDS and files.rows >= TELLING_ROWS and column.distinct == 1,
                role in IDS and column.has_words,
                role == "item_id" and column.filled < _MOSTLY and are_order_lines(files),
                rank,
                place,
            )
            for place, column in enumerate(files.columns)
            if column.name not in taken
            and not (table == "raw_items" and _is_of_whole_list(column, files))
            and (rank := _rank(files, role, column, names)) is not None
            and _can_be(role, column)
        ]
        if candidates:
            column = files.columns[min(candidates)[-1]]
            found[role] = column
            taken.add(column.name)
    if table == "raw_events":
        if "event_time" not in files.named:
            found |= _in_several_columns(files, found.get("event_time"), taken)
            found |= _only_time(files, taken) if "event_time" not in found else {}
            if "event_time" not in found and (moment := path_moment(files.paths)) is not None:
                found["event_time"] = moment
        found |= _behaviour_by_its_words(files, taken) if "behaviour" not in found else {}
        if "order_id" not in found and files.bare_order and files.bare_order not in taken:
            found["order_id"] = next(each for each in files.columns if each.name == files.bare_order)
        if files.rows_are_elements:
            found = _of_elements(files, found)
        elif any(plain_name(column.name).startswith("lineitem") for column in found.values()):
            found = _of_lines(files, found)
    return found


def _rank(files: SampledFiles, role: str, column: SampledColumn, names: tuple[str, ...]) -> int | None:
    """Rank of a column of some files for a column of a raw table, by its name; None if it does not fit.

    Numbers of a whole order are not those of a line, the price of a line is an amount, and a reference that is unique
    belongs to the row.
    """
    if role == "item_id" and plain_name(column.name) == "reference" and _numbers_lines(role, column, files):
        return None
    if role in NUMBERS and files.rows_are_elements and column.name not in files.own_names:
        return None
    if role in ("amount", "discount") and files.sums.get(column.name) == "order":
        return None
    if files.sums.get(column.name) == "line" and role in ("amount", "unit_price"):
        return 0 if role == "amount" else None
    own = files.own_names.get(column.name, column.name)
    if role == "unit_price" and plain_name(own) == "rate" and not _has_pieces(files):
        return None
    return role_rank(role, without_units(own) if column.scaled_by == "nanos" else own, names)


def _has_pieces(files: SampledFiles) -> bool:
    """Whether some column is called like the pieces of a line, beside which a rate is a price, and else a rating."""
    names = (files.own_names.get(column.name, column.name) for column in files.columns)
    return any(role_rank("quantity", name, EVENT["quantity"]) is not None for name in names)


def _is_of_whole_list(column: SampledColumn, files: SampledFiles) -> bool:
    """Whether a column belongs to the record around a list of products and describes none of them, such as the name of
    an order or of a customer."""
    return files.rows_are_elements and column.name not in files.own_names and not is_of_a_thing(column.name)


def names_for(files: SampledFiles, role: str) -> list[str]:
    """Plain names of all columns that may be the customer or the product."""
    return [
        plain_name(column.name)
        for column in files.columns
        if role_rank(role, column.name, IDS[role]) is not None and _can_be(role, column)
    ]


def unnamed_times(files: SampledFiles) -> list[SampledColumn]:
    """Columns of times or days that may be those of events, though not by their names."""
    return [
        column
        for column in files.columns
        if column.kind in ("time", "epoch", "day") and not is_of_something_else(plain_name(column.name))
    ]


def _only_time(files: SampledFiles, taken: set[str]) -> dict[str, SampledColumn]:
    times = [column for column in unnamed_times(files) if column.name not in taken]
    return {"event_time": times[0]} if len(times) == 1 else {}


def _behaviour_by_its_words(files: SampledFiles, taken: set[str]) -> dict[str, SampledColumn]:
    """The only column whose few values are mostly behaviours, whatever its name is."""
    telling = [
        column
        for column in files.columns
        if column.name not in taken and len(column.values) > 1 and _names_behaviours(column)
    ]
    return {"behaviour": telling[0]} if len(telling) == 1 else {}


def _names_behaviours(column: SampledColumn) -> bool:
    words = [known_behaviour(value) for value in column.values]
    return 2 * len([*filter(None, words)]) >= len(words) and bool({*words} - {"", "return"})


def _of_lines(files: SampledFiles, events: Mapping[str, SampledColumn]) -> dict[str, SampledColumn]:
    """Columns of order lines: without sums of a whole order, with an order's name."""
    found = {
        role: column
        for role, column in events.items()
        if role not in ("amount", "discount") or plain_name(column.name).startswith("lineitem")
    }
    names = {plain_name(column.name): column for column in files.columns}
    named = names.get("name")
    if "order_id" not in found and named and all(map(_NUMBERED.search, named.samples)):
        found["order_id"] = named
    return found


def _of_elements(files: SampledFiles, events: Mapping[str, SampledColumn]) -> dict[str, SampledColumn]:
    """Columns of records in a list, such as the lines of an order, whose own id is outside of the list."""
    shared = files.unpacked.shared_columns if files.unpacked is not None else set()
    if files.unpacked is not None and any(map(are_orders, files.unpacked.outer)):
        return {**events}  # the id outside of a list of orders is not an order's
    taken = {name for column in events.values() for name in column.names}
    ids = [
        column for column in files.columns if column.name.casefold() == "id" and column.name in shared - taken
    ]
    return {**events, "order_id": ids[0]} if ids and "order_id" not in events else dict(events)


def _names_staff(column: SampledColumn, files: SampledFiles) -> bool:
    """Whether a column that may name the customer is that of a till's users, because another one says `customer`."""
    if not plain_name(column.name).startswith("user") or not are_order_lines(files):
        return False
    return any(
        _OF_CUSTOMERS.search(plain_name(other.name))
        and role_rank("user_id", other.name, IDS["user_id"]) is not None
        and column.distinct < other.distinct
        for other in files.columns
        if other.name != column.name
    )


def are_order_lines(files: SampledFiles) -> bool:
    """Whether each row of some files sells a product, by its pieces or its price; rows of a visit may have none."""
    names = [column.name for column in files.columns if column.kind != "nothing"]
    return any(
        role_rank(role, name, EVENT[role]) is not None for role in NUMBERS[:2] for name in names
    ) and not any(role_rank("behaviour", name, EVENT["behaviour"]) is not None for name in names)


def _numbers_lines(role: str, column: SampledColumn, files: SampledFiles) -> bool:
    """Whether a column that may name products has a different value in each row, like a line number."""
    return role == "item_id" and files.rows >= TELLING_ROWS and column.distinct == files.rows


def _in_several_columns(
    files: SampledFiles, chosen: SampledColumn | None, taken: set[str]
) -> dict[str, SampledColumn]:
    """The time of events if several columns hold it: the chosen one with others, or only others."""
    for moment in files.moments:
        others = {*moment.names} - ({chosen.name} if chosen is not None else set())
        if (chosen is None or chosen.name in moment.names) and not others & taken:
            return {"event_time": moment}
    return {}


def is_rating(column: SampledColumn) -> bool:
    """Whether a column holds ratings, by its name, or by a few small numbers."""
    if column.kind != "number" or column.signs:
        return False
    if rank_of(column.name, RATINGS) is not None:
        return True
    few = _FEWEST_RATINGS <= len(column.values) <= _MOST_RATINGS
    return few and column.is_unnamed and all(-1 <= float(value) <= _BEST_RATING for value in column.values)


def could_be(role: str, names: tuple[str, ...], column: SampledColumn) -> bool:
    """Whether a column is named like one of a raw table, but its values are not ones that it could take."""
    return (
        role_rank(role, column.name, names) is not None
        and column.kind != "nothing"
        and not _can_be(role, column)
    )


def _can_be(role: str, column: SampledColumn) -> bool:
    if column.kind == "nothing" or (column.is_nested and role in (*IDS, "order_id", "store_id")):
        return False
    if role == "event_time":
        return column.kind in ("time", "day", "epoch") or _is_unread(role, column)
    if role in ("start_day", "end_day"):
        return column.kind in ("time", "day", "epoch", "text")
    if role in NUMBERS:
        return column.kind == "number"
    if role == "behaviour":
        is_numbered = column.kind == "number" and column.distinct <= _MOST_NUMBERED_BEHAVIOURS
        return (column.kind == "text" and column.distinct <= _MOST_BEHAVIOURS) or (
            is_numbered and all(value.lstrip("-").isdigit() for value in column.values)
        )
    return True


def _is_unread(role: str, column: SampledColumn) -> bool:
    """Whether a column named like one of times holds texts in an unknown notation.

    Such rows are rejected, with their notation; without the column all would be events of one day.
    """
    return (
        role == "event_time"
        and column.kind == "text"
        and any(sum(map(str.isdigit, s)) >= 3 for s in column.samples)
    )
