"""Run rules: constraints that no schema can express on a stream: runs begin and end once, in order, below known
parents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recsys_lineage.openlineage.translation.event_parts import dataset_key, datasets_of, facet_of
from recsys_lineage.openlineage.translation.moments import moment
from recsys_lineage.openlineage.validation.fault import Fault

TERMINAL = ("COMPLETE", "FAIL", "ABORT")


@dataclass(slots=True)
class _Run:
    """State kept about a run; a few hundred bytes each."""

    job: tuple[str, str]
    begun: datetime | None = None
    last: datetime | None = None
    end: str | None = None
    parent: str | None = None
    line: int = 0


class RunRules:
    """Checker of the runs in a stream.

    Args:
        is_part: whether the stream is a part of a longer one, so that runs may begin before it and end after it.
    """

    def __init__(self, is_part: bool = False) -> None:
        self._is_part = is_part
        self._runs: dict[str, _Run] = {}
        self._jobs: dict[tuple[str, str], tuple[str, str]] = {}
        self._open_children: dict[str, int] = {}
        self._versions: dict[tuple[str, str], int] = {}

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self._runs)

    def faults(self, event: Mapping[str, Any], line: int = 0) -> Iterator[Fault]:
        """Faults of the next event of the stream."""
        job = dataset_key(event.get("job"))
        run_id = text_of(event.get("run"), "runId")
        if job is not None and not facet_of(event.get("job"), "jobType").get("jobType"):
            yield Fault("job-type", "expected the facet jobType with a jobType", "$.job.facets")
        if run_id is None or job is None:
            if "run" not in event and job is not None and (event.get("inputs") or event.get("outputs")):
                yield Fault(
                    "no-static-edges", "a job's event lists datasets, which makes edges that no run made"
                )
            return
        type_ = event.get("eventType")
        for side in ("inputs", "outputs"):
            if not isinstance(event.get(side), list):
                yield Fault(
                    "lists-there", f"expected the list {side}, empty where there are none", f"$.{side}"
                )
        if type_ != "COMPLETE" and event.get("outputs"):
            yield Fault(
                "no-early-outputs", f"outputs on {type_}: a catalog makes a version of them, as if they were written",
                "$.outputs",
            )  # fmt: skip
        yield from self._order(event, run_id, job, type_, line)
        if type_ == "COMPLETE":
            yield from self._versions_in_order(event)

    def at_the_end(self) -> Iterator[Fault]:
        """Faults known at the end of the stream, such as missing events."""
        for run_id, run in self._runs.items():
            if run.end is None and not self._is_part:
                message = f"the run {run_id} has no COMPLETE, FAIL or ABORT"
                yield Fault("one-end", message, line=run.line, event=f"{run.job[1]} {run_id}")

    def _order(
        self, event: Mapping[str, Any], run_id: str, job: tuple[str, str], type_: Any, line: int
    ) -> Iterator[Fault]:
        run, when = self._runs.get(run_id), moment(event.get("eventTime"))
        if run is None:
            run = self._runs[run_id] = _Run(self._jobs.setdefault(job, job), line=line)
            if type_ != "START" and not self._is_part:
                yield Fault("start-first", f"the run's first event is {type_}", "$.eventType")
        elif type_ == "START":
            found = "has ended already" if run.end else "has started already"
            yield Fault("start-once", f"a START of a run that {found}", "$.eventType")
        if run.job != job:
            yield Fault("one-job", f"the run belongs to {run.job[1]}, this event to {job[1]}", "$.job")
        if run.end is not None and type_ != "START":
            yield Fault("one-end", f"{type_} after {run.end}", "$.eventType")
        if when is not None and run.last is not None and when < run.last:
            yield Fault(
                "times-in-order", f"{when} is before {run.last}, of the event before it", "$.eventTime"
            )
        yield from self._below_parent(event, run_id, run, job, when)
        run.begun = run.begun or when
        run.last = max(when, run.last) if when and run.last else when or run.last
        if type_ in TERMINAL and run.end is None:
            run.end = type_
            if run.parent is not None:
                self._open_children[run.parent] -= 1
            if self._open_children.get(run_id):
                yield Fault("parent-last", f"{self._open_children[run_id]} runs below it have not ended")

    def _below_parent(
        self, event: Mapping[str, Any], run_id: str, run: _Run, job: tuple[str, str], when: datetime | None
    ) -> Iterator[Fault]:
        facet, place = facet_of(event.get("run"), "parent"), "$.run.facets.parent"
        parent = text_of(facet.get("run"), "runId")
        if parent is None:
            return
        named = dataset_key(facet.get("job"))
        if named is not None and not (job[0] == named[0] and job[1].startswith(f"{named[1]}.")):
            message = f"expected a name that begins with {named[1]}., as catalogs name jobs by their parent"
            yield Fault("named-by-parent", f"{message}; found {job[1]}", "$.job.name")
        known = self._runs.get(parent)
        if parent == run_id:
            yield Fault("parent-first", "the run is its own parent", place)
        elif known is None:
            if not self._is_part:
                yield Fault("parent-first", f"no event of the parent {parent} came before", place)
        else:
            if named is not None and known.job != named:
                yield Fault(
                    "one-job", f"the parent run belongs to {known.job[1]}, not to {named[1]}", f"{place}.job"
                )
            if known.begun is not None and when is not None and when < known.begun:
                yield Fault(
                    "times-in-order", f"{when} is before the parent began, {known.begun}", "$.eventTime"
                )
            if run.parent is None and known.end is not None:
                yield Fault("parent-last", f"the parent had its {known.end} before", place)
        if run.parent is None and run.end is None:
            run.parent = parent
            self._open_children[parent] = self._open_children.get(parent, 0) + 1
        elif run.parent is not None and run.parent != parent:
            yield Fault("one-parent", f"the parent was {run.parent}, and is {parent} now", place)
        root = facet.get("root")
        above = self._runs.get(text_of(root.get("run"), "runId") or "") if isinstance(root, Mapping) else None
        if above is not None and isinstance(root, Mapping) and dataset_key(root.get("job")) != above.job:
            yield Fault("one-job", f"the root run belongs to {above.job[1]}", f"{place}.root.job")

    def _versions_in_order(self, event: Mapping[str, Any]) -> Iterator[Fault]:
        """Faults of versions out of order, because a catalog takes the version that arrived last for the current
        one."""
        for place, dataset in datasets_of(event, "outputs"):
            key, version = dataset_key(dataset), facet_of(dataset, "version").get("datasetVersion")
            if key is None or not (isinstance(version, str) and version.isdecimal()):
                continue
            before = self._versions.get(key, -1)
            change = facet_of(dataset, "lifecycleStateChange").get("lifecycleStateChange")
            if int(version) < before and change not in ("CREATE", "DROP"):
                yield Fault(
                    "versions-in-order",
                    f"version {version} of {key[1]} after {before}",
                    f"{place}.facets.version",
                )
            self._versions[key] = int(version)


def text_of(holder: Any, name: str) -> str | None:
    """A text of an object; None where it has none."""
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return value if isinstance(value, str) else None
