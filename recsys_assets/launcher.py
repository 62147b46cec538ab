"""The launcher of Dagster's runs: the code server starts them, and each is recognised by the lock that it holds in the
home.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import dagster as dg

from recsys_assets.runs.writers import Writers
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.dagster_internals import RunHealth, run_health
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded_runs import complete_records, mark_lost
from recsys_lineage.orchestration.sqlite_events import many_events

EXECUTOR = "noted_multiprocess"
KILLED = "The process of this run is gone: it was killed, or the machine stopped."


class WatchedLauncher(dg.DefaultRunLauncher):
    """Launches runs on the code server; run monitoring learns from it when a run's process is gone."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True, so that run monitoring asks."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> RunHealth:
        """Result of the check whether the run's process lives; a run that this home does not know is assumed to live.

        A dead run is failed here rather than by run monitoring, which would keep its place in the pools for a while and
        not add it to the records as lost.
        """
        if Writers(self._instance.root_directory).state(run.run_id) == "dead":
            fail_lost_run(self._instance, run)
            return run_health(lives=False, message=KILLED)
        return run_health(lives=True)


def fail_lost_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Fail a run whose process is gone, and free its places in the pools."""
    mark_lost(instance, run, KILLED)
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    Writers(instance.root_directory).forget(run.run_id)


class _LockingExecutor(dg.Executor):
    """An executor that holds its run's lock, waits for a command that writes alone, and completes the records."""

    def __init__(self, inner: dg.Executor, lake: LakeResource | None) -> None:
        self._inner, self._lake = inner, lake

    @property
    def retries(self) -> Any:
        return self._inner.retries

    @property
    def step_dependency_config(self) -> Any:
        return self._inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        writers = Writers(plan_context.instance.root_directory)
        with ExitStack() as stack:
            with dg.raise_execution_interrupts():  # so that a waiting run can be stopped
                stack.enter_context(writers.shared(plan_context.run_id, plan_context.log.info))
                self._complete_records(plan_context)
            stack.enter_context(many_events())
            yield from self._inner.execute(plan_context, execution_plan)

    def _complete_records(self, plan_context: Any) -> None:
        """Add the records that earlier runs left unfinished, because a webserver may run without a daemon."""
        if self._lake is None:
            return
        try:
            complete_records(plan_context.instance, self._lake)
        except LineageError as error:
            plan_context.log.warning(f"The records of earlier runs could not be completed: {error.message}")


def locking_multiprocess_executor(lake: LakeResource | None = None) -> dg.ExecutorDefinition:
    """Executor that runs each step in a process of its own; other processes recognise the run by its lock in the home.

    Args:
        lake: the lake whose records a run completes when it starts.
    """

    @dg.executor(
        name=EXECUTOR,
        config_schema=cast(Any, dg.multiprocess_executor.config_schema),  # the decorator's type leaves it out
        requirements=dg.multiple_process_executor_requirements(),
    )
    def executor(context: dg.InitExecutorContext) -> dg.Executor:
        create = dg.multiprocess_executor.executor_creation_fn
        assert create is not None
        return _LockingExecutor(create(context), lake)

    return executor
