"""LakeResource: the lake as a Dagster resource."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records


class LakeResource(dg.ConfigurableResource):
    """The lake's location, DuckDB's memory, and the folder for interim results of assets.

    `code_location` names the code location of runs not launched from one, such as those of this process. Credentials of
    an object store are never configured here: they come from the `AWS_*` environment.
    """

    uri: str
    memory_limit: str = "2GB"
    threads: int = 0
    temp_folder: str = ""
    git_commit: str = ""
    git_dirty: bool | None = None
    work_folder: str = ""
    code_location: str | None = None

    def git(self) -> tuple[str | None, bool | None]:
        """The commit of the code, and whether its checkout had uncommitted changes."""
        return self.git_commit or None, self.git_dirty

    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.uri, Engine(self.memory_limit, self.threads, self.temp_folder))

    def work_of(self, asset: str) -> Path | None:
        """The folder for an asset's interim results, which need not exist yet; None where none is configured."""
        return Path(self.work_folder) / asset if self.work_folder else None

    def records(self) -> Records:
        """The lake's materialization records."""
        return Records(self.lake())
