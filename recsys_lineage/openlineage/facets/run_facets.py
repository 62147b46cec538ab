"""Facets of runs: parent, nominal time, parameters, and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import orjson
from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
from openlineage.client.generated.execution_parameters_run import ExecutionParametersRunFacet
from openlineage.client.generated.job_dependencies_run import JobDependenciesRunFacet
from openlineage.client.generated.nominal_time_run import NominalTimeRunFacet
from openlineage.client.generated.parent_run import ParentRunFacet
from openlineage.client.generated.processing_engine_run import ProcessingEngineRunFacet
from openlineage.client.generated.tags_run import TagsRunFacet

from recsys_lineage.openlineage.facets.facet import Json, facet
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.naming import JobName
from recsys_lineage.openlineage.translation.run_ids import orchestrator_run_id, root_run_id
from recsys_lineage.openlineage.translation.shared_values import Same
from recsys_lineage.openlineage.translation.shown_values import shown_value
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.parts.url_secrets import without_secrets

_DAY = timedelta(days=1)
_PERIODS = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "%Y-%m-%d", _DAY),
    (re.compile(r"\d{4}-\d\d-\d\d-\d\d:\d\d"), "%Y-%m-%d-%H:%M", timedelta(hours=1)),
    (re.compile(r"\d{4}-\d\d"), "%Y-%m", None),
)
"""Formats of the keys of time partitions, each with the length of a partition; a month ends where the next begins."""
_SEVERAL = "|"
"""Separator of the dimensions in a multi-dimensional key."""


def parent_facet(run_id: str, run: Run, options: EventOptions) -> Json:
    """The orchestrator's run of an asset's run, and its root run."""
    return _parent(run_id, Same(run), Same(options))


@lru_cache(maxsize=256)
def _parent(run_id: str, of_run: Same, given: Same) -> Json:
    run, options = of_run.value, given.value
    job, root = options.run_job(run), options.root_job(run)
    return facet(
        ParentRunFacet,
        run={"runId": orchestrator_run_id(run_id, run)},
        job=job._asdict(),
        root={"run": {"runId": root_run_id(run_id, run)}, "job": root._asdict()},
    )


def nominal_time_facet(partitions: tuple[str, ...], scheduled: datetime | None) -> Json | None:
    """The nominal time of a run: that of its partitions if these are periods, else that of its schedule."""
    if (period := _period(partitions)) is not None:
        start, end = period
        return facet(NominalTimeRunFacet, nominalStartTime=iso_time(start), nominalEndTime=iso_time(end))
    if scheduled is not None:
        return facet(NominalTimeRunFacet, nominalStartTime=iso_time(scheduled))
    return None


def engine_facet(record: Materialization) -> Json | None:
    """DuckDB for a statement, Python otherwise, with the version that ran."""
    name, library = ("DuckDB", "duckdb") if record.code.kind == "sql" else ("Python", "python")
    if library not in record.engine:
        return None
    return facet(ProcessingEngineRunFacet, name=name, version=record.engine[library])


def parameters_facet(parameters: Mapping[str, Any]) -> Json | None:
    """The parameters of an asset's code, without secrets."""
    if not parameters:
        return None
    found = [
        {"key": name, "value": _text(shown_value(name, value))} for name, value in sorted(parameters.items())
    ]
    return facet(ExecutionParametersRunFacet, parameters=found)


def error_facet(failure: Failure) -> Json:
    """The error of a run: type, message and stack, as in the record."""
    return facet(
        ErrorMessageRunFacet,
        message=without_secrets(f"{failure.type}: {failure.message}"),
        programmingLanguage="PYTHON",
        stackTrace=without_secrets("\n".join(failure.stack)) or None,
    )


def message_facet(message: str) -> Json:
    """Error message of a run."""
    return facet(ErrorMessageRunFacet, message=message, programmingLanguage="PYTHON")


def dependencies_facet(jobs: Iterable[JobName]) -> Json | None:
    """The jobs on which a run's code depends without reading their outputs."""
    upstream = [
        {
            "job": job._asdict(),
            "dependency_type": "IMPLICIT_DEPENDENCY",
            "sequence_trigger_rule": "FINISH_TO_START",
        }
        for job in jobs
    ]
    return facet(JobDependenciesRunFacet, upstream=upstream) if upstream else None


def tags_facet(tags: Mapping[str, str]) -> Json:
    """Facts of a run for which the specification has no facet."""
    return facet(
        TagsRunFacet, tags=[{"key": key, "value": value, "source": "DAGSTER"} for key, value in tags.items()]
    )


def iso_time(moment: datetime) -> str:
    """A moment as events write it, UTC."""
    return moment.astimezone(timezone.utc).isoformat()


@lru_cache(maxsize=1024)
def _period(partitions: tuple[str, ...]) -> tuple[datetime, datetime] | None:
    """Start of the first to end of the last period of some partitions; None where they are no periods."""
    if not partitions:
        return None
    dimensions = {len(key.split(_SEVERAL)) for key in partitions}
    if len(dimensions) != 1:
        return None
    for place in range(dimensions.pop()):
        texts = [key.split(_SEVERAL)[place] for key in partitions]
        for pattern, form, length in _PERIODS:
            if all(pattern.fullmatch(text) for text in texts):
                try:
                    starts = [datetime.strptime(text, form).replace(tzinfo=timezone.utc) for text in texts]
                    last = max(starts)
                    return min(starts), _next_month(last) if length is None else last + length
                except (ValueError, OverflowError):  # the 31st of February, the end of time
                    return None
    return None


def _next_month(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # numbers beyond 64 bits, halves of characters
        return json.dumps(value, default=str, separators=(",", ":"))
