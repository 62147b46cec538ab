"""LakeTables: the tables below a lake's root, with their logs, versions and files; the base of reading and writing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import duckdb
import fsspec
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from recsys_lineage.errors import LineageError, TableNotFound
from recsys_lineage.lake.commits.commit_log import CommitLog
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.opened_delta import opened_delta
from recsys_lineage.lake.parquet.table_files import active_files
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.lake.stores.storage_fault import explained
from recsys_lineage.lake.versions.pruned_versions import PrunedVersions
from recsys_lineage.lake.versions.table_version import TableVersion

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,126}")
NAMES = "lower-case letters, digits and underscores, at most 127, not starting with a digit"
"""Rule for the names of tables, in words."""


def is_table_name(name: str) -> bool:
    """Whether a text is a valid table name: it needs no quotes in SQL, and is a distinct folder name on any disk."""
    return _NAME.fullmatch(name) is not None


def utc_now() -> datetime:
    """The current time, UTC."""
    return datetime.now(timezone.utc)


@lru_cache(maxsize=4)
def _instance(
    process: int, engine: Engine, folder: str, filesystem: fsspec.AbstractFileSystem | None
) -> duckdb.DuckDBPyConnection:
    """The DuckDB instance of a process; a fork must not use its parent's, whose threads it lacks."""
    del process
    return engine.connect(folders=[folder], filesystem=filesystem)


_opening: list[Callable[[LakeTables], None]] = []


def watch_lakes(opening: Callable[[LakeTables], None]) -> None:
    """Call `opening` before any lake of this process is read or written, for the rest of the process's life; it raises
    where that is not allowed."""
    if opening not in _opening:
        _opening.append(opening)


