"""Private names of Dagster; the only module that uses them.

Checked against dagster 1.13.27. Each docstring has the reason for the private name, so that an upgrade can look for a
public way again.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
from dagster._core.definitions.antlr_asset_selection.antlr_asset_selection import (
    AntlrAssetSelectionParser,
    CommonTokenStream,  # pyright: ignore[reportPrivateImportUsage]
    InputStream,  # pyright: ignore[reportPrivateImportUsage]
)
from dagster._core.definitions.antlr_asset_selection.generated.AssetSelectionLexer import (
    AssetSelectionLexer,
)
from dagster._core.definitions.asset_selection import (
    ChainedAssetSelection,
    OperandListAssetSelection,
    SubtractAssetSelection,
)
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    get_input_data_version_tag,
)
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.execution import compute_logs
from dagster._core.execution.api import execute_run
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from sqlalchemy import Engine, create_engine

from recsys_lineage.assets.asset_code import AssetCode

RunHealth = CheckRunHealthResult
"""Answer of a run launcher to run monitoring about the process of a run; made by `run_health`."""


def run_health(*, lives: bool, message: str | None = None) -> RunHealth:
    """A run launcher's answer about a run's process; its method is public, but the type of the answer is not."""
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
    """A result that lets downstream steps continue without an automatic materialization event.

    It is needed if the step has written one event per partition, each with its own data version.
    """
    return dg.MaterializeResult(
        asset_key=asset_key, metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
    )


def parsed_selection(text: str) -> dg.AssetSelection:
    """A selection in Dagster's syntax, in which a plain name means `key:name`.

    `AssetSelection.from_string` accepts plain names only in an older syntax, whose `+` is one level.

    Raises:
        ValueError: it cannot be parsed; the message has the position.
    """
    tokens = CommonTokenStream(_lexer(text))
    tokens.fill()
    names = {
        AssetSelectionLexer.UNQUOTED_STRING,
        AssetSelectionLexer.UNQUOTED_WILDCARD_STRING,
        AssetSelectionLexer.QUOTED_STRING,
    }
    values = {AssetSelectionLexer.COLON, AssetSelectionLexer.EQUAL}
    alone = [
        token.start
        for before, token in zip([None, *tokens.tokens], tokens.tokens, strict=False)
        if token.type in names and (before is None or before.type not in values)
    ]
    query = text
    for start in reversed(alone):
        query = f"{query[:start]}key:{query[start:]}"
    try:
        return AntlrAssetSelectionParser(query).asset_selection
    except Exception as error:  # it raises nothing more special
        place = re.search(r"line 1, column (\d+)", str(error))
        if place is None:
            raise ValueError(str(error)) from error
        column = int(place[1])
        column -= sum(len("key:") for n, start in enumerate(alone) if start + len("key:") * (n + 1) <= column)
        rest = text[column:].strip()
        raise ValueError(
            f"{text!r} cannot be read from {rest!r} on" if rest else f"{text!r} ends too early"
        ) from error


def _lexer(text: str) -> AssetSelectionLexer:
    lexer = AssetSelectionLexer(InputStream(text))
    lexer.removeErrorListeners()  # which print; the parser raises for what the lexer skips here
    return lexer


def selection_parts(selection: dg.AssetSelection) -> Iterator[dg.AssetSelection]:
    """The elementary selections within a selection, such as names and groups."""
    if isinstance(selection, OperandListAssetSelection):
        inner = list(selection.operands)
    elif isinstance(selection, SubtractAssetSelection):
        inner = [selection.left, selection.right]
    elif isinstance(selection, ChainedAssetSelection):
        inner = [selection.child]
    else:
        yield selection
        return
    for each in inner:
        yield from selection_parts(each)


def execute_here(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    *,
    code_location: str,
    run_id: str,
    assets: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> dg.JobExecutionResult:
    """Run a job in this process, one step after another, as a run of a code location.

    `JobDefinition.execute_in_process` does not record the job's code location, and Dagster's timeline and job pages do
    not show such runs.

    Args:
        job: the job.
        instance: the instance that stores the run.
        code_location: the name of the job's code location.
        run_id: the run's id.
        assets: the job's assets to materialize; all when None.
        tags: tags in addition to those of the job.
        run_config: the run's configuration.
    """
    selected = None if assets is None else [dg.AssetKey(name) for name in assets]
    here = job.as_ephemeral_job(resource_defs={}, input_values={}, asset_selection=selected)
    repository = RemoteRepositoryOrigin(
        RegisteredCodeLocationOrigin(code_location), SINGLETON_REPOSITORY_NAME
    )
    with events_at_once(instance):
        run = instance.create_run_for_job(
            here,
            run_id=run_id,
            run_config=run_config,
            tags={**job.run_tags, **(tags or {})},
            asset_selection=None if selected is None else frozenset(selected),
            remote_job_origin=RemoteJobOrigin(repository, job.name),
        )
    with _helpers_apart():
        return execute_run(InMemoryJob(here), run, instance)


@contextmanager
def _helpers_apart() -> Iterator[None]:
    """Inside the block, the processes that copy a run's output do not receive the terminal's Ctrl-C.

    They would print tracebacks in the middle of ours. Dagster ends them after each run, and they end by themselves when
    this process is gone.
    """
    apart = SimpleNamespace(Popen=partial(subprocess.Popen, start_new_session=True))
    setattr(compute_logs, "subprocess", apart)  # noqa: B010
    try:
        yield
    finally:
        setattr(compute_logs, "subprocess", subprocess)  # noqa: B010


def partition_tags(first: str, last: str) -> dict[str, str]:
    """Tags of a run of one partition, or of a range in Dagster's order."""
    if first == last:
        return {PARTITION_NAME_TAG: first}
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def partition_keys_of(context: dg.AssetExecutionContext) -> list[str] | None:
    """The partitions that the run names; None when it names none."""
    tags = context.run.tags
    if context.has_partition_key or (
        ASSET_PARTITION_RANGE_START_TAG in tags and ASSET_PARTITION_RANGE_END_TAG in tags
    ):
        return list(context.partition_keys)
    return None


