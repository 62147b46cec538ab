"""The one place that touches names which Dagster does not promise to keep.

Checked against dagster 1.13.27. Each function says what it needs the private name for, so that an upgrade can
look for the public way again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    get_input_data_version_tag,
)
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from recsys_lineage.assets.asset_code import AssetCode

RunHealth = CheckRunHealthResult
"""What a run launcher answers when run monitoring asks for a run's process; `run_health` makes one."""


def run_health(*, lives: bool, message: str | None = None) -> RunHealth:
    """The answer of a run launcher on a run's process; the method that gives it is public, its type is not."""
    return RunHealth(WorkerStatus.RUNNING if lives else WorkerStatus.FAILED, message)


def version_tags(*, data_version: str, code_version: str, inputs: Mapping[str, str]) -> dict[str, str]:
    """Tags that give one partition's event its own data version; `inputs` maps parents to what was read.

    Dagster gives every partition of a single run the same data version and has no public way to set another.
    """
    tags = {
        DATA_VERSION_TAG: data_version,
        DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        CODE_VERSION_TAG: code_version,
    }
    for parent, fingerprint in inputs.items():
        tags[get_input_data_version_tag(dg.AssetKey(parent))] = fingerprint
    return tags


def without_automatic_event(asset_key: dg.AssetKey) -> dg.MaterializeResult[Any]:
    """A result that lets downstream steps go on, but for which Dagster writes no materialization event itself.

    Needed where the step has written one event a partition, each with its own data version.
    """
    return dg.MaterializeResult(
        asset_key=asset_key, metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
    )


def partition_keys_of(context: dg.AssetExecutionContext) -> list[str] | None:
    """The partitions that the run was asked for; None when it named none."""
    tags = context.run.tags
    if context.has_partition_key or (
        ASSET_PARTITION_RANGE_START_TAG in tags and ASSET_PARTITION_RANGE_END_TAG in tags
    ):
        return list(context.partition_keys)
    return None


def mark(step: Callable[..., Any], code: AssetCode) -> None:
    """Leave the AssetCode on the function of a step, from where `code_of` takes it."""
    step.__lineage_code__ = code  # type: ignore[attr-defined]


def code_of(definition: dg.AssetsDefinition) -> AssetCode | None:
    """The AssetCode of an asset made by this package, None for any other asset.

    Copies that Dagster makes of a definition (to add tags, say) keep the step's function, and only that.
    """
    if not definition.is_executable:
        return None
    decorated = getattr(definition.op.compute_fn, "decorated_fn", None)
    return getattr(decorated, "__lineage_code__", None)


def forget_checks(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete the check results of runs that are deleted.

    Deleting a run leaves them in a table of their own, which has no public way to be emptied but by whole assets.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    for start in range(0, len(run_ids), 500):
        some = list(run_ids[start : start + 500])
        with storage.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id.in_(some))
            )


def run_databases(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    """The SQLite files that hold one run's events and nothing else; none with another database.

    Deleting a run empties its file and leaves it there.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return []
    return [Path(storage.path_for_shard(run_id) + suffix) for suffix in ("", "-wal", "-shm")]


def shared_databases(instance: dg.DagsterInstance) -> list[Path]:
    """The SQLite files of all runs together; none with another database."""
    found: list[Path] = []
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        found.append(Path(instance.event_log_storage.path_for_shard("index")))
    for storage in (instance.run_storage, instance.schedule_storage):
        if isinstance(storage, SqliteRunStorage | SqliteScheduleStorage):
            found.append(Path(storage._conn_string.removeprefix("sqlite:///")))
    return found
