"""A good stream passes; each rule is broken by one change, and the report names that rule and the event's line."""

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import WrongQuestion
from recsys_lineage.openlineage.translation.event_parts import facets_of
from recsys_lineage.openlineage.validation import Report, validate
from recsys_lineage.openlineage.validation.spec import NoSpec, Spec
from recsys_lineage.openlineage.validation.validator import RULES
from tests.examples import examples
from tests.lineage.openlineage.conftest import SPEC
from tests.lineage.openlineage.written import EVENT, Event, dataset, event, facet, lines, night, run_id

Events = list[Event]


def _report(events: Events, spec: Spec, **how: Any) -> Report:
    return validate(io.BytesIO(lines(events)), spec, **how)


def _later(events: Events, place: int, seconds: int) -> None:
    minute, second = divmod(seconds, 60)
    events[place]["eventTime"] = f"2026-11-06T02:{minute:02}:{second:02}+00:00"


def _made(events: Events) -> Event:
    return events[2]["outputs"][0]["facets"]


def _moved(events: Events, source: int, target: int) -> None:
    """Move an event, and give all of them the times of their new places."""
    events.insert(target, events.pop(source))
    for place in range(len(events)):
        _later(events, place, place)


def _again(events: Events, version: str) -> None:
    """Add a further run of the same asset."""
    start, end = deepcopy(events[1:3])
    for second, each in ((7, start), (8, end)):
        each["run"]["runId"] = run_id(99)
        each["eventTime"] = f"2026-11-06T02:00:{second:02}+00:00"
    end["outputs"][0]["facets"]["version"]["datasetVersion"] = version
    events[7:7] = [start, end]
    for place in (9, 10):
        if place < len(events):
            _later(events, place, place + 1)


def _older_version_last(events: Events) -> None:
    _set("2.outputs.0.facets.version.datasetVersion", "5")(events)
    _again(events, "4")


def _set(path: str, value: Any) -> Callable[[Events], None]:
    """Sets what stands at a path such as `2.outputs.0.name`."""

    def change(events: Events) -> None:
        *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        holder: Any = events
        for step in way:
            holder = holder[step]
        holder[last] = value

    return change


def _static(events: Events) -> None:
    job = {key: events[1][key] for key in ("eventTime", "producer", "job", "inputs", "outputs")}
    events.append({**job, "schemaURL": EVENT.replace("RunEvent", "JobEvent")})


_FIELD = {"namespace": "file", "name": "/srv/2026-11-01.csv", "field": "price"}
BROKEN: dict[str, list[Callable[[Events], object]]] = {
    "json": [],
    "schema": [
        _set("2.run.runId", "17"),
        _set("2.eventTime", "2026-11-06 02:00"),
        _set("2.eventType", "DONE"),
        _set("0.producer", "the shop"),
        _set("2.outputs.0.facets.schema.fields.0.ordinal_position", "1"),
        _set("2.outputs.0.facets.columnLineage.fields.amount", {}),
        _set("2.outputs.0.facets.note", {"text": "no producer"}),
        _set("1.inputs.0.name", 7),
        _set("0.job.facets", []),
    ],
    "schema-url": [
        _set("1.schemaURL", EVENT.replace("RunEvent", "JobEvent")),
        lambda events: _made(events)["version"].update(
            _schemaURL="https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/No"
        ),
    ],
    "facet-name": [lambda events: _made(events).update(edition=_made(events)["version"])],
    "facet-place": [
        lambda events: events[1]["run"]["facets"].update(version=_made(events)["version"]),
        _set("1.inputs.0.inputFacets", {"version": dataset("x")["facets"]["version"]}),
    ],
    "job-type": [_set("1.job.facets", {})],
    "lists-there": [lambda events: events[0].pop("outputs")],
    "no-static-edges": [_static],
    "no-early-outputs": [_set("1.outputs", [dataset("/lake/raw_orders")]), _set("6.outputs", [dataset("/lake/m")])],
    "one-job": [_set("2.job.name", "recsys.other"), _set("1.run.facets.parent.job.namespace", "shop2")],
    "start-first": [lambda events: events.pop(3)],
    "start-once": [lambda events: events.insert(2, deepcopy(events[1]))],
    "one-end": [
        lambda events: events.pop(6),
        lambda events: events.insert(3, {**deepcopy(events[2]), "eventType": "FAIL", "outputs": []}),
    ],
    "times-in-order": [lambda events: _later(events, 2, 0), _set("1.eventTime", "2026-11-06T01:59:59+00:00")],
    "parent-first": [lambda events: _moved(events, 0, 1), _set("1.run.facets.parent.run.runId", run_id(77))],
    "parent-last": [lambda events: _moved(events, 7, 6), lambda events: _moved(events, 7, 5)],
    "one-parent": [_set("2.run.facets.parent.run.runId", run_id(2))],
    "named-by-parent": [
        lambda events: [each["job"].update(name="raw_orders") for each in events[1:3]],
    ],
    "versions-in-order": [_older_version_last],
    "dataset-once": [lambda events: events[1]["inputs"].append(events[1]["inputs"][0])],
    "column-once": [
        lambda events: _made(events)["schema"]["fields"].append(
            {"name": "amount", "type": "DOUBLE", "ordinal_position": 3}
        )
    ],
    "ordinals": [_set("2.outputs.0.facets.schema.fields.0.ordinal_position", 0)],
    "lineage-has-schema": [
        lambda events: _made(events).pop("schema"),
        lambda events: events[2]["inputs"][0]["facets"].pop("schema"),
    ],
    "lineage-input": [
        _set("2.outputs.0.facets.columnLineage.fields.amount.inputFields.0.name", "/srv/other.csv"),
        _set("2.outputs.0.facets.columnLineage.dataset", [{**_FIELD, "name": "/srv/other.csv"}]),
    ],
    "lineage-column": [
        _set("2.outputs.0.facets.columnLineage.fields.amount.inputFields.0.field", "cost"),
        _set("2.outputs.0.facets.columnLineage.fields.cost", {"inputFields": [_FIELD]}),
    ],
    "no-credentials": [_set("1.inputs.0.namespace", "postgres://ann:secret@db:5432")],
    "catalog-names": [
        _set("1.inputs.0.namespace", "my shop"),
        _set("1.inputs.0.namespace", "a" * 1025),
        _set("1.inputs.0.name", "a" * 256),
        _set("1.inputs.0.name", ""),
    ],
}  # fmt: skip
FOLLOWS = {
    "schema": set(RULES),
    "one-job": {"named-by-parent"},
    "one-end": {"parent-last"},
    "parent-first": {"one-parent"},
    "one-parent": {"parent-first"},
    "no-credentials": {"lineage-input"},
    "catalog-names": {"lineage-input"},
}
"""What a change of one rule cannot but break beside it."""
_CASES = [(rule, number) for rule, changes in BROKEN.items() for number in range(len(changes))]


