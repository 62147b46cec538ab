"""The launcher of Dagster's runs: the code server starts them, and each is recognised by the lock that it holds in the
home.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import dagster as dg

from recsys_assets.runs.writers import Writers
from recsys_lineage.orchestration.dagster_internals import RunHealth, run_health
from recsys_lineage.orchestration.run_records import mark_lost
from recsys_lineage.orchestration.sqlite_events import many_events

KILLED = "The process of this run is gone: it was killed, or the machine stopped."


class WatchedLauncher(dg.DefaultRunLauncher):
    """Launches runs on the code server; run monitoring learns from it when a run's process is gone."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """So that run monitoring asks."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> RunHealth:
        """Whether the run's process lives; a run of which this home knows nothing is taken to live.

        A dead one is failed here rather than by run monitoring, which would keep its place in the pools for a while and
        not tell the records that it was lost.
        """
        if Writers(self._instance.root_directory).state(run.run_id) == "dead":
            fail_lost_run(self._instance, run)
            return run_health(lives=False, message=KILLED)
        return run_health(lives=True)


def fail_lost_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Fail a run whose process is gone, and give back its places in the pools."""
    mark_lost(instance, run, KILLED)
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    Writers(instance.root_directory).forget(run.run_id)


class _NotedExecutor(dg.Executor):
    """An executor that holds its run's lock, and lets a command that writes alone finish first."""

    def __init__(self, inner: dg.Executor) -> None:
        self._inner = inner

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
                stack.enter_context(writers.beside(plan_context.run_id, plan_context.log.info))
            stack.enter_context(many_events())
            yield from self._inner.execute(plan_context, execution_plan)


@dg.executor(
    name="noted_multiprocess",
    config_schema=cast(Any, dg.multiprocess_executor.config_schema),  # the decorator's type leaves it out
    requirements=dg.multiple_process_executor_requirements(),
)
def noted_multiprocess_executor(context: dg.InitExecutorContext) -> dg.Executor:
    """Each step in a process of its own; the run is known to others by the lock that it holds in the home."""
    create = dg.multiprocess_executor.executor_creation_fn
    assert create is not None
    return _NotedExecutor(create(context))
