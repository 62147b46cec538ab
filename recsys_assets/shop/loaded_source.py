"""Loading a source: one that comes with the package, or a folder of a shop's own SQL.

It stands apart from `Source`, so that the assets of a loaded source do not reach the SQL of all built-in ones.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from recsys_assets.shop.raw_columns import RAW_COLUMNS, checked_columns
from recsys_assets.shop.shop_rules import SourceError
from recsys_assets.shop.source import Source
from recsys_assets.shop.source_settings import read_settings
from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.files import parse_source_sql

BUILT_IN = Path(__file__).parent.parent / "sources"
SETTINGS = "source.toml"
READ = (*(f"{table}.sql" for table in RAW_COLUMNS), SETTINGS)
"""Names of the files of a source's folder."""


def load_source(name_or_folder: str | Path) -> Source:
    """Load a built-in source by name, or any folder of source SQL.

    Raises:
        SourceError: there is no such source, `raw_events.sql` is missing, a file is invalid, or would not be read.
    """
    folder = _folder(name_or_folder)
    queries = {}
    for table in RAW_COLUMNS:
        path = folder / f"{table}.sql"
        if path.exists():
            try:
                queries[table] = checked_columns(
                    table, parse_source_sql(path.read_text(encoding="utf-8-sig"), str(path))
                )
            except UnicodeDecodeError as error:
                raise SourceError(
                    "The SQL of the source is no text.",
                    expected="SQL in UTF-8",
                    found=str(error),
                    where=str(path),
                    advice="save the file as UTF-8",
                ) from error
            except LineageError as error:
                raise SourceError(
                    error.message,
                    expected=error.expected,
                    found=error.found,
                    where=error.where or str(path),
                    advice=error.advice,
                ) from error
    unread = unread_files(folder)
    if "raw_events" not in queries:
        raise SourceError(
            "The source has no events.",
            expected="a file raw_events.sql; only the other tables are optional",
            found=", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "an empty folder",
            where=str(folder),
            advice=next((f"{name}: {meant}" for name, meant in unread.items() if "raw_events" in meant), "")
            or "write the SELECT that gives the events of your files, as the built-in sources do",
        )
    for name, meant in unread.items():
        raise SourceError(
            f"The source has a file {name!r}, which is not read.",
            expected=f"{', '.join(READ)}, with these letters and no other ending",
            found=repr(name),
            where=str(folder / name),
            advice=f"{meant} Rename it, or move it out of the folder",
        )
    return Source(folder.name, folder, read_settings(folder / SETTINGS), MappingProxyType(queries))


def unread_files(folder: Path) -> dict[str, str]:
    """Files of a source's folder that are not read though they look as if they were meant to be → the name meant.

    Their names are much like one that is read, such as `raw_item.sql` or `Source.toml.txt`. A copy next to the file
    itself, such as `raw_items_old.sql`, is none, nor is a query of another name.
    """
    names = {path.name for path in folder.iterdir() if path.is_file()}
    stems = tuple(name.partition(".")[0] for name in READ if name in names)
    unread: dict[str, str] = {}
    for name in sorted(names.difference(READ)):
        bare = name.casefold().removesuffix(".txt")
        meant = did_you_mean(bare, READ)
        looks_read = bool(meant) and (bare.endswith(".sql") or (bare.endswith(".toml") and SETTINGS in meant))
        if looks_read and not name.startswith(".") and not bare.startswith(stems):
            unread[name] = meant
    return unread


def built_in_sources() -> tuple[str, ...]:
    """The names of the sources that come with the package."""
    return tuple(sorted(path.parent.name for path in BUILT_IN.glob("*/raw_events.sql")))


def _folder(name_or_folder: str | Path) -> Path:
    built_in = BUILT_IN / str(name_or_folder)
    if str(name_or_folder) in built_in_sources():
        return built_in
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        return folder.resolve()
    names = built_in_sources()
    raise SourceError(
        "There is no such source.",
        expected=f"one of {', '.join(names)}, or a folder with raw_events.sql",
        found=repr(str(name_or_folder)),
        where="RECSYS_SOURCE",
        advice=did_you_mean(str(name_or_folder), names)
        or "set RECSYS_SOURCE to a built-in source or to a folder of SQL files",
    )
