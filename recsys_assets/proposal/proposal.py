"""Proposal: a source for a shop's files, ready to be read over and tried."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recsys_assets.proposal.event_notes import event_notes
from recsys_assets.proposal.joined_files import joined_files
from recsys_assets.proposal.known_names import NAMES, RawTable
from recsys_assets.proposal.roles import NUMBERS, Roles, could_be, roles_of
from recsys_assets.proposal.sampled_files import SampledFiles, sampled_files
from recsys_assets.proposal.source_sql import joined_sql, mapped_behaviours, settings_text, table_sql
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_lineage.errors import LineageError
from recsys_lineage.sql.names import quote

_ONE_EVENT = "interaction"
_MOST_SHOWN = 20


class NoEvents(LineageError):
    """No file was recognised as one that holds events."""


class FolderInUse(LineageError):
    """The folder of a source to be written holds files already."""


@dataclass(frozen=True)
class Proposal:
    """What `recsys init` found.

    Attributes:
        root: the data folder.
        groups: the files, those with the same columns together.
        tables: for each raw table, what fills it.
        unread: files that could not be looked at, with the reason.
        notes: what could not be told, in sentences; a person should look at each.
        files: name → content of the files to be written.
    """

    root: Path
    groups: tuple[SampledFiles, ...]
    tables: Mapping[RawTable, tuple[Roles, ...]]
    unread: Mapping[str, str]
    notes: tuple[str, ...]
    files: Mapping[str, str]

    def write(self, folder: Path) -> list[Path]:
        """Writes the source's folder; returns its files. What cannot be written whole is taken away again.

        Raises:
            FolderInUse: it exists and is not empty.
            OSError: the disk is full, or the place is not this user's; the error names it.
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


def propose(title: str, places: Sequence[Path]) -> Proposal:
    """Looks at the files, or all files below the folders, that are named.

    Raises:
        NothingToSample: there is no CSV or Parquet file among them.
        NoEvents: in no file a customer and a product were recognised.
    """
    root = _root(places)
    paths = sorted(
        {path.relative_to(root).as_posix() for place in places for path in _files(place.resolve())}
    )
    groups, unread = sampled_files(root, paths)
    tables: dict[RawTable, list[Roles]] = defaultdict(list)
    notes: list[str] = []
    for files in groups:
        for role in roles_of(files):
            tables[role.table].append(role)
    joined = joined_files(groups) if "raw_events" not in tables else None
    if joined is not None:
        tables["raw_events"] = list(joined.parts)
        # lines and heads say no more of products and customers than that there are such
        whole: dict[RawTable, SampledFiles] = {"raw_items": joined.lines, "raw_users": joined.heads}
        for table, side in whole.items():
            tables[table] = [
                part for part in tables[table] if part.files is not side or len(part.columns) > 1
            ]
        notes.append(
            f"{joined.lines.pattern} and {joined.heads.pattern} make events together, by {joined.on[0]}: look at that"
        )
        if joined.repeats:
            notes.append(
                f"{joined.heads.pattern}: some values of {joined.on[1]} stand in several rows; lines of these count "
                "several times until the SQL takes one row of each"
            )
    elif "raw_events" not in tables:
        raise NoEvents(
            "In no file a customer and a product stand together.",
            expected="a file with a column for the customer (user_id, customer_id, visitor …) and one for the product "
            "(item_id, product_id, sku …)",
            found="; ".join(f"{f.pattern}: {', '.join(c.name for c in f.columns)}" for f in groups[:8]),
            where=str(root),
            advice=f"{_how_to_unnest(groups)}write raw_events.sql by hand: README shows one",
        )
    events = tables["raw_events"]
    for files in groups:
        parts = [part for table in tables.values() for part in table if part.files is files]
        notes += [f"{files.pattern}: {note}" for note in files.notes]
        notes += _notes_on(files, parts, joined.on if joined is not None else ())
    undated = not any("event_time" in part.columns for part in events)
    if undated:
        notes.append(
            "no column holds the time of an event; without times nothing can be said of what comes next"
        )
    default = "purchase" if not undated and _are_bought(events) else _ONE_EVENT
    order = [table for table in RAW_COLUMNS if tables.get(table)]  # pyright: ignore[reportArgumentType]
    texts = {f"{table}.sql": table_sql(tables[table]) for table in order}  # pyright: ignore[reportArgumentType]
    if joined is not None:
        texts["raw_events.sql"] = joined_sql(joined)
    texts["source.toml"] = settings_text(title, undated=undated, default_behaviour=default)
    found = {table: tuple(tables[table]) for table in order}  # pyright: ignore[reportArgumentType]
    return Proposal(root, tuple(groups), found, unread, tuple(dict.fromkeys(notes)), texts)  # pyright: ignore[reportArgumentType]