def mark(step: Callable[..., Any], code: AssetCode) -> None:
    """Store the AssetCode on the function of a step, for `code_of`."""
    step.__lineage_code__ = code  # type: ignore[attr-defined]


def code_of(definition: dg.AssetsDefinition) -> AssetCode | None:
    """The AssetCode of an asset made by this package, None for any other asset.

    Dagster's copies of a definition (to add tags, say) keep only the step's function.
    """
    if not definition.is_executable:
        return None
    decorated = getattr(definition.op.compute_fn, "decorated_fn", None)
    return getattr(decorated, "__lineage_code__", None)


def forget_checks(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete the check results of runs that are deleted.

    Deleting a run leaves them in a separate table, which the public interface empties only by whole assets.
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
    """The SQLite files with only one run's events; none with another database.

    Deleting a run empties its file but does not delete it.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return []
    return [Path(storage.path_for_shard(run_id) + suffix) for suffix in ("", "-wal", "-shm")]


def open_without_migrations(instance: dg.DagsterInstance, runs: Sequence[str]) -> None:
    """Make Dagster open the SQLite files of runs to be deleted without migrations; no effect with another database.

    Otherwise it reads all its migrations (0.1 CPU seconds) to check the revision of each file that a process opens.
    """
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        storage._initialized_dbs |= {run for run in runs if Path(storage.path_for_shard(run)).exists()}


def shared_databases(instance: dg.DagsterInstance) -> list[Path]:
    """The SQLite files shared by all runs; none with another database."""
    found: list[Path] = []
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        found.append(Path(instance.event_log_storage.path_for_shard("index")))
    for storage in (instance.run_storage, instance.schedule_storage):
        if isinstance(storage, SqliteRunStorage | SqliteScheduleStorage):
            found.append(Path(storage._conn_string.removeprefix("sqlite:///")))
    return found


_waiting = threading.local()


@contextmanager
def events_at_once(instance: dg.DagsterInstance) -> Iterator[None]:
    """Store the materializations and plans that this thread reports inside the block together at its end.

    Dagster's SQLite storage makes transactions on two files for each event, and writes each as its asset's latest.
    Together they need two transactions, and only the last event of an asset becomes its latest. Dagster's own batches
    do not help, because this storage writes their events one by one. With another database nothing changes.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage) or getattr(_waiting, "events", None) is not None:
        yield
        return
    _waiting.events = []
    if SqliteEventLogStorage.store_event is not _store_or_queue:
        setattr(SqliteEventLogStorage, "store_event", _store_or_queue)  # noqa: B010
    try:
        yield
    finally:
        events, _waiting.events = _waiting.events, None
        if events:
            _store_together(storage, events)


_store_one = SqliteEventLogStorage.store_event
_AT_ONCE = (
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
)


def _store_or_queue(storage: SqliteEventLogStorage, event: EventLogEntry) -> None:
    waiting: list[EventLogEntry] | None = getattr(_waiting, "events", None)
    if waiting is not None and event.dagster_event_type in _AT_ONCE:
        waiting.append(event)
    else:
        _store_one(storage, event)


def _store_together(storage: SqliteEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    insert = SqlEventLogStorageTable.insert()
    rows = [storage._event_to_row(event) for event in events]
    by_run: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_run.setdefault(row["run_id"], []).append(row)
    for run_id, of_run in by_run.items():
        with storage.run_connection(run_id) as connection:
            connection.execute(insert, of_run)
    with storage.index_transaction() as connection:
        ids = [connection.execute(insert, row).lastrowid for row in rows]
        storage._store_asset_event_tags(connection, events, ids)
        latest = {row["asset_key"]: place for place, row in enumerate(rows) if row["asset_key"]}
        for place in latest.values():
            storage._store_asset_event(connection, events[place], ids[place])
    for event, event_id in zip(events, ids, strict=True):
        if event.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            storage.store_asset_check_event(event, event_id)


_engines: dict[str, Engine] = {}
_engines_users = 0
_engines_lock = threading.Lock()


@contextmanager
def shared_engines() -> Iterator[None]:
    """Make Dagster's SQLite storages use one SQLAlchemy engine per file inside the block.

    Otherwise they create one for each connection and compile all statements again, which is half the cost of an event.
    Blocks may overlap, also in threads.
    """
    global _engines_users
    modules = (sqlite_event_log, sqlite_run_storage)
    with _engines_lock:
        _engines_users += 1
        for module in modules:
            setattr(module, "create_engine", _shared_engine)  # noqa: B010
    try:
        yield
    finally:
        with _engines_lock:
            _engines_users -= 1
            if not _engines_users:
                for module in modules:
                    setattr(module, "create_engine", create_engine)  # noqa: B010
                _engines.clear()


def _shared_engine(url: str, **options: Any) -> Engine:
    with _engines_lock:
        if url not in _engines:
            engine = _engines[url] = create_engine(url, **options)
            # after each connection, of which it keeps none
            setattr(engine, "dispose", lambda: None)  # noqa: B010
        return _engines[url]
