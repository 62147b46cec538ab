"""The stand-in for Marquez answers what a real one was seen to answer."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from recsys_lineage.openlineage.translation.event_parts import facets_of
from tests.lineage.openlineage.marquez import RunningMarquez, running_marquez
from tests.lineage.openlineage.written import CLEAN, RAW, dataset, event, facet, lineage, night, run_id

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def marquez() -> Iterator[RunningMarquez]:
    with running_marquez() as running:
        yield running


def _post(marquez: RunningMarquez, *events: Any) -> list[int]:
    return [
        requests.post(f"{marquez.url}/api/v1/lineage", json=each, timeout=300).status_code for each in events
    ]


def _get(marquez: RunningMarquez, path: str) -> Any:
    answer = requests.get(f"{marquez.url}/api/v1/{path}", timeout=300)
    return answer.json() if answer.ok else answer.status_code


def _comparable(answer: Any, runs: set[str]) -> Any:
    """An answer without the ids that a catalog makes up, lists of objects in one order."""
    if isinstance(answer, dict):
        return {key: _comparable(value, runs) for key, value in answer.items()}
    if isinstance(answer, list):
        items = [_comparable(each, runs) for each in answer]
        return sorted(items, key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(answer, str) and _UUID.fullmatch(answer) and answer not in runs:
        return "an id"
    return answer


def test_the_recorded_requests_get_the_recorded_answers(marquez: RunningMarquez, recorded: Path) -> None:
    calls = [json.loads(line) for line in recorded.read_text().splitlines()]
    runs = {call["body"]["run"]["runId"] for call in calls[:12]}
    for call in calls:
        body = (
            json.dumps(call["body"]) if "body" in call and call["body"] is not None else call.get("body_text")
        )
        answer = requests.request(
            call["method"], marquez.url + call["path"], params=call.get("params"), data=body, timeout=300
        )
        assert answer.status_code == call["status"], call["path"]
        if answer.ok and call["method"] == "GET":
            assert _comparable(answer.json(), runs) == _comparable(call["answer"], runs), call["path"]
        elif answer.status_code in (404, 422):
            assert answer.json() == (
                call["answer"] if isinstance(call["answer"], dict) else json.loads(call["answer"])
            )


def test_a_job_is_named_by_its_parent_unless_it_is_already(marquez: RunningMarquez) -> None:
    whole = night()
    bare = json.loads(json.dumps(whole[1]))
    bare["job"]["name"], bare["run"]["runId"] = "other", run_id(50)
    _post(marquez, *whole, bare)
    names = {job["name"] for job in _get(marquez, "namespaces/shop/jobs")["jobs"]}
    assert names == {"recsys", "recsys.raw_orders", "recsys.orders", "recsys.model", "recsys.other"}


def test_outputs_of_a_failed_run_make_a_version(marquez: RunningMarquez) -> None:
    _post(marquez, event("FAIL", "recsys.a", run_id(1), 1, outputs=[dataset("/lake/a", "x")]))
    assert _get(marquez, "namespaces/file/datasets/%2Flake%2Fa/versions")["totalCount"] == 1


def test_sending_again_changes_nothing_but_a_start_reopens_its_run(marquez: RunningMarquez) -> None:
    events = night()
    _post(marquez, *events)
    paths = ["namespaces/shop/jobs", "namespaces/file/datasets", f"jobs/runs/{run_id(2)}"]
    before = [_get(marquez, path) for path in paths]
    _post(marquez, *events)
    assert [_get(marquez, path) for path in paths] == before
    _post(marquez, events[1])
    assert _get(marquez, f"jobs/runs/{run_id(2)}")["state"] == "RUNNING"
    _post(marquez, events[2])
    assert _get(marquez, f"jobs/runs/{run_id(2)}") == before[2]


def test_older_events_sent_last_turn_the_clock_back(marquez: RunningMarquez) -> None:
    older, newer = night(0), night(1)

    def current() -> Any:
        found = _get(marquez, "namespaces/file/datasets/%2Flake%2Fraw_orders")
        job = _get(marquez, "namespaces/shop/jobs/recsys.raw_orders")
        return found["facets"]["version"]["datasetVersion"], [each["name"] for each in job["inputs"]]

    _post(marquez, *older, *newer)
    assert current() == ("1", ["/srv/2026-11-02.csv"])
    _post(marquez, *older)
    assert current() == ("0", ["/srv/2026-11-01.csv"])


@pytest.mark.parametrize("without", ["output schema", "input schema", "input"])
def test_column_lineage_needs_schemas_and_the_input(without: str, marquez: RunningMarquez) -> None:
    source, target = dataset(RAW, "a"), dataset(CLEAN, "b", columnLineage=lineage(b=[(RAW, "a")]))
    inputs = [] if without == "input" else [source]
    if without == "output schema":
        del target["facets"]["schema"]
    if without == "input schema":
        del source["facets"]["schema"]
    _post(marquez, event("COMPLETE", "recsys.orders", run_id(1), 1, inputs, [target]))
    found = _get(marquez, "namespaces/file/datasets/%2Flake%2Forders")
    assert found["columnLineage"] is None
    assert found["facets"]["columnLineage"]["fields"]


def test_a_symlink_joins_both_ways(marquez: RunningMarquez) -> None:
    links = facet(
        "1-0-1/SymlinksDatasetFacet", identifiers=[{"namespace": "recsys", "name": "orders", "type": "TABLE"}]
    )
    made = dataset(CLEAN, "a", symlinks=links)
    _post(marquez, event("COMPLETE", "recsys.orders", run_id(1), 1, [], [made]))
    _post(marquez, event("COMPLETE", "report", run_id(2), 2, [{"namespace": "recsys", "name": "orders"}]))
    assert _get(marquez, "namespaces/shop/jobs/report")["inputs"] == [
        {"namespace": "recsys", "name": "orders"},
        {"namespace": "file", "name": CLEAN},
    ]


def test_events_of_datasets_describe_and_drop_and_those_of_jobs_make_edges(marquez: RunningMarquez) -> None:
    start = event("START", "recsys.a", run_id(1), 1, [dataset(RAW)])
    static = {key: start[key] for key in ("eventTime", "producer", "job", "inputs", "outputs", "schemaURL")}
    words = facet("1-0-1/DocumentationDatasetFacet", description="orders as they came")
    told = {
        **{key: start[key] for key in ("eventTime", "producer")},
        "dataset": dataset(RAW, documentation=words),
    }
    gone = facet("1-0-1/LifecycleStateChangeDatasetFacet", lifecycleStateChange="DROP")
    assert _post(marquez, static, told) == [201, 201]
    found = _get(marquez, "namespaces/file/datasets/%2Flake%2Fraw_orders")
    assert (found["description"], found["deleted"]) == ("orders as they came", False)
    assert _get(marquez, "namespaces/shop/jobs/recsys.a")["inputs"] == [{"namespace": "file", "name": RAW}]
    _post(marquez, {**told, "dataset": dataset(RAW, lifecycleStateChange=gone)})
    assert _get(marquez, "namespaces/file/datasets/%2Flake%2Fraw_orders")["deleted"] is True
    assert list(facets_of(told))
