"""DuckDB as the engine: in memory, one connection a piece of work, nothing shared by processes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Engine:
    """How DuckDB connections are made.

    Args:
        memory_limit: DuckDB's own syntax (`2GB`); past it, large operators spill to `temp_folder`.
        threads: worker threads; 0 takes all cores.
        temp_folder: where operators spill; the system's temporary folder when empty.
    """

    memory_limit: str = "2GB"
    threads: int = 0
    temp_folder: str = ""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A fresh in-memory connection that loads no extension from the network and speaks UTC."""
        config: dict[str, str | int | float | bool | list[str]] = {
            "memory_limit": self.memory_limit,
            "temp_directory": self.temp_folder or tempfile.gettempdir(),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if self.threads:
            config["threads"] = self.threads
        connection = duckdb.connect(config=config)
        connection.execute("SET TimeZone = 'UTC'")
        # DuckDB draws its bar on standard output where it takes the process for interactive
        connection.execute("SET enable_progress_bar = false")
        return connection
