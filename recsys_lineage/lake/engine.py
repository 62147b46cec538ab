"""DuckDB as the engine: in memory, one connection for each piece of work, which can open only the given files."""

from __future__ import annotations

import glob
import os
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import fsspec

from recsys_lineage.lake.scratch_folder import hold_spill_folder, scratch_of


@dataclass(frozen=True)
class Engine:
    """Factory of DuckDB connections.

    Args:
        memory_limit: in DuckDB's syntax (`2GB`); above it, large operators spill to `temp_folder`.
        threads: worker threads; 0 takes all cores.
        temp_folder: the folder for spilling; the system's temporary folder when empty.
    """

    memory_limit: str = "2GB"
    threads: int = 0
    temp_folder: str = ""

    def connect(
        self,
        folders: Iterable[str | os.PathLike[str]] = (),
        files: Iterable[str | os.PathLike[str]] = (),
        filesystem: fsspec.AbstractFileSystem | None = None,
        *,
        keeps_order: bool = False,
        keeps_footers: bool = False,
    ) -> duckdb.DuckDBPyConnection:
        """A new in-memory connection in UTC that is locked.

        Its SQL can open only what is named here: no other file or URL, no Python variable, no environment variable, no
        extension; and no SQL can change that. Registered frames can be read as usual.

        Args:
            folders: folders, or URLs of `filesystem`, below which everything may be read and written.
            files: single files that may be read.
            filesystem: opens URLs of its protocol.
            keeps_order: whether results keep the order in which rows are read, which takes more memory.
            keeps_footers: whether a Parquet file's footer is read once for all statements; for files that never change.
        """
        # DuckDB lets SQL open everything in the folder that it spills to, so that folder holds nothing else.
        # It is made with the first spill, and deleted with the connection, or once nobody holds it.
        spill = os.path.join(self.temp_folder or tempfile.gettempdir(), f"duckdb-{uuid.uuid4().hex}")
        config: dict[str, str | int | float | bool | list[str]] = {
            "memory_limit": self.memory_limit,
            "temp_directory": spill,
            "preserve_insertion_order": keeps_order,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
            # a file is read as it is now, also by the cursors of a connection that stays open
            "enable_external_file_cache": False,
            # rows that wait for their partitions' writers are memory; sixteen times as many wait otherwise
            "partitioned_write_flush_threshold": 32_768,
        }
        if self.threads:
            config["threads"] = self.threads
        connection = duckdb.connect(config=config)
        # for all cursors of the connection
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        # DuckDB draws its bar on standard output where it takes the process for interactive
        connection.execute("SET enable_progress_bar = false")
        if keeps_footers:
            connection.execute("LOAD parquet")  # a part of DuckDB, but its settings are known only then
            connection.execute("SET parquet_metadata_cache = true")
        if filesystem is not None:
            # DuckDB 1.5 no longer takes one when external access is off
            connection.register_filesystem(filesystem)
        connection.execute(
            "SET allowed_directories = $folders", {"folders": _absolute_paths([*folders, scratch_of(spill)])}
        )
        connection.execute("SET allowed_paths = $files", {"files": _absolute_paths(files)})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        hold_spill_folder(connection, spill)
        return connection


def _absolute_paths(places: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Absolute paths as DuckDB compares them: as is, and as a pattern that matches only them."""
    texts = [os.fspath(place) for place in places]
    paths = {text if "://" in text else os.path.abspath(text) for text in texts}
    return sorted(paths | {glob.escape(path) for path in paths})