def test_a_good_stream_passes(spec: Spec) -> None:
    events = night(0) + night(1)
    report = _report(events, spec)
    assert (report.rules, report.faults, report.unknown_schemas) == ({}, (), {})
    assert (report.events, report.runs, report.found) == (16, 8, True)


def test_what_was_sent_to_a_real_catalog_passes(spec: Spec, recorded: Path) -> None:
    sent = [json.loads(line)["body"] for line in recorded.read_text().splitlines()[:12]]
    assert _report(sent, spec).rules == {}


@pytest.mark.parametrize(("rule", "number"), _CASES)
def test_each_change_breaks_its_rule_and_no_other(rule: str, number: int, spec: Spec) -> None:
    events = night()
    before = deepcopy(events)
    BROKEN[rule][number](events)
    report = _report(events, spec)
    assert rule in report.rules
    assert set(report.rules) - {rule} <= FOLLOWS.get(rule, set()), report.faults
    changed = {place for place, each in enumerate(events, 1) if each not in before}
    if changed and rule != "one-end":
        assert {fault.line for fault in report.faults} & changed
    assert all(fault.message and fault.place.startswith("$") for fault in report.faults)
    assert _report(events, spec, ignored=[*report.rules]).found


def test_every_rule_has_a_change_that_breaks_it() -> None:
    assert [rule for rule in RULES if rule not in BROKEN] == []
    assert [rule for rule, changes in BROKEN.items() if not changes] == ["json"]


def test_broken_lines_are_faults_with_their_lines(spec: Spec) -> None:
    body = lines(night()[:1]) + b'{"eventType": \n' + lines(night()[1:])
    report = validate(io.BytesIO(body), spec)
    assert report.rules == {"json": 1}
    assert report.faults[0].line == 2


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_any_prefix_of_a_good_stream_lacks_only_its_ends(data: st.DataObject) -> None:
    if not SPEC.is_dir():
        pytest.skip("needs the schemas of OpenLineage")
    events = night(0) + night(1)
    count = data.draw(st.integers(1, len(events)))
    prefix = _report(events[:count], _SPEC[0])
    open_ = {each["run"]["runId"] for each in events[:count] if each["eventType"] == "START"} - {
        each["run"]["runId"] for each in events[:count] if each["eventType"] != "START"
    }
    assert prefix.rules == ({"one-end": len(open_)} if open_ else {})
    start = data.draw(st.integers(0, count - 1))
    assert _report(events[start:count], _SPEC[0], is_part=True).rules == {}


_SPEC = [Spec(str(SPEC))] if SPEC.is_dir() else []


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_whatever_is_put_into_an_event_is_a_fault_or_none_and_never_an_exception(data: st.DataObject) -> None:
    if not _SPEC:
        pytest.skip("needs the schemas of OpenLineage")
    events = night()
    junk = (
        st.none()
        | st.integers()
        | st.text(max_size=3)
        | st.lists(st.integers(), max_size=2)
        | st.just({"a": []})
    )
    holder: Any = data.draw(st.sampled_from(events))
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or not holder[key] or data.draw(st.booleans()):
            holder[key] = data.draw(junk)
            break
        holder = holder[key]
    report = _report(events, _SPEC[0])
    assert sum(report.rules.values()) >= len(report.faults)