def _how_to_unnest(groups: Sequence[SampledFiles]) -> str:
    """How records inside of rows are taken apart, where there are such."""
    for files in groups:
        for column in files.columns:
            if column.is_nested:
                taken = f"FROM (SELECT *, unnest({quote(column.name)}) AS line FROM {files.scan})"
                return (
                    f"column {column.name} of {files.pattern} holds records: take them apart by {taken}, and "
                )
    return ""


def _are_bought(events: Sequence[Roles]) -> bool:
    """Whether events without a word of their own are purchases: where no column says what they are, or some are."""
    columns = [part.columns["behaviour"] for part in events if "behaviour" in part.columns]
    words = {mapped_behaviours(c, c.values).get(value, value) for c in columns for value in c.values}
    return not columns or "purchase" in words


def _notes_on(files: SampledFiles, roles: Sequence[Roles], keys: Collection[str]) -> list[str]:
    """What a person should know of some files; `keys` are columns that are used to join them."""
    if not roles:
        return [f"{files.pattern}: neither a customer nor a product was recognised; it is not used"]
    used = {name for role in roles for column in role.columns.values() for name in column.names} | {*keys}
    taken = {name for role in roles for name in role.columns}
    read = {
        column.name
        for role in roles
        for name, column in role.columns.items()
        if name in NUMBERS or column.kind != "number"  # ids may be numbers or not
    }
    notes = [
        f"{files.pattern}: column {column.name}: {column.note}"
        for column in (*files.columns, *files.moments)
        if column.note and column.name in read
    ]
    unread = {
        column.name: f"column {column.name} is called like {role}, but nothing here reads such values as "
        f"{', '.join(column.samples)}; it is not used"
        for part in roles
        for role, names in NAMES[part.table].items()
        for column in files.columns
        if column.name not in used and role not in taken and could_be(role, names, column)
    }
    notes += [f"{files.pattern}: {words}" for words in unread.values()]
    used |= unread.keys()
    notes += [f"{files.pattern}: {note}" for note in event_notes(files, roles, used)]
    if left := [
        column.name for column in files.columns if column.name not in used and column.kind != "nothing"
    ]:
        more = f" and {len(left) - _MOST_SHOWN} more" if len(left) > _MOST_SHOWN else ""
        notes.append(f"{files.pattern}: not used: {', '.join(left[:_MOST_SHOWN])}{more}")
    events = next((role for role in roles if role.table == "raw_events"), None)
    if events is not None and "event_time" in events.columns and events.columns["event_time"].kind == "day":
        notes.append(
            f"{files.pattern}: column {events.columns['event_time'].name} holds days, not times of day"
        )
    if events is not None and (column := events.columns.get("behaviour")) is not None:
        strange = [v for v in column.values if v not in mapped_behaviours(column, column.values)]
        unknown = [v for v in strange if v not in ("view", "cart", "purchase", "wishlist", "return")]
        if unknown:
            notes.append(
                f"{files.pattern}: column {column.name} says {', '.join(unknown[:5])}: taken as it is"
            )
    return notes


def _root(places: Sequence[Path]) -> Path:
    folders = [place.resolve() if place.is_dir() else place.resolve().parent for place in places]
    return Path(os.path.commonpath(folders))


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [
        path
        for path in place.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(place).parts)
    ]
