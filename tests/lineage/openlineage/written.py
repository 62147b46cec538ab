"""Streams of events, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

PRODUCER = "https://example.org/shop"
_FACETS = "https://openlineage.io/spec/facets"
EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
PARENT = "019a5b60-0000-7000-8000-000000000001"
Event = dict[str, Any]


def facet(path: str, **fields: Any) -> dict[str, Any]:
    """A facet whose schema lies at a path such as `1-1-1/SchemaDatasetFacet`."""
    name = path.partition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}/{path}.json#/$defs/{name}", **fields}


def run_id(number: int) -> str:
    """The id of a run, by a small number."""
    return f"019a5b60-0000-7000-8000-{number:012x}"


def schema(*columns: str) -> dict[str, Any]:
    """A schema facet of columns of one type."""
    fields = [
        {"name": name, "type": "VARCHAR", "ordinal_position": place} for place, name in enumerate(columns, 1)
    ]
    return facet("1-2-0/SchemaDatasetFacet", fields=fields)


def dataset(name: str, *columns: str, namespace: str = "file", version: str = "0", **facets: Any) -> Event:
    """A dataset with columns, a version and further facets."""
    known = {"version": facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=version)}
    if columns:
        known["schema"] = schema(*columns)
    return {"namespace": namespace, "name": name, "facets": {**known, **facets}}


def lineage(**origins: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A column lineage: of each column the (dataset, column) that it is a copy of."""
    fields = {
        column: {
            "inputFields": [
                {
                    "namespace": "file",
                    "name": name,
                    "field": field,
                    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}],
                }
                for name, field in given
            ]
        }
        for column, given in origins.items()
    }
    return facet("1-2-0/ColumnLineageDatasetFacet", fields=fields)


def event(
    type_: str,
    job: str,
    run: str,
    second: int,
    inputs: Sequence[Event] = (),
    outputs: Sequence[Event] = (),
    parent: str | None = None,
    run_facets: Mapping[str, Any] | None = None,
) -> Event:
    """An event of a run, at a second of one night."""
    facets = dict(run_facets or {})
    if parent is not None:
        facets["parent"] = facet(
            "1-1-0/ParentRunFacet", run={"runId": parent}, job={"namespace": "shop", "name": "recsys"}
        )
    kind = facet("2-0-3/JobTypeJobFacet", processingType="BATCH", integration="DAGSTER", jobType="ASSET")
    return {
        "eventType": type_,
        "eventTime": f"2026-11-06T02:{second // 60:02}:{second % 60:02}+00:00",
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": {"runId": run, "facets": facets},
        "job": {"namespace": "shop", "name": job, "facets": {"jobType": kind}},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


RAW, CLEAN = "/lake/raw_orders", "/lake/orders"


def night(number: int = 0) -> list[Event]:
    """One night: a file becomes a table, the table another; a third asset fails."""
    begin, parent = 100 * number, run_id(16 * number + 1)
    raw, clean, failed = (run_id(16 * number + each) for each in (2, 3, 4))
    file = dataset(f"/srv/2026-11-{number + 1:02}.csv", "customer", "price")
    raw_table = dataset(RAW, "customer_id", "amount", version=str(number))
    made_raw = json.loads(json.dumps(raw_table))
    made_raw["facets"]["columnLineage"] = lineage(
        customer_id=[(file["name"], "customer")], amount=[(file["name"], "price")]
    )
    clean_table = dataset(CLEAN, "customer_id", version=str(number))
    made_clean = json.loads(json.dumps(clean_table))
    made_clean["facets"]["columnLineage"] = lineage(customer_id=[(RAW, "customer_id")])
    error = facet("1-0-1/ErrorMessageRunFacet", message="out of memory", programmingLanguage="PYTHON")
    return [
        event("START", "recsys", parent, begin),
        event("START", "recsys.raw_orders", raw, begin + 1, [file], parent=parent),
        event("COMPLETE", "recsys.raw_orders", raw, begin + 3, [file], [made_raw], parent),
        event("START", "recsys.orders", clean, begin + 4, [raw_table], parent=parent),
        event("COMPLETE", "recsys.orders", clean, begin + 6, [raw_table], [made_clean], parent),
        event("START", "recsys.model", failed, begin + 7, [clean_table], parent=parent),
        event("FAIL", "recsys.model", failed, begin + 9, [clean_table], [], parent, {"errorMessage": error}),
        event("FAIL", "recsys", parent, begin + 10, run_facets={"errorMessage": error}),
    ]


def lines(events: Sequence[Event]) -> bytes:
    """Events as JSON lines."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)
