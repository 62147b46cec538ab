"""Events as JSON objects, and as the bytes that are sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from recsys_lineage.openlineage.facets.facet import PRODUCER, Json, serialised
from recsys_lineage.openlineage.translation.naming import JobName
from recsys_lineage.records.parts.url_secrets import may_hold_secrets, without_secrets

_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
Ending = Literal["COMPLETE", "FAIL", "ABORT"]


def run_event(
    kind: str,
    moment: str,
    run_id: str,
    facets: Json,
    job: Json,
    inputs: Sequence[Json] = (),
    outputs: Sequence[Json] = (),
) -> Json:
    """A RunEvent; inputs and outputs are always present, possibly empty."""
    return {
        "eventType": kind,
        "eventTime": moment,
        "producer": PRODUCER,
        "schemaURL": f"{_SCHEMA}RunEvent",
        "run": {"runId": run_id, "facets": facets},
        "job": job,
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def dataset_event(moment: str, dataset: Json) -> Json:
    """A DatasetEvent: facts about a dataset apart from any run."""
    return {
        "eventTime": moment,
        "producer": PRODUCER,
        "schemaURL": f"{_SCHEMA}DatasetEvent",
        "dataset": dataset,
    }


def job_event(moment: str, job: Json) -> Json:
    """A JobEvent without inputs and outputs, because catalogs turn these into edges although nothing ran."""
    return {"eventTime": moment, "producer": PRODUCER, "schemaURL": f"{_SCHEMA}JobEvent", "job": job}


def job_object(name: JobName, facets: Json) -> Json:
    """A job in the form of events."""
    return {**name._asdict(), "facets": facets}


def body_of(event: Json) -> bytes:
    """An event as UTF-8 JSON with sorted keys, equal to the client's own serialisation but some fifty times faster.

    Credentials in URLs are removed from every event.
    """
    try:
        body = serialised(event)
    except TypeError:  # numbers beyond 64 bits, halves of characters
        body = json.dumps(event, sort_keys=True, default=str).encode()
    return without_secrets(body.decode()).encode() if may_hold_secrets(body) else body


def id_of(event: Json) -> str:
    """Identity of an event, the same each time it is made: its run and kind; for a dataset's observation its time,
    because it may be observed again; for a job its definition.
    """
    if "run" in event:
        return f"{event['run']['runId']}/{event['eventType']}"
    if "dataset" in event:
        dataset = event["dataset"]
        return f"dataset/{dataset['namespace']}/{dataset['name']}/{_content(dataset)}/{event['eventTime']}"
    job = event["job"]
    return f"job/{job['namespace']}/{job['name']}/{_content(job)}"


def key_of(event: Json) -> str:
    """Ordering key of an event: its job, or its dataset."""
    named = event["job"] if "job" in event else event["dataset"]
    return f"{named['namespace']}/{named['name']}"


def _content(named: Json) -> str:
    version = named["facets"].get("version")
    if version is not None:
        return version["datasetVersion"]
    return hashlib.sha256(body_of(named)).hexdigest()[:32]
