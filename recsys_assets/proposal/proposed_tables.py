"""Proposed tables: the files of a shop that fill each raw table, and their columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from recsys_assets.proposal.column_roles import Like, Roles, names_for, roles_of
from recsys_assets.proposal.joined_files import JoinedFiles, joined_files
from recsys_assets.proposal.names.known_names import IDS, RawTable, plain_name
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_assets.shop.raw_columns import RAW_COLUMNS

_LEAST_DIFFERENT = 0.9


def proposed_tables(
    groups: Sequence[SampledFiles],
) -> tuple[Mapping[RawTable, tuple[Roles, ...]], JoinedFiles | None]:
    """The files for each raw table, in the tables' order, and the files that form events together, if any.

    Files with nothing but the ids of products or customers fill no table.
    """
    first = [role for files in groups for role in roles_of(files)]
    described = {
        role: [part.files for part in first if {*IDS} & part.columns.keys() == {role}] for role in IDS
    }
    shared: Like = {
        role: {name for each in several for name in names_for(each, role)}
        for role, several in described.items()
    }
    events = _events([role for files in groups for role in roles_of(files, shared)])
    joined = None if events else joined_files(groups, described)
    if joined is not None:
        events = [*joined.parts]
    # products and customers are called as in the events, where their files have several ids
    like: Like = {
        role: {plain_name(part.columns[role].name) for part in events if role in part.columns} for role in IDS
    }
    tables: dict[str, list[Roles]] = defaultdict(list)
    tables["raw_events"] = events
    sides = () if joined is None else (joined.lines, joined.heads)  # people may be described beside
    for files in groups:
        for part in roles_of(files, like):
            if part.table == "raw_events":
                continue
            # lines and heads, and files of ids, say no more than that there are such products and customers
            if len(part.columns) > 1 and (part.columns.keys() - IDS.keys() or files in sides):
                tables[part.table].append(part)
    return {table: tuple(tables[table]) for table in RAW_COLUMNS if tables[table]}, joined  # pyright: ignore[reportReturnType]


def _events(found: Sequence[Roles]) -> list[Roles]:
    """The parts that hold events: next to files with times, a file without that has each product once describes
    products."""
    events = [part for part in found if part.table == "raw_events"]
    timed = [part for part in events if "event_time" in part.columns]
    return [part for part in events if not timed or part in timed or not _has_each_product_once(part)]


def _has_each_product_once(part: Roles) -> bool:
    return part.columns["item_id"].distinct >= _LEAST_DIFFERENT * part.files.rows
