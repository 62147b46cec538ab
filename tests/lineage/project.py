"""A data team's Dagster project in miniature: a real instance, a real lake, and assets that a test makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText

REUSE = {"lineage/reuse": "true"}
ORDERS = (
    "SELECT * FROM (VALUES (1, 'ann', 10.0), (2, 'bob', 20.0), (3, 'ann', 30.0)) AS t(id, customer, amount)"
)


class Project:
    """A lake and an instance below one folder."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.resource = LakeResource(
            uri=str(folder / "lake"), threads=1, memory_limit="500MB", git_commit="abc123"
        )
        self.lake: Lake = self.resource.lake()
        self.records: Records = self.resource.records()

    def run(
        self,
        *assets: dg.AssetsDefinition,
        only: Sequence[str] | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
        raises: bool = True,
    ) -> dg.ExecuteInProcessResult:
        """Materialize assets, or `only` some of them, in one run."""
        return dg.materialize(
            list(assets),
            selection=list(only) if only else None,
            instance=self.instance,
            resources={"lake": self.resource},
            partition_key=partition,
            tags=dict(tags or {}),
            raise_on_error=raises,
        )

    def frame(self, table: str) -> pl.DataFrame:
        """The latest version of a table."""
        return pl.DataFrame(self.lake.arrow(self.lake.version(table)))

    def event(self, asset: str) -> dg.AssetMaterialization:
        """Dagster's latest materialization of an asset."""
        entry = self.instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert entry is not None and entry.asset_materialization is not None
        return entry.asset_materialization


def table(name: str, sql: str = ORDERS, **options: Any) -> dg.AssetsDefinition:
    """A SQL asset of a SELECT that is written in the test."""
    return sql_asset(SqlText(sql, f"{name}.sql"), name=name, **options)