def test_facets_of_others_are_named_and_are_no_fault(spec: Spec) -> None:
    events = night()
    url = "https://example.org/ModelFacet.json#/$defs/ModelFacet"
    for each in events:
        each["run"]["facets"]["spark_version"] = {
            "_producer": "https://x.org",
            "_schemaURL": url,
            "v": [3, 5],
        }
    report = _report(events, spec)
    assert report.found
    assert report.unknown_schemas == {url: len(events)}


def test_every_format_of_the_official_schemas_is_checked(spec: Spec) -> None:
    from jsonschema import Draft202012Validator

    named = {word for path in SPEC.rglob("*.json") for word in _formats(json.loads(path.read_text()))}
    assert {"uuid", "date-time", "uri"} <= named
    assert named <= set(Draft202012Validator.FORMAT_CHECKER.checkers)


def _formats(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("format"), str):
            yield node["format"]
        for value in node.values():
            yield from _formats(value)
    elif isinstance(node, list):
        for value in node:
            yield from _formats(value)


def test_facets_are_found_wherever_they_stand() -> None:
    given = event("START", "recsys", run_id(1), 0)
    given["dataset"] = dataset("d")
    mark = facet("1-0-0/X")
    for holder, group in (
        (given["run"], "facets"), (given["job"], "facets"), (given["dataset"], "facets"),
    ):  # fmt: skip
        holder[group]["x"] = mark
    given["inputs"] = [{"namespace": "n", "name": "i", "facets": {"x": mark}, "inputFacets": {"x": mark}}]
    given["outputs"] = [{"namespace": "n", "name": "o", "facets": {"x": mark}, "outputFacets": {"x": mark}}]
    found = [part for part in facets_of(given) if part.name == "x"]
    assert [part.kind for part in found] == [
        "RunFacet", "JobFacet", "DatasetFacet", "DatasetFacet", "InputDatasetFacet", "DatasetFacet",
        "OutputDatasetFacet",
    ]  # fmt: skip


def test_memory_does_not_grow_with_the_number_of_faults(spec: Spec) -> None:
    def many(count: int) -> Iterator[Event]:
        for number in range(count):
            yield event("COMPLETE", "recsys.a", run_id(number), 1)

    def peak(count: int) -> int:
        body = lines(list(many(count)))
        tracemalloc.start()
        try:
            report = validate(io.BytesIO(body), spec)
            assert report.rules == {"start-first": count}
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(300) - peak(50) < 250 * 1_000


def test_an_unknown_rule_is_a_wrong_question(spec: Spec) -> None:
    with pytest.raises(WrongQuestion, match="start-first"):
        validate(io.BytesIO(b""), spec, ignored=["start-frist"])


@contextmanager
def _mirror(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A web server with the schemas, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            path = SPEC / self.path.removeprefix("/spec/")
            found = status if status != 200 else 200 if path.is_file() else 404
            self.send_response(found)
            self.end_headers()
            if found == 200:
                self.wfile.write(path.read_bytes())

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/spec", asked
    finally:
        server.shutdown()
        server.server_close()


def test_schemas_are_fetched_once_and_those_of_others_never(spec: Spec, tmp_path: Path) -> None:
    events = night()
    own = facet("9-9-9/NoSuchFacet")
    events[0]["run"]["facets"] |= {"no": own, "foreign": {**own, "_schemaURL": "http://127.0.0.1:9/x.json"}}
    with _mirror() as (url, asked):
        report = validate(io.BytesIO(lines(events)), Spec(url, tmp_path))
        assert report.found
        assert set(report.unknown_schemas) == {own["_schemaURL"], "http://127.0.0.1:9/x.json"}
        assert len(asked) == len(set(asked)) > 3
        fetched = set(asked) - {"/spec/facets/9-9-9/NoSuchFacet.json"}
        asked.clear()
        validate(io.BytesIO(lines(night())), Spec(url, tmp_path))
        assert not asked and fetched


@pytest.mark.parametrize("status", [404, 500])
def test_a_mirror_without_schemas_is_told_apart_from_a_facet_without_one(
    status: int, tmp_path: Path, spec: Spec
) -> None:
    with _mirror(status) as (url, _), pytest.raises(NoSpec, match="OPENLINEAGE_SPEC"):
        validate(io.BytesIO(lines(night())), Spec(url, tmp_path))


def test_offline_says_what_to_do_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NoSpec, match="in OPENLINEAGE_SPEC"):
        validate(io.BytesIO(lines(night())), Spec("http://127.0.0.1:9/spec", tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(NoSpec, match="no schemas"):
        Spec(str(tmp_path))
