"""Foreign runs: the runs in imported events, with their inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from recsys_lineage.openlineage.intake.imports import Import
from recsys_lineage.openlineage.translation.event_parts import dataset_key, datasets_of, facet_of
from recsys_lineage.openlineage.translation.moments import moment

_FAILED = ("FAIL", "ABORT")
_NO_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Named(NamedTuple):
    """Namespace and name of a dataset or a job."""

    namespace: str
    name: str


@dataclass(slots=True)
class ForeignDataset:
    """A dataset as one run names it, with the run's newest facets."""

    version: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)

    def learn(self, dataset: Mapping[str, Any]) -> None:
        """Add the facets of a further event; missing ones stay."""
        version = facet_of(dataset, "version").get("datasetVersion")
        self.version = version if isinstance(version, str) else self.version
        self.columns = tuple(_columns(facet_of(dataset, "schema").get("fields"))) or self.columns
        self.lineage = facet_of(dataset, "columnLineage") or self.lineage


@dataclass(slots=True)
class ForeignRun:
    """A run of another system, merged from all its events.

    Attributes:
        id: the run's id.
        job: its job.
        started, ended: the times of its first and its last event, UTC.
        failed: whether it ended with FAIL or ABORT.
        done: whether it succeeded, or sent events while it ran.
        streams: whether its job is a streaming job, as in Flink.
        rows: the number of rows written, if one output has it.
        inputs, outputs: datasets by their canonical names.
    """

    id: str
    job: Named
    started: datetime
    ended: datetime
    failed: bool = False
    done: bool = False
    streams: bool = False
    inputs: dict[Named, ForeignDataset] = field(default_factory=dict)
    outputs: dict[Named, ForeignDataset] = field(default_factory=dict)
    rows: dict[Named, int] = field(default_factory=dict)

    @property
    def wrote(self) -> bool:
        """Whether its outputs were written; outputs of a streaming job stay written even if it failed later."""
        return self.done and (self.streams or not self.failed)


class Aliases:
    """Names of the same dataset, joined by symlinks; the first name represents all."""

    def __init__(self, ours: Iterable[Named] = ()) -> None:
        self._first: dict[Named, Named] = {}
        self._ours = set(ours)

    def __getitem__(self, name: Named) -> Named:
        while (other := self._first.get(name, name)) != name:
            name = other
        return name

    def join(self, name: Named, other: Named) -> None:
        """Join two names of one dataset; our own name represents both."""
        one, two = self[name], self[other]
        if one == two:
            return
        if two in self._ours and one not in self._ours:
            one, two = two, one
        if two not in self._ours:
            self._first[two] = one


def foreign_runs(events: Iterable[Import], ours: Iterable[Named] = ()) -> tuple[list[ForeignRun], Aliases]:
    """The runs in some events, in the order of their ends, and the names that mean the same dataset.

    Events of jobs alone, which some systems send for static lineage, count as a run each.

    Args:
        events: of any systems, in any order.
        ours: names of our own datasets.
    """
    runs: dict[str, ForeignRun] = {}
    aliases = Aliases(ours)
    for each in events:
        _learn(each, runs, aliases)
    for run in runs.values():
        run.inputs = _canonical(run.inputs, aliases)
        run.outputs = _canonical(run.outputs, aliases)
    return sorted(runs.values(), key=lambda run: (run.ended, run.started, run.id)), aliases


def _learn(each: Import, runs: dict[str, ForeignRun], aliases: Aliases) -> None:
    event, when = each.event, moment(each.event.get("eventTime")) or _NO_TIME
    _links(event.get("dataset"), aliases)
    job = dataset_key(event.get("job"))
    if job is None:
        return
    run_id = event["run"]["runId"] if each.type != "JOB" else f"job:{each.id}"
    run = runs.setdefault(run_id, ForeignRun(run_id, Named(*job), when, when))
    run.started, run.ended = min(run.started, when), max(run.ended, when)
    run.failed = run.failed or each.type in _FAILED
    run.done = run.done or each.type in ("COMPLETE", "RUNNING", "JOB")
    kind = facet_of(event.get("job"), "jobType").get("processingType")
    run.streams = run.streams or kind == "STREAMING"
    for side, held in (("inputs", run.inputs), ("outputs", run.outputs)):
        for _, dataset in datasets_of(event, side):  # pyright: ignore[reportArgumentType]
            key = dataset_key(dataset)
            if key is not None:
                _links(dataset, aliases)
                held.setdefault(Named(*key), ForeignDataset()).learn(dataset)
                rows = facet_of(dataset, "outputStatistics", "outputFacets").get("rowCount")
                if isinstance(rows, int):
                    run.rows[Named(*key)] = rows


def _links(dataset: Any, aliases: Aliases) -> None:
    key = dataset_key(dataset)
    identifiers = facet_of(dataset, "symlinks").get("identifiers")
    for each in identifiers if key is not None and isinstance(identifiers, list) else ():
        other = dataset_key(each)
        if other is not None and key is not None:
            aliases.join(Named(*key), Named(*other))


def _canonical(datasets: Mapping[Named, ForeignDataset], aliases: Aliases) -> dict[Named, ForeignDataset]:
    found: dict[Named, ForeignDataset] = {}
    for name, dataset in datasets.items():
        kept = found.setdefault(aliases[name], dataset)
        if kept is not dataset:
            kept.columns, kept.lineage = kept.columns or dataset.columns, kept.lineage or dataset.lineage
    return found


def _columns(fields: Any) -> Iterator[tuple[str, str]]:
    for each in fields if isinstance(fields, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("name"), str):
            type_ = each.get("type")
            yield each["name"], type_ if isinstance(type_, str) else ""
