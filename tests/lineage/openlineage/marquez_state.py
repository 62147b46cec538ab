"""What a Marquez holds: what it makes of events, as a running one was seen to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from recsys_lineage.openlineage.translation.moments import moment

Key = tuple[str, str]
_DONE = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
_STATES = {**_DONE, "START": "RUNNING", "RUNNING": "RUNNING"}


@dataclass
class HeldVersion:
    """A version of a dataset: one for each run that listed it as an output."""

    id: str
    created: str
    run: str | None
    fields: list[dict[str, Any]] = field(default_factory=list)
    facets: dict[str, Any] = field(default_factory=dict)
    lifecycle: str = ""

    def add(self, fields: list[dict[str, Any]]) -> None:
        """Add fields: of who wrote it, and of all who read the dataset while it was current."""
        known = {(each["name"], each.get("type")): each for each in (*self.fields, *fields)}
        self.fields = list(known.values())


@dataclass
class HeldDataset:
    key: Key
    created: str
    updated: str
    versions: dict[str, HeldVersion] = field(default_factory=dict)
    current: str | None = None
    symlinks: dict[Key, None] = field(default_factory=dict)
    origins: dict[str, dict[tuple[Key, str], None]] = field(default_factory=dict)
    description: str | None = None
    lifecycle: str = ""

    @property
    def deleted(self) -> bool:
        return self.lifecycle == "DROP"

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Fields of the current version."""
        return self.versions[self.current].fields if self.current else []


@dataclass
class HeldRun:
    id: str
    job: Key
    created: str
    updated: str
    state: str | None = None
    started: str | None = None
    ended: str | None = None
    facets: dict[str, Any] = field(default_factory=dict)
    inputs: dict[Key, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[Key, dict[str, Any]] = field(default_factory=dict)
    columns: dict[Key, set[str]] = field(default_factory=dict)


@dataclass
class HeldJob:
    key: Key
    created: str
    updated: str
    parent: Key | None = None
    inputs: dict[Key, None] = field(default_factory=dict)
    outputs: dict[Key, None] = field(default_factory=dict)
    facets: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, HeldRun] = field(default_factory=dict)


class Marquez:
    """What the events so far come to.

    Attributes:
        received: the bodies of all events that were stored, in order.
    """

    def __init__(self) -> None:
        self.datasets: dict[Key, HeldDataset] = {}
        self.jobs: dict[Key, HeldJob] = {}
        self.runs: dict[str, HeldRun] = {}
        self.aliases: dict[Key, Key] = {}
        self.received: list[dict[str, Any]] = []

    # --- taking events ------------------------------------------------------------------------------------

    def take(self, event: dict[str, Any]) -> None:
        """Store an event."""
        when = _time(event["eventTime"])
        self.received.append(event)
        if "dataset" in event:
            self._seen(event["dataset"], when)
            return
        job = self._job(event, when)
        inputs, outputs = event.get("inputs") or [], event.get("outputs") or []
        if "run" not in event:
            job.inputs = {self._seen(each, when).key: None for each in inputs} or job.inputs
            job.outputs = {self._written(each, when, None).key: None for each in outputs} or job.outputs
            return
        run = self._run(event, job, when)
        for each in inputs:
            key = self._seen(each, when).key
            run.inputs[key] = each.get("inputFacets", {})
            given = each.get("facets", {}).get("schema", {}).get("fields") or ()
            run.columns[key] = run.columns.get(key, set()) | {column["name"] for column in given}
        for each in outputs:
            run.outputs[self._written(each, when, run).key] = each.get("outputFacets", {})
        # What is drawn is that of the event that came last, whenever it happened.
        is_done = event["eventType"] in _DONE
        job.inputs = dict.fromkeys(run.inputs) if is_done or inputs else {}
        job.outputs = dict.fromkeys(run.outputs) if is_done or outputs else {}

    def _job(self, event: dict[str, Any], when: str) -> HeldJob:
        namespace, name = event["job"]["namespace"], event["job"]["name"]
        above = event.get("run", {}).get("facets", {}).get("parent", {}).get("job")
        if above is not None and not name.startswith(f"{above['name']}."):
            name = f"{above['name']}.{name}"
        job = self.jobs.setdefault((namespace, name), HeldJob((namespace, name), when, when))
        job.updated = when
        job.facets |= event["job"].get("facets", {})
        if above is not None:
            job.parent = (above["namespace"], above["name"])
        return job

    def _run(self, event: dict[str, Any], job: HeldJob, when: str) -> HeldRun:
        id_ = event["run"]["runId"]
        run = self.runs.setdefault(id_, HeldRun(id_, job.key, when, when))
        job.runs[id_] = run
        run.updated = when
        run.state = _STATES.get(event["eventType"], run.state)
        if event["eventType"] == "START":
            run.started = when
        if event["eventType"] in _DONE:
            run.ended = when
        run.facets |= event["run"].get("facets", {})
        return run

    def _seen(self, given: dict[str, Any], when: str) -> HeldDataset:
        key = (given["namespace"], given["name"])
        key = self.aliases.get(key, key)
        facets = given.get("facets", {})
        dataset = self.datasets.setdefault(key, HeldDataset(key, when, when))
        dataset.updated = when
        dataset.description = facets.get("documentation", {}).get("description", dataset.description)
        dataset.lifecycle = facets.get("lifecycleStateChange", {}).get(
            "lifecycleStateChange", dataset.lifecycle
        )
        for each in facets.get("symlinks", {}).get("identifiers", ()):
            link = (each["namespace"], each["name"])
            dataset.symlinks[link] = None
            self.aliases[link] = key
        given_fields = facets.get("schema", {}).get("fields") or []
        if dataset.current is None:
            self._version(dataset, when, None)
        if dataset.current is not None:
            dataset.versions[dataset.current].add(given_fields)
            dataset.versions[dataset.current].facets |= facets | given.get("inputFacets", {})
        return dataset

    def _written(self, given: dict[str, Any], when: str, run: HeldRun | None) -> HeldDataset:
        key = (given["namespace"], given["name"])
        is_new = key not in self.datasets
        dataset = self.datasets.setdefault(key, HeldDataset(key, when, when))
        before = dataset.versions.copy() if not is_new else {}
        self._version(dataset, when, run)
        assert dataset.current is not None
        if dataset.current not in before:
            dataset.versions[dataset.current].facets = {}
        self._seen(given, when)
        dataset.versions[dataset.current].lifecycle = dataset.lifecycle
        self._columns(dataset, given.get("facets", {}), run)
        return dataset

    def _version(self, dataset: HeldDataset, when: str, run: HeldRun | None) -> None:
        id_ = str(uuid5(NAMESPACE_URL, f"{dataset.key}/{run.id if run else None}"))
        dataset.versions.setdefault(id_, HeldVersion(id_, when, run.id if run else None))
        dataset.current = id_

    def _columns(self, dataset: HeldDataset, facets: dict[str, Any], run: HeldRun | None) -> None:
        """Column lineage is kept where the output has the column, and the input is listed and carries a schema."""
        lineage = facets.get("columnLineage")
        if lineage is None or run is None:
            return
        dataset.origins = {}
        names = {each["name"] for each in dataset.fields}
        for column, origin in lineage.get("fields", {}).items():
            for each in origin["inputFields"]:
                key = (each["namespace"], each["name"])
                key = self.aliases.get(key, key)
                known = run.columns.get(key, ())
                if column in names and each["field"] in known:
                    dataset.origins.setdefault(column, {})[key, each["field"]] = None


def _time(text: str) -> str:
    when = moment(text)
    assert when is not None
    return when.isoformat().replace("+00:00", "Z")
