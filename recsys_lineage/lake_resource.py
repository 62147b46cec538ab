"""LakeResource: the lake as a Dagster resource."""

from __future__ import annotations

import dagster as dg

from recsys_lineage.engine import Engine
from recsys_lineage.lake import Lake
from recsys_lineage.records import Records


class LakeResource(dg.ConfigurableResource):
    """Where the lake lies and how much DuckDB may take.

    Credentials of an object store are never configured here: they come from the `AWS_*` environment.
    """

    uri: str
    memory_limit: str = "2GB"
    threads: int = 0
    temp_folder: str = ""
    git_commit: str = ""

    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.uri, Engine(self.memory_limit, self.threads, self.temp_folder))

    def records(self) -> Records:
        """The lake's materialization records."""
        return Records(self.lake())
