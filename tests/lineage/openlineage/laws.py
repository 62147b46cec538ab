"""What must be true of a stream of events and no schema can say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from recsys_lineage.openlineage.message import Message

Event = Mapping[str, Any]
ENDINGS = ("COMPLETE", "FAIL", "ABORT")


def told(messages: Iterable[Message]) -> list[Event]:
    """The events of messages, none of which is a fault."""
    found = list(messages)
    assert [message.fault for message in found if message.fault is not None] == []
    return [json.loads(message.body) for message in found]


def broken_laws(events: Iterable[Event], *, whole: bool = True) -> list[str]:
    """Each law that a stream breaks, in words.

    Args:
        events: in their order.
        whole: whether all runs have ended.
    """
    faults: list[str] = []
    jobs: dict[str, str] = {}
    state: dict[str, str] = {}
    for event in events:
        faults += _of_one(event)
        if "run" not in event:
            continue
        run, kind = event["run"]["runId"], event["eventType"]
        job = f"{event['job']['namespace']}/{event['job']['name']}"
        if jobs.setdefault(run, job) != job:
            faults.append(f"run {run} belongs to {jobs[run]} and to {job}")
        if kind == "START" and run in state:
            faults.append(f"run {run} has a START behind {state[run]}")
        if kind in ENDINGS and state.get(run) != "START":
            faults.append(f"run {run} ends with {kind} behind {state.get(run)}")
        state[run] = kind
        parent = event["run"]["facets"].get("parent")
        if parent is not None:
            above = parent["run"]["runId"]
            named = f"{parent['job']['namespace']}/{parent['job']['name']}"
            if jobs.get(above) != named:
                faults.append(f"{job} has the parent {above} of {named}, which is {jobs.get(above)}")
            if not event["job"]["name"].startswith(f"{parent['job']['name']}."):
                faults.append(f"{job} is not named below its parent's job {named}")
    if whole:
        faults += [f"run {run} of {jobs[run]} has no end" for run, kind in state.items() if kind == "START"]
    return faults


def _of_one(event: Event) -> list[str]:
    """Whether the column lineage of an event names columns of schemas, and sources among the inputs."""
    faults: list[str] = []
    if "run" in event and not {"inputs", "outputs"} <= event.keys():
        faults.append("inputs or outputs are missing")
    if "job" in event and "run" not in event and {"inputs", "outputs"} & event.keys():
        faults.append("a definition has inputs or outputs")
    if event.get("eventType") != "COMPLETE" and event.get("outputs"):
        faults.append(f"{event.get('eventType')} has outputs")
    inputs = {(each["namespace"], each["name"]): _columns(each) for each in event.get("inputs", ())}
    if len(inputs) != len(event.get("inputs", ())):
        faults.append("a dataset is an input twice")
    for output in event.get("outputs", ()):
        lineage = output["facets"].get("columnLineage", {"fields": {}})
        for column, origin in lineage["fields"].items():
            if column not in _columns(output):
                faults.append(f"column {column} has lineage and is none of the output's")
            for field in origin["inputFields"]:
                columns = inputs.get((field["namespace"], field["name"]))
                if columns is None:
                    faults.append(f"{field['namespace']}/{field['name']} is a source and no input")
                elif field["field"] not in columns:
                    faults.append(f"{field['field']} is a source and none of {sorted(columns)}")
    return faults


def _columns(dataset: Mapping[str, Any]) -> set[str]:
    return {field["name"] for field in dataset["facets"].get("schema", {}).get("fields", ())}
