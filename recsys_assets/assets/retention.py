"""`lake_retention`: the nightly pruning, compaction and deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timezone

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.settings import Settings
from recsys_assets.upkeep import Upkeep, keep_up
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.reading.guarded_threads import unguarded
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.frame_asset import frame_asset

NAME = "lake_retention"
UPKEEP = "upkeep"
"""The group."""
INSTANCE: ContextVar[dg.DagsterInstance | None] = ContextVar("INSTANCE", default=None)
"""Dagster's instance where a command has old versions deleted, outside of a run."""
_SERVING, _ALSO_SERVED = "serving", "metrics_report"


class RetentionColumns:
    """Columns of `lake_retention`, one row a table."""

    table = pl.String
    """The table."""
    policy = pl.String
    """Nights, weeks and months that its versions are kept."""
    versions = pl.List(pl.Int64)
    """Versions that were marked as pruned."""
    kept = pl.Int64
    """Number of versions that stay."""
    files = pl.Int64
    """Files deleted that only pruned versions held."""
    bytes = pl.Int64
    """Bytes of those."""
    orphans = pl.Int64
    """Files deleted that killed writers left."""
    orphan_bytes = pl.Int64
    """Bytes of those."""
    uploads = pl.Int64
    """Unfinished uploads to an object store that killed writers left and that were aborted."""
    leftovers = pl.Int64
    """Unfinished small files and unneeded checkpoints of the log that were deleted."""
    leftover_bytes = pl.Int64
    """Bytes of those."""
    archived = pl.Int64
    """Commits that moved from the log into the archive; their records stay."""


def _instance() -> dg.DagsterInstance:
    """The instance of the command, or of the run.

    Raises:
        LineageError: there is no run of Dagster, for example when an asset is made again to prove its lineage.
    """
    if (given := INSTANCE.get()) is not None:
        return given
    try:
        return dg.AssetExecutionContext.get().instance
    except dg.DagsterInvariantViolationError as error:
        raise LineageError(
            f"{NAME} deletes what is not kept, so it is made in a run of Dagster only.",
            where=NAME,
            advice=f"recsys materialize {NAME}, or recsys lake prune",
        ) from error


def upkeep_of(
    settings: Settings,
    groups: Mapping[str, str],
    tell: Callable[[Upkeep], object] = lambda done: None,
) -> Callable[[], Output]:
    """The asset's function for a lake.

    Args:
        settings: where the lake is, and what is kept.
        groups: the group of each asset's table.
        tell: is given what was done, before it is recorded.
    """

    def lake_retention() -> Output:
        """Deletions of tonight's upkeep: versions that the retention does not keep, leftovers, Dagster's old runs.

        It is made after all served tables and nothing waits for it. Records are never deleted.
        """
        lake = Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads))
        with unguarded():  # it reads no row of a table
            done = keep_up(lake, settings, groups, _instance())
        tell(done)
        deleted = done.to_json()
        rows = [table.to_json() for table in done.prune.tables]
        facts = {"files": deleted["files"], "bytes": deleted["bytes"], "compacted": deleted["compacted"]}
        return Output(
            pl.DataFrame(rows, schema=types_of(RetentionColumns), orient="row"),
            statistics={**facts, "dagster runs": len(done.runs.runs), "dagster bytes": done.runs.freed},
            warnings=[
                *(f"{name} was in use and was not shrunk" for name in done.runs.busy),
                *filter(None, [done.prune.unlisted]),
            ],
        )

    return lake_retention


def asset(settings: Settings, groups: Mapping[str, str]) -> dg.AssetsDefinition:
    """The nightly upkeep as an asset, so that its record says what was deleted.

    Nothing depends on it, and it waits for all served tables.

    Args:
        settings: where the lake is, and what is kept.
        groups: the group of every other asset's table.
    """
    served = sorted({_ALSO_SERVED, *(name for name, group in groups.items() if group == _SERVING)})
    return frame_asset(
        upkeep_of(settings, {**groups, NAME: UPKEEP}),
        columns=texts_of(RetentionColumns),
        columns_from={column: {} for column in types_of(RetentionColumns)},  # of the lake's log, of no table
        # Each night anew: what is to go depends on the clock.
        observe=lambda: datetime.now(timezone.utc).date().isoformat(),
        on_request=True,
        look=look(UPKEEP, deps=tuple(served)),
    )
