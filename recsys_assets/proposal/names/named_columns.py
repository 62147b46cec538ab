"""NamedColumn: a person's assignment of a column whose name does not say what it holds."""

from __future__ import annotations

import fnmatch
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from unicodedata import normalize

from recsys_assets.proposal.names.built_names import is_called_after
from recsys_assets.proposal.names.known_names import EVENT, IDS, NAMES, plain_name, role_rank
from recsys_assets.proposal.sample.record_fields import are_orders
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_lineage.errors import LineageError, did_you_mean

OPTION = "--column"
_MOST_SHOWN = 12
OWN_IDS = ("entity_id", "id")
"""Names that databases give to a row's number."""


class UnknownColumn(LineageError):
    """A column named by a person is in none of the files, or matches no column of a raw table."""


@dataclass(frozen=True)
class NamedColumn:
    """A column of the files, assigned to one of a raw table.

    Attributes:
        role: the column of the raw table.
        column: its name in the files, after `FILES:`, a pattern for their paths, if only some files are meant.
    """

    role: str
    column: str

    @classmethod
    def of(cls, text: str) -> NamedColumn:
        """Parse `user_id=CUST_CODE`, or `user_id=orders.csv:CUST_CODE` for some files.

        Raises:
            UnknownColumn: the text is incomplete, or no raw table has the column.
        """
        role, _, column = text.partition("=")
        roles = sorted({role for columns in NAMES.values() for role in columns})
        if not column or role not in roles:
            raise UnknownColumn(
                "It is not clear which column is meant.",
                expected=f"COLUMN=NAME, or COLUMN=FILES:NAME of some files; COLUMN is one of {', '.join(roles)}",
                found=text,
                where=OPTION,
                advice=did_you_mean(role, roles) or f"write it as in {option('user_id', 'column_1')}",
            )
        return cls(role, column)


def option(role: str, column: str) -> str:
    """The command line option that assigns a column to one of a raw table."""
    return f"{OPTION} {role}={shlex.quote(column)}"


def with_names(groups: Sequence[SampledFiles], named: Sequence[NamedColumn]) -> list[SampledFiles]:
    """The groups of files with a person's assignments of their columns.

    Raises:
        UnknownColumn: no file has such a column.
    """
    names_by_group: list[dict[str, str]] = [{} for _ in groups]
    for each in named:
        places = _places(groups, each)
        if not places:
            names = [column.name for files in groups for column in files.columns]
            raise UnknownColumn(
                f"No file has a column {each.column}.",
                expected=f"one of {', '.join(dict.fromkeys(names[: 4 * _MOST_SHOWN]))}",
                found=each.column,
                where=f"{OPTION} {each.role}",
                advice=did_you_mean(each.column.rpartition(":")[2], names) or "name one of these",
            )
        for place, column in places:
            names_by_group[place][each.role] = column
    return [
        replace(files, named=names) if names else files
        for files, names in zip(groups, names_by_group, strict=True)
    ]


def with_own_ids(groups: Sequence[SampledFiles]) -> list[SampledFiles]:
    """The groups of files, with columns named `id` that number the customers or products in events.

    Databases call the number of a row only `id`: that of `products.csv` is the `product_id` of events, and that of
    `variants.csv` their `variant_id`. In records that list orders it is the customer's, where no field names one.
    """
    groups = [_with_customers_of_orders(files) for files in groups]
    # a table that says when its customers came is no events for that
    of_others = [
        {role: {*_names_in_events([each for each in groups if each is not files], role)} for role in IDS}
        for files in groups
    ]
    called = [is_called_after(files.pattern.rpartition("/")[2].partition(".")[0]) for files in groups]
    exact = {
        subject[0]
        for subject, meant in zip(called, of_others, strict=True)
        if subject is not None and f"{subject[1]}id" in meant[subject[0]]
    }
    found = []
    for files, subject, meant in zip(groups, called, of_others, strict=True):
        ids = [column for column in files.columns if column.name.casefold() in OWN_IDS]
        if subject is None or not ids or ids[0].distinct < files.rows or subject[0] in files.named:
            found.append(files)
            continue
        role, word = subject
        is_meant = f"{word}id" in meant[role] or (
            role not in exact and any(name.endswith("id") for name in meant[role])
        )
        names_it = any(plain_name(column.name) in meant[role] for column in files.columns)
        if not is_meant or names_it:
            found.append(files)
            continue
        note = f"column {ids[0].name} is taken for the {word} that events name"
        named = {**files.named, role: ids[0].name}
        found.append(replace(files, named=named, notes=(*files.notes, note)))
    return found


def _with_customers_of_orders(files: SampledFiles) -> SampledFiles:
    """The files, with the id of records as the customer if each lists orders and no other column names a customer."""
    unpacked = files.unpacked
    if unpacked is None or "user_id" in files.named or not any(map(are_orders, unpacked.outer)):
        return files
    named = any(role_rank("user_id", column.name, IDS["user_id"]) is not None for column in files.columns)
    ids = [column.name for column in files.columns if column.name.casefold() in OWN_IDS]
    if named or not ids or ids[0] not in unpacked.shared_columns:
        return files
    note = f"column {ids[0]} of the records that list orders is taken for the customer: look at that"
    return replace(files, named={**files.named, "user_id": ids[0]}, notes=(*files.notes, note))


def _names_in_events(groups: Sequence[SampledFiles], role: str) -> Iterator[str]:
    """Names of a customer or a product in files of events or of orders."""
    for files in groups:
        known = {
            each: [column.name for column in files.columns if role_rank(each, column.name, names) is not None]
            for each, names in EVENT.items()
        }
        if known[role] and (known["order_id"] or known["event_time"] or all(known[each] for each in IDS)):
            yield from map(plain_name, known[role])


def _places(groups: Sequence[SampledFiles], named: NamedColumn) -> list[tuple[int, str]]:
    """Groups that have the column, and its name there."""
    ways = [("*", named.column)]
    pattern, separator, column = named.column.partition(":")
    if separator:
        ways.append((pattern, column))  # a column's own name may have the sign too
    for pattern, column in ways:
        found = [
            (place, own.name)
            for place, files in enumerate(groups)
            for own in files.columns
            if _composed(own.name) == _composed(column) and _fits(files.paths, files.pattern, pattern)
        ]
        if found:
            return found
    return []


def _fits(paths: Collection[str], common: str, pattern: str) -> bool:
    wanted = _composed(pattern)
    return wanted in ("*", _composed(common)) or any(
        fnmatch.fnmatch(_composed(path), wanted) for path in paths
    )


def _composed(name: str) -> str:
    """A name as a person writes it, with accents composed with their letters."""
    return normalize("NFC", name)


def columns_to_name(groups: Sequence[SampledFiles]) -> str:
    """The columns of the files with a few values each, for a person to assign."""
    lists = []
    for files in groups[:_MOST_SHOWN]:
        columns = [
            f"{column.name} ({', '.join(column.samples[:2])[:30]})" for column in files.columns[:_MOST_SHOWN]
        ]
        more = f" and {len(files.columns) - _MOST_SHOWN} more" if len(files.columns) > _MOST_SHOWN else ""
        lists.append(f"{files.pattern}: {', '.join(columns)}{more}")
    return "; ".join(lists)
