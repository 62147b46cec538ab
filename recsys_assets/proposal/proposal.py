"""Proposal: a source for a shop's files, ready for review and trial."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recsys_assets.proposal.column_roles import NUMBERS, Roles
from recsys_assets.proposal.named_states import with_named_states
from recsys_assets.proposal.names.behaviours import known_behaviour, named_behaviour
from recsys_assets.proposal.names.known_names import IDS, RawTable
from recsys_assets.proposal.names.named_columns import NamedColumn, columns_to_name, with_names, with_own_ids
from recsys_assets.proposal.notes.proposal_notes import ONE_EVENT, how_to_name, proposal_notes
from recsys_assets.proposal.proposed_tables import proposed_tables
from recsys_assets.proposal.sample.sampled_files import SampledFiles, days_known, sampled_files
from recsys_assets.proposal.source_sql import joined_sql, settings_text, table_sql
from recsys_lineage.errors import LineageError
from recsys_lineage.files import is_hidden
from recsys_lineage.files.table_folder import table_folders

_FEWEST_DAYS = 3
"""The fewest days that can be divided by time into training, validation and test."""


class NoEvents(LineageError):
    """No file was recognised as one of events."""


class FolderInUse(LineageError):
    """The folder of a source to be written holds files already."""


@dataclass(frozen=True)
class Proposal:
    """Result of `recsys init`.

    Attributes:
        root: the data folder.
        groups: the files, grouped by their columns.
        tables: for each raw table, the files that fill it.
        unread: files that could not be read, with the reason.
        notes: uncertain guesses, in sentences; a person should check each.
        files: name → content of the files to be written.
    """

    root: Path
    groups: tuple[SampledFiles, ...]
    tables: Mapping[RawTable, tuple[Roles, ...]]
    unread: Mapping[str, str]
    notes: tuple[str, ...]
    files: Mapping[str, str]

    def write(self, folder: Path) -> list[Path]:
        """Write the source's folder; returns its files. A partial write is removed again.

        Raises:
            FolderInUse: the folder exists and is not empty.
            OSError: the disk is full, or the folder is not writable; the error names it.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FolderInUse(
                "The folder of the new source is in use.",
                expected="a folder that does not exist or is empty",
                found=", ".join(sorted(path.name for path in folder.iterdir())[:8])
                if folder.is_dir()
                else "a file",
                where=str(folder),
                advice="name another folder; nothing was written",
            )
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in self.files]
        try:
            for path, text in zip(paths, self.files.values(), strict=True):
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            for path in paths:
                path.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(folder)) from error
        return paths


def propose(title: str, places: Sequence[Path], named: Sequence[NamedColumn] = ()) -> Proposal:
    """Propose a source for the named files, or all files below the named folders.

    Args:
        title: of the source.
        places: files and folders.
        named: a person's assignments of columns.

    Raises:
        UnknownColumn: a column that a person names is in none of the files.
        NothingToSample: there is no CSV or Parquet file among them.
        NoEvents: no file with a customer and a product was recognised.
    """
    root = _root(places)
    found = {path.relative_to(root).as_posix() for place in places for path in _files(place.resolve())}
    kept = table_folders(root, found)
    groups, unread = sampled_files(root, sorted(found - kept.former - kept.faults.keys()))
    unread |= {path: f"{fault.found}; {fault.advice}" for path, fault in sorted(kept.faults.items())}
    groups = with_named_states(with_own_ids(with_names(groups, named)))
    tables, joined = proposed_tables(groups)
    events = tables.get("raw_events", ())
    if not events:
        raise NoEvents(
            "No file has both a customer and a product.",
            expected="a file with a column for the customer (user_id, customer_id, visitor …) and one for the product "
            "(item_id, product_id, sku …)",
            found="; ".join(
                [columns_to_name(groups), *(f"not looked at: {path}: {why}" for path, why in unread.items())]
            ),
            where=str(root),
            advice=how_to_name(groups),
        )
    undated = not any("event_time" in part.columns for part in events)
    divided = undated and len(days_known([part.files for part in events])) < _FEWEST_DAYS
    texts = {
        f"{table}.sql": table_sql(parts, divided=divided and table == "raw_events")
        for table, parts in tables.items()
        if table != "raw_events" or joined is None
    }
    if joined is not None:
        texts = {"raw_events.sql": joined_sql(joined, divided=divided), **texts}
    texts["source.toml"] = settings_text(
        title,
        undated=undated,
        default_behaviour="purchase" if _are_bought(events) else ONE_EVENT,
        first_year=min(
            (part.columns["event_time"].first_year for part in events if "event_time" in part.columns),
            default=2000,
        ),
        non_products=[*_charges(tables)],
        limits={f"largest_{words}": _limit(events, role) for words, role in _LIMITED.items()},
        ids_have_points=any(
            part.columns[role].has_points for part in events for role in IDS if role in part.columns
        ),
    )
    notes = tuple(dict.fromkeys(proposal_notes(groups, tables, joined, divided=divided)))
    return Proposal(root, tuple(groups), tables, unread, notes, texts)


_LIMITED = {"price": "unit_price", "quantity": "quantity"}


def _limit(events: Sequence[Roles], role: str) -> float:
    """The limit for the numbers of a column of events; 0 if the usual one is right."""
    limits = [part.files.largest.get(part.columns[role].name, 0) for part in events if role in part.columns]
    return max(limits, default=0)


def _charges(tables: Mapping[RawTable, Sequence[Roles]]) -> dict[str, str]:
    """The ids of what the files call postage and the like."""
    return {
        item: called
        for parts in tables.values()
        for part in parts
        if "item_id" in part.columns
        for item, called in part.files.charges.get(part.columns["item_id"].name, {}).items()
    }


def _are_bought(events: Sequence[Roles]) -> bool:
    """Whether events without a behaviour are purchases: because others are, or because they have orders, quantities or
    prices."""
    columns = [part.columns["behaviour"] for part in events if "behaviour" in part.columns]
    words = {known_behaviour(value) for column in columns for value in column.values}
    words |= {named_behaviour(part.files.pattern) for part in events if "behaviour" not in part.columns}
    if columns or words - {""}:
        return "purchase" in words
    return any(role in part.columns for part in events for role in ("order_id", *NUMBERS))


def _root(places: Sequence[Path]) -> Path:
    folders = [place.resolve() if place.is_dir() else place.resolve().parent for place in places]
    return Path(os.path.commonpath(folders))


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [
        path
        for path in place.rglob("*")
        if path.is_file() and not is_hidden(path.relative_to(place).as_posix())
    ]
