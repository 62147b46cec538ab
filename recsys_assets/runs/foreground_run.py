"""A foreground run: executed in this process, shown in Dagster like any other run of its job."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from recsys_assets.definitions import CODE_LOCATION
from recsys_assets.runs.writers import Writers
from recsys_lineage.interruption import exit_step, stop_is_requested
from recsys_lineage.orchestration.dagster_internals import execute_here
from recsys_lineage.orchestration.recorded_runs import mark_cancelled
from recsys_lineage.orchestration.sqlite_events import many_events
from recsys_lineage.progress import Progress, listening

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunOutcome:
    """Outcome of a run in this process. `errors` maps each failed step to its message."""

    run_id: str
    success: bool
    errors: dict[str, str]


def run_here(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    writers: Writers,
    record: Callable[[], None],
    *,
    assets: Sequence[str] | None,
    tags: Mapping[str, str],
) -> RunOutcome:
    """Run a job to its end, one step after another, as the only writer of the home.

    Args:
        job: the job.
        instance: where the run is kept.
        writers: of the home.
        record: function that adds the records of ended runs.
        assets: those to materialize; all of the job when None.
        tags: besides those of the job.

    Raises:
        KeyboardInterrupt: a stop was requested; the run is marked as cancelled.
    """
    messages: dict[str, str] = {}
    run_id = str(uuid.uuid4())

    def listen(moment: Progress) -> None:
        if moment.kind == "failed":
            messages[moment.asset] = moment.text

    def cancelled() -> None:
        mark_cancelled(instance, run_id)
        record()

    with (
        writers.exclusive(),
        writers.registered(run_id),
        exit_step(cancelled),
        many_events(),
        listening(listen),
    ):
        result = execute_here(
            job,
            instance,
            code_location=CODE_LOCATION,
            run_id=run_id,
            assets=assets,
            tags=tags,
            run_config=_QUIET,
        )
        if stop_is_requested():
            cancelled()
            raise KeyboardInterrupt
    record()
    stored = _errors(result.all_events)
    # What is stored has no values; whoever started the run sees the whole message.
    return RunOutcome(
        run_id, result.success, {step: messages.get(step, text) for step, text in stored.items()}
    )


def _errors(events: Sequence[dg.DagsterEvent]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for event in events:
        if event.is_step_failure:
            data = event.step_failure_data
            failure = data.user_failure_data
            text = failure.description if failure and failure.description else None
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            errors[event.step_key or ""] = text or (error.message if error else "failed")
        elif event.is_failure and not errors and event.message:
            errors["run"] = event.message
    return errors
