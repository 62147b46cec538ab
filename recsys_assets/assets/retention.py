"""`lake_retention`: what was pruned, joined and forgotten tonight."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

import dagster as dg
import polars as pl

from recsys_assets.settings import Settings
from recsys_assets.upkeep import keep_up
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook

NAME = "lake_retention"
COLUMNS = {
    "table": "The table.",
    "policy": "Nights, weeks and months that its versions are kept.",
    "versions": "Versions that were marked as pruned.",
    "kept": "How many versions stay.",
    "files": "Files deleted that only pruned versions held.",
    "bytes": "Bytes of those.",
    "orphans": "Files deleted that killed writers left.",
    "orphan_bytes": "Bytes of those.",
    "leftovers": "Unfinished small files and unneeded checkpoints of the log that were deleted.",
    "leftover_bytes": "Bytes of those.",
    "archived": "Commits that moved from the log into the archive; their records stay.",
}
_SCHEMA = {
    name: {"table": pl.String, "policy": pl.String, "versions": pl.List(pl.Int64)}.get(name, pl.Int64)
    for name in COLUMNS
}


def retention_asset(settings: Settings, groups: Mapping[str, str], look: AssetLook) -> dg.AssetsDefinition:
    """The nightly upkeep as an asset, so that its record says what went.

    Args:
        settings: where the lake is, and what is kept.
        groups: the group of each asset's table.
        look: how it appears; nothing depends on it, and it waits for what it is told to.
    """

    def lake_retention() -> Output:
        """What tonight's upkeep deleted: versions that the retention does not keep, leftovers, Dagster's old runs.

        It is made last and nothing waits for it. Records are never deleted.
        """
        lake = Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads))
        done = keep_up(lake, settings, groups, dg.AssetExecutionContext.get().instance)
        told = done.to_json()
        rows = [table.to_json() for table in done.prune.tables]
        facts = {"files": told["files"], "bytes": told["bytes"], "compacted": told["compacted"]}
        return Output(
            pl.DataFrame(rows, schema=_SCHEMA, orient="row"),
            statistics={**facts, "dagster runs": len(done.runs.runs), "dagster bytes": done.runs.freed},
            warnings=[f"{name} was in use and was not shrunk" for name in done.runs.busy],
        )

    return frame_asset(
        lake_retention,
        columns=COLUMNS,
        # Each night anew: what is to go depends on the clock.
        observe=lambda: datetime.now(timezone.utc).date().isoformat(),
        on_request=True,
        look=look,
    )
