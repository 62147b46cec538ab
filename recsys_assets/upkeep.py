"""Upkeep: the pruning and compaction that keep years of nights from filling the disk.

`recsys lake prune` and the nightly asset `lake_retention` do the same; both are given the lake and Dagster's instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from recsys_assets.assets.model.gate import Promotion
from recsys_assets.service.champion_decisions import decides_what_serves
from recsys_assets.settings import Settings
from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.compaction import Compaction, compact, is_compactable, plan_compaction
from recsys_lineage.orchestration.old_runs import OldRuns, delete_runs, old_runs
from recsys_lineage.orchestration.recorded_runs import record_runs
from recsys_lineage.records.records import RESERVED, Records
from recsys_lineage.retention.policy import NEWEST_ONLY, Policies, Policy
from recsys_lineage.retention.prune import Prune, plan_prune, prune

if TYPE_CHECKING:
    from dagster import DagsterInstance

CHAMPION, GATE = "champion", "gate"


@dataclass(frozen=True)
class Upkeep:
    """Result, or plan, of one upkeep."""

    prune: Prune
    compactions: Sequence[Compaction]
    runs: OldRuns

    def to_json(self) -> dict[str, Any]:
        """A JSON object of what was deleted, without content of any table."""
        return {
            **self.prune.to_json(),
            "compacted": [
                {"table": made.table, "files": made.files, "bytes": made.bytes} for made in self.compactions
            ],
            "dagster": self.runs.to_json(),
        }


def keep_up(
    lake: Lake,
    settings: Settings,
    groups: Mapping[str, str],
    instance: DagsterInstance | None = None,
    *,
    runs_before: datetime | None = None,
    dry_run: bool = False,
) -> Upkeep:
    """Prune the lake, compact small files, and delete Dagster's old runs, by the settings.

    Args:
        lake: the lake.
        settings: the retention, the grace period, how long Dagster keeps runs.
        groups: the group of each asset's table.
        instance: of Dagster; None: its storage is left alone.
        runs_before: Dagster's older runs are deleted; None: by the settings.
        dry_run: only report what would be done.

    Raises:
        LineageError: a log, a hold or a mark is damaged; nothing is pruned then.
    """
    policies = Policies.parse(settings.retention)
    appended = [name for name in lake.tables() if name not in groups and is_compactable(lake, name)]

    def policy_of(table: str) -> Policy:
        return NEWEST_ONLY if table in RESERVED else policies.of(groups.get(table))

    grace = timedelta(hours=settings.retention_grace_hours)
    before = runs_before or datetime.now(timezone.utc) - timedelta(days=settings.dagster_keep_days)
    tidy, join = (plan_prune, plan_compaction) if dry_run else (prune, compact)
    old = OldRuns() if instance is None else old_runs(instance, before)
    # The prune first: it does then what a dry run says, whatever is joined afterwards.
    done = tidy(lake, policy_of, roots=served_versions(lake), grace=grace)
    joined = [made for name in appended if (made := join(lake, name)) is not None]
    if instance is None or dry_run:
        return Upkeep(done, joined, old)
    # All of them have ended, so each has its record from here on: one that ends meanwhile is left for the next time.
    record_runs(instance, lake, None)
    return Upkeep(done, joined, delete_runs(instance, old.runs))


def served_versions(lake: Lake) -> list[tuple[str, int]]:
    """The newest champion, and all that were promoted: by the gate to another family, and by a person's decision."""
    if not lake.has(CHAMPION):
        return []
    newest = lake.version(CHAMPION).version
    decided = [(each.asset, each.version) for each in Records(lake).decisions() if decides_what_serves(each)]
    there = lake.pruned(CHAMPION).all().others(newest - 1)
    older = [version for each in there for version in each if _promoted(lake, version)]
    return sorted({*((CHAMPION, version) for version in (*older, newest)), *decided})


def _promoted(lake: Lake, champion: int) -> bool:
    record = lake.commit(CHAMPION, champion)["record"] or {}
    for read in record.get("reads", []):
        if read["name"] == GATE:
            try:
                facts = (lake.commit(GATE, read["version"])["record"] or {}).get("statistics", {})
                promotion = Promotion.read(facts)
            except (TableNotFound, KeyError):  # a gate that was deleted by hand: nobody can tell, so it stays
                return True
            return promotion.champion != promotion.before
    return False