class LakeTables:
    """Versioned tables below one root.

    Args:
        uri: a local folder (created at the first write) or `s3://bucket/prefix`.
        engine: the factory of DuckDB connections.
        clock: returns the current time, UTC, for the moment of each commit.
    """

    def __init__(
        self, uri: str, engine: Engine | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.storage = Storage.open(uri)
        self.engine = engine or Engine()
        self.clock = clock

    @property
    def uri(self) -> str:
        """The root as an absolute path or URL."""
        return self.storage.uri

    def connect(
        self,
        opens: Iterable[str | os.PathLike[str]] = (),
        *,
        tables: Iterable[str] | None = None,
        keeps_order: bool = False,
        keeps_footers: bool = False,
    ) -> duckdb.DuckDBPyConnection:
        """A locked DuckDB connection (`Engine.connect`) whose SQL opens this lake's files and nothing else.

        Args:
            opens: further files, and folders with everything below, that its SQL may open.
            tables: the only tables of this lake whose files its SQL may open; all when None.
            keeps_order: whether results keep the order in which rows are read.
            keeps_footers: whether a Parquet file's footer is read once; a lake's own files never change.
        """
        self._open()
        own = [self.uri] if tables is None else [self.table_uri(table) for table in tables]
        places = [os.fspath(place) for place in opens]
        return self.engine.connect(
            folders=[*own, *(place for place in places if os.path.isdir(place))],
            files=[*own, *places],  # a partitioned COPY asks for the folder itself
            filesystem=self._opens_urls(),
            keeps_order=keeps_order,
            keeps_footers=keeps_footers,
        )

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection like that of `connect` for the lake's own short statements; names registered on it are visible
        only there.

        Creating a DuckDB instance takes longer than most statements, so this process keeps one per lake.
        """
        self._open()
        return _instance(os.getpid(), self.engine, self.uri, self._opens_urls()).cursor()

    def _open(self) -> None:
        for opening in _opening:
            opening(self)

    def _opens_urls(self) -> fsspec.AbstractFileSystem | None:
        return None if self.storage.is_local else self.storage.filesystem

    def table_uri(self, table: str) -> str:
        """The URI of a table; any Delta reader opens it there.

        Raises:
            LineageError: the name has other characters than lower-case letters, digits and underscores.
        """
        if not is_table_name(table):
            raise LineageError(
                f"{table!r} cannot be a table's name.", expected=NAMES, advice="rename the asset"
            )
        return self.storage.path(table)

    def log(self, table: str) -> CommitLog:
        """The table's commits, read without replaying them."""
        self._open()
        return CommitLog(self.storage, table, self.table_uri(table))

    def tables(self) -> list[str]:
        """Names of all tables, sorted."""
        return [name for name in self.folders() if self.has(name)]

    def folders(self) -> list[str]:
        """Names of all tables, and of those of which no write was ever committed, sorted."""
        self._open()
        return [name for name in self.storage.folders(self.uri) if is_table_name(name)]

    def pruned(self, table: str) -> PrunedVersions:
        """The pruned versions of the table."""
        self._open()
        return PrunedVersions(self.storage, table, self.table_uri(table))

    def has(self, table: str) -> bool:
        """Whether the table has at least one committed version."""
        with explained(self.storage, table):
            return self.log(table).latest() is not None

    def version(self, table: str, version: int | None = None) -> TableVersion:
        """A version of a table; the latest when none is given.

        Raises:
            TableNotFound: the table or that version does not exist.
            LineageError: its commit is damaged.
        """
        return TableVersion.from_json(self.commit(table, version)["table_version"])

    def latest(self, table: str) -> TableVersion | None:
        """The latest version, or None for a table that was never written."""
        with explained(self.storage, table):
            number = self.log(table).latest()
        return None if number is None else self.version(table, number)

    def versions(self, table: str) -> list[TableVersion]:
        """All versions of a table, oldest first.

        Raises:
            TableNotFound: the table does not exist.
        """
        return [TableVersion.from_json(carried["table_version"]) for carried in self.commits(table)]

    def commit(self, table: str, version: int | None = None) -> dict[str, Any]:
        """Metadata of a commit: `table_version` and, if an asset wrote it, `record`.

        Raises:
            TableNotFound: the table or that version does not exist.
            LineageError: the commit is damaged.
        """
        with explained(self.storage, table):
            log = self.log(table)
            number = log.latest() if version is None else version
            if number is None:
                raise self._not_found(table, version)
            try:
                return log.carried(number, number)[0]
            except FileNotFoundError:
                raise self._not_found(table, version) from None

    def commits(self, table: str, since: int = 0, until: int | None = None) -> list[dict[str, Any]]:
        """Metadata of the commits from version `since` on, oldest first, to the latest or to version `until`.

        Raises:
            TableNotFound: the table does not exist.
            LineageError: one of them is damaged.
        """
        with explained(self.storage, table):
            log = self.log(table)
            last = log.latest() if until is None else until
            if last is None or (until is not None and not log.has(until)):
                raise self._not_found(table, until)
            return log.carried(since, last)

    def open_delta(self, table: str, version: int | None = None) -> DeltaTable | None:
        """The Delta table itself, at a version; None when it was never written.

        Raises:
            LineageError: its log is damaged or cannot be read.
        """
        self._open()
        with explained(self.storage, table):
            try:
                return opened_delta(self.storage, self.table_uri(table), version)
            except TableNotFoundError:
                return None

    def require_files(self, version: TableVersion) -> None:
        """Require that a version was not pruned.

        Raises:
            VersionPruned: it was.
        """
        with explained(self.storage, version.table):
            self.pruned(version.table).require(version.version, self.log(version.table).latest)

    def files(self, version: TableVersion, partitions: Sequence[str] | None = None) -> list[str]:
        self.require_files(version)
        return self.logged_files(version, partitions)

    def logged_files(self, version: TableVersion, partitions: Sequence[str] | None = None) -> list[str]:
        """The files of a version according to the log, whether they exist or not."""
        table = version.table
        if not self.log(table).has(version.version):
            raise self._not_found(table, version.version)
        delta = self.open_delta(table, version.version)
        if delta is None:
            raise self._not_found(table, version.version)
        wanted = None if partitions is None else set(partitions)
        root = self.table_uri(table)
        return [
            f"{root}/{path}"
            for path, _, key in active_files(delta, version.partition_column)
            if wanted is None or key in wanted
        ]

    def _not_found(self, table: str, version: int | None) -> TableNotFound:
        if version is None or not self.has(table):
            return TableNotFound(
                f"Table {table!r} does not exist in the lake.",
                expected="a table that the lake has",
                found=", ".join(self.tables()) or "an empty lake",
                where=self.uri,
                advice=f"materialize {table} first",
            )
        return TableNotFound(
            f"Table {table!r} has no version {version}.",
            expected=f"a version from 0 to {self.version(table).version}",
            found=f"version {version}",
            where=self.table_uri(table),
            advice=f"ask for {table}, which is its newest version",
        )
