"""Events of whole runs of the orchestrator, and of their steps that left no record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from recsys_lineage.openlineage.facets.facet import Json, without_nothing
from recsys_lineage.openlineage.facets.jobs import job_type_facet
from recsys_lineage.openlineage.facets.run_facets import (
    iso_time,
    message_facet,
    nominal_time_facet,
    parent_facet,
    tags_facet,
)
from recsys_lineage.openlineage.translation.event_json import Ending, job_object, run_event
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.run_ids import orchestrator_run_id, step_run_id
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.run_record import RunRecord

_ENDINGS: dict[str, Ending] = {"success": "COMPLETE", "failed": "FAIL", "canceled": "ABORT", "lost": "ABORT"}
_ENDINGS_WITHOUT_RECORD: dict[str, tuple[Ending, str]] = {
    "failed": ("FAIL", "The step failed and left no record of why."),
    "canceled": ("ABORT", "The step was stopped."),
    "killed": ("ABORT", "The step's process was killed before it had ended."),
}
"""Final states of steps that only the run's record has."""


def run_events(
    record: RunRecord,
    options: EventOptions | None = None,
    *,
    known: Run | None = None,
    recorded: Collection[str] = (),
    kept: Collection[str] = (),
) -> list[Json]:
    """The events of a run's record: its START, steps without their own records, and its end.

    Args:
        record: the run's record.
        options: the content of events that is not in records.
        known: the facts about the run in its first record; those in this record when None.
        recorded: the steps with their own records.
        kept: assets that kept their previous version, so that nothing ran. They and skipped steps have no events of
            their own, and are named in the run's last event.
    """
    options = options or EventOptions()
    run = known or record.run
    started, ended = iso_time(record.started), _end_of(record)
    return [
        run_start(record.id, run, started, options),
        *_steps(record, run, ended, options, recorded),
        _end(record, run, ended, options, kept),
    ]


def run_start(run_id: str, run: Run, moment: str, options: EventOptions) -> Json:
    """The START of a run of the orchestrator."""
    return run_event(
        "START",
        iso_time(run.started) if run.started is not None else moment,
        orchestrator_run_id(run_id, run),
        _facets(run_id, run),
        _job(run, options),
    )


def _end(record: RunRecord, run: Run, moment: str, options: EventOptions, kept: Collection[str]) -> Json:
    facets = _facets(record.id, run)
    if record.state in ("failed", "lost"):
        facets["errorMessage"] = message_facet(_failure(record))
    tags = {**_tags(record.id, run), "lineage/status": record.state}
    skipped = [step for step, state in record.steps.items() if state == "skipped"]
    for name, those in (("lineage/kept", kept), ("lineage/skipped", skipped)):
        if those:
            tags[name] = ", ".join(sorted(those))
    facets["tags"] = tags_facet(tags)
    return run_event(
        _ENDINGS[record.state], moment, orchestrator_run_id(record.id, run), facets, _job(run, options)
    )


def _steps(
    record: RunRecord, run: Run, moment: str, options: EventOptions, recorded: Collection[str]
) -> list[Json]:
    """START and an end for each step that had started and neither succeeded nor left a record.

    A step that never started has no run, because a catalog would draw the asset without inputs.
    """
    assets = {name.replace("/", "__"): name for name in record.assets}
    found: list[Json] = []
    for step, state in record.steps.items():
        if state not in _ENDINGS_WITHOUT_RECORD or step in recorded:
            continue
        ending, words = _ENDINGS_WITHOUT_RECORD[state]
        run_id = step_run_id(record.id, run, step)
        job = job_object(
            options.asset_job(assets.get(step, step), run),
            {"jobType": job_type_facet("ASSET" if step in assets else "STEP")},
        )
        facets = without_nothing(
            parent=parent_facet(record.id, run, options),
            nominalTime=nominal_time_facet((), run.scheduled),
        )
        found.append(run_event("START", moment, run_id, facets, job))
        facets = {
            **facets,
            "errorMessage": message_facet(words),
            "tags": tags_facet({"lineage/status": state}),
        }
        found.append(run_event(ending, moment, run_id, facets, job))
    return found


def _failure(record: RunRecord) -> str:
    if record.state == "lost":
        return "The run's process was killed."
    failed = [step for step, state in record.steps.items() if state == "failed"]
    return (
        f"{len(failed)} of {len(record.steps)} steps failed: {', '.join(failed)}"
        if failed
        else "The run failed."
    )


def _facets(run_id: str, run: Run) -> Json:
    return without_nothing(
        nominalTime=nominal_time_facet((), run.scheduled), tags=tags_facet(_tags(run_id, run))
    )


def _tags(run_id: str, run: Run) -> dict[str, str]:
    """Dagster's name of the run, and the trigger; without people's tags, which may contain anything."""
    named = {
        "run_id": run_id,
        "job": run.job,
        "schedule": run.schedule,
        "sensor": run.sensor,
        "tick": run.tick,
        "backfill": run.backfill,
        "parent_run": run.parent_run,
        "root_run": run.root_run,
    }
    return {f"dagster/{name}": value for name, value in named.items() if value is not None}


def _job(run: Run, options: EventOptions) -> Json:
    return job_object(options.run_job(run), {"jobType": job_type_facet("RUN")})


def _end_of(record: RunRecord) -> str:
    return max(iso_time(record.started), iso_time(record.ended), key=datetime.fromisoformat)
