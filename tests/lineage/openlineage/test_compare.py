"""After our stream a catalog has everything; what is removed, changed or turned round is named, and can be mended."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from recsys_lineage.errors import WrongQuestion
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.catalog.compare import compare
from recsys_lineage.openlineage.catalog.comparison import differences
from recsys_lineage.openlineage.catalog.marquez import CatalogError, Marquez
from recsys_lineage.openlineage.catalog.picture import DatasetPicture, Key, Picture
from recsys_lineage.openlineage.catalog.repair import Comparison
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import Records
from recsys_lineage.records.run_record import RunRecord
from tests.lineage.graph.shop import Shop
from tests.lineage.openlineage.marquez import RunningMarquez, running_marquez
from tests.lineage.records.record_writers import ENGINE

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop in which everything was made twice, and whose second run has ended."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.everything()
    made.file.write_text(made.file.read_text() + "4,b,wed,7\n")
    run_id = made.everything()
    records = Records(made.lake)
    of_run = records.of_run(run_id)
    run = Run(run_id, "by hand", code_location="shop")
    started, ended = min(each.started for each in of_run), max(each.ended for each in of_run)
    records.append([RunRecord(run_id, "success", started, ended, run)])
    return made


@pytest.fixture(scope="module")
def sent(shop: Shop) -> Events:
    """The events of the shop's records."""
    return [json.loads(message.body) for message in Stream(shop.lake).after(None)]


@pytest.fixture
def marquez() -> Iterator[RunningMarquez]:
    with running_marquez() as running:
        yield running


def _send(marquez: RunningMarquez, events: Sequence[dict[str, Any]]) -> None:
    with requests.Session() as session:
        for each in events:
            assert session.post(f"{marquez.url}/api/v1/lineage", json=each, timeout=300).status_code == 201


def _compared(marquez: RunningMarquez, shop: Shop) -> Comparison:
    return compare(Marquez(marquez.url), [shop.lake])


def test_our_whole_stream_is_understood(marquez: RunningMarquez, shop: Shop, sent: Events) -> None:
    _send(marquez, sent)
    found = _compared(marquez, shop)
    assert (found.differences, found.replay_since, found.delete, found.found) == ((), None, (), True)
    assert found.datasets == 6 and found.edges > 10 and found.columns >= 10 and found.runs > 12


def test_a_lake_that_was_moved_is_known_by_where_its_tables_were_written(
    marquez: RunningMarquez, shop: Shop, tmp_path: Path
) -> None:
    moved = Lake(str(shutil.copytree(shop.lake.uri, tmp_path / "moved")), ENGINE)
    _send(marquez, [json.loads(message.body) for message in Stream(moved).after(None)])
    assert compare(Marquez(marquez.url), [moved]).found


def test_an_empty_catalog_lacks_everything_and_a_replay_mends_it(
    marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    found = _compared(marquez, shop)
    assert {each.state for each in found.differences} == {"missing"}
    count = {
        what: sum(each.what == what for each in found.differences) for what in ("dataset", "edge", "run")
    }
    assert count == {"dataset": found.datasets, "edge": found.edges, "run": found.runs}
    assert found.replay_since == min(record.started for record in Records(shop.lake).read()[0])


def _runs(sent: Events) -> dict[str, Events]:
    found: dict[str, Events] = {}
    for each in sent:
        found.setdefault(each["run"]["runId"], []).append(each)
    return found


def _is(job: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["job"]["name"].endswith(f".{job}")


def test_every_run_that_is_left_out_is_named_and_nothing_else_is_blamed(
    marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    for run_id in _runs(sent):
        marquez.held.__init__()
        _send(marquez, [each for each in sent if each["run"]["runId"] != run_id])
        found = _compared(marquez, shop)
        runs = [each for each in found.differences if each.what == "run"]
        assert [(each.state, each.runs) for each in runs] == [("missing", (run_id,))]
        assert all(run_id in each.runs for each in found.differences), found.differences
        assert found.replay_since is not None


def test_an_end_that_is_left_out_leaves_a_running_run(
    marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    last = max(
        place for place, each in enumerate(sent) if _is("shops")(each) and each["eventType"] == "COMPLETE"
    )
    _send(marquez, sent[:last] + sent[last + 1 :])
    found = {(each.state, each.what) for each in _compared(marquez, shop).differences}
    assert {("stale", "state"), ("different", "datasets of run"), ("missing", "checks")} <= found


def test_a_start_that_came_last_is_told_and_whole_runs_mend_it(
    marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    _send(marquez, sent)
    run_id = sent[-2]["run"]["runId"]
    _send(marquez, [each for each in sent if each["run"]["runId"] == run_id and each["eventType"] == "START"])
    found = _compared(marquez, shop)
    assert {(each.state, each.what, each.runs) for each in found.differences} == {
        ("stale", "state", (run_id,)),
        ("missing", "edge", (run_id,)),
    }
    assert found.replay_since is not None
    since = found.replay_since.isoformat()
    _send(marquez, [each for runs in _runs(sent).values() if runs[0]["eventTime"] >= since for each in runs])
    assert _compared(marquez, shop).found


def test_an_older_run_that_came_last_turned_the_clock_back(
    marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    _send(marquez, sent)
    older = next(runs for runs in _runs(sent).values() if _is("orders")(runs[0]))
    _send(marquez, older)
    stale = {
        Path(each.name).name: (each.expected, each.found)
        for each in _compared(marquez, shop).differences
        if (each.state, each.what) == ("stale", "version")
    }
    assert stale == {"orders": ("1", "0")}, "not raw_orders, of which only an older version was read again"


def test_edges_are_those_that_a_catalog_draws(marquez: RunningMarquez, shop: Shop, sent: Events) -> None:
    events = json.loads(json.dumps(sent))
    runs = [run for run in _runs(events).values() if _is("shops")(run[0])]
    for each in runs[0]:
        each["inputs"].append({"namespace": "file", "name": "/srv/old.csv", "facets": {}})
    _send(marquez, events)
    assert not [each for each in _compared(marquez, shop).differences if each.what == "edge"]
    _send(marquez, runs[0])
    found = [each for each in _compared(marquez, shop).differences if each.what == "edge"]
    assert [(each.state, each.name) for each in found] == [("extra", "/srv/old.csv → shop.shops")]


def test_a_picture_that_cannot_be_drawn_is_that_of_the_latest_runs(
    marquez: RunningMarquez, shop: Shop, sent: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_job: str) -> Iterator[Any]:
        raise CatalogError("500")

    _send(marquez, sent)
    monkeypatch.setattr(Marquez, "drawn", fails)
    assert _compared(marquez, shop).found


def test_columns_of_older_versions_are_borne_and_no_others() -> None:
    table, now, before, strange = (
        Key("file", "/lake/orders"),
        ("id", "BIGINT"),
        ("id", "VARCHAR"),
        ("x", "VARCHAR"),
    )
    ours = Picture({table: DatasetPicture(frozenset({now}), "1", before=frozenset({before}))})

    def found(*fields: tuple[str, str]) -> list[tuple[str, str]]:
        theirs = Picture({table: DatasetPicture(frozenset(fields), "1")})
        return [(each.state, each.what) for each in differences(ours, theirs)]

    assert found(now) == found(before, now) == []
    assert found(now, strange) == found(before) == [("different", "fields")]


def _outputs(sent: Events, job: str) -> dict[str, Any]:
    ended = [each for each in sent if _is(job)(each) and each["outputs"]]
    return ended[-1]["outputs"][0]


CHANGES: dict[str, tuple[tuple[str, str], Callable[[Events], Any]]] = {
    "an input is gone": (("missing", "edge"), lambda sent: _newest(sent, "shops")["inputs"].clear()),
    "an input is made up": (
        ("extra", "edge"),
        lambda sent: _newest(sent, "shops")["inputs"].append({"namespace": "file", "name": "/x", "facets": {}}),
    ),
    "an output is made up": (
        ("extra", "dataset"),
        lambda sent: _newest(sent, "shops")["outputs"].append(
            {**_outputs(sent, "shops"), "name": f"{_outputs(sent, 'shops')['name']}_copy"}
        ),
    ),
    "a column is gone": (
        ("different", "fields"),
        lambda sent: _outputs(sent, "report")["facets"]["schema"]["fields"].pop(),
    ),
    "a column's lineage is gone": (
        ("missing", "columns"),
        lambda sent: _outputs(sent, "shops")["facets"]["columnLineage"]["fields"].popitem(),
    ),
    "a way of lineage is another": (
        ("extra", "columns"),
        lambda sent: _first_origin(_outputs(sent, "shops"))["transformations"][0].update(subtype="WINDOW"),
    ),
    "lineage that is not drawn": (
        ("missing", "columns"),
        lambda sent: [each["facets"].pop("schema") for each in _both(sent, "shops")[0]["inputs"]]
        + [each["facets"].pop("schema") for each in _both(sent, "shops")[1]["inputs"]],
    ),
    "a failure": (("different", "state"), lambda sent: _newest(sent, "report").update(eventType="FAIL")),
    "a later end": (
        ("different", "duration"),
        lambda sent: _newest(sent, "report").update(
            eventTime=(datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
        ),
    ),
    "another job": (
        ("different", "run"),
        lambda sent: [each["job"].update(name="shop.other") for each in _both(sent, "report")],
    ),
    "a run of no record": (
        ("extra", "run"),
        lambda sent: sent.append({**sent[0], "run": {"runId": "019a5b60-0000-7000-8000-000000000999"}}),
    ),
}  # fmt: skip


def _newest(sent: Events, job: str) -> dict[str, Any]:
    return [each for each in sent if _is(job)(each)][-1]


def _both(sent: Events, job: str) -> Events:
    return [each for each in sent if _is(job)(each)][-2:]


def _first_origin(output: dict[str, Any]) -> dict[str, Any]:
    return next(iter(output["facets"]["columnLineage"]["fields"].values()))["inputFields"][0]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", CHANGES)
def test_each_change_of_an_event_is_named(
    change: str, marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    events = json.loads(json.dumps(sent))
    expected, make = CHANGES[change]
    make(events)
    if change == "an input is gone":
        _both(events, "shops")[0]["inputs"].clear()
    _send(marquez, events)
    found = _compared(marquez, shop)
    assert expected in {(each.state, each.what) for each in found.differences}, found.differences
    assert (found.replay_since or found.delete) and all(each.name for each in found.differences)


def test_checks_that_are_not_told_are_missing(marquez: RunningMarquez, shop: Shop, sent: Events) -> None:
    told = [
        each for each in sent for out in each["outputs"] if "dataQualityAssertions" in out["outputFacets"]
    ]
    assert told, "every asset has a check of its tagged columns"
    events = json.loads(json.dumps(sent))
    for each in events:
        for out in each["outputs"]:
            out["outputFacets"].pop("dataQualityAssertions", None)
    _send(marquez, events)
    found = _compared(marquez, shop).differences
    assert {(each.state, each.what) for each in found} == {("missing", "checks")}
    assert len(found) == len(told)


def test_other_systems_in_the_same_catalog_are_none_of_our_business(
    marquez: RunningMarquez, shop: Shop, sent: Events
) -> None:
    other = {**sent[0], "job": {"namespace": "spark", "name": "etl"}, "run": {"runId": "x"}}
    _send(marquez, [*sent, {**other, "outputs": [{"namespace": "file", "name": "/elsewhere", "facets": {}}]}])
    assert _compared(marquez, shop).found


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "nothing listens there"),
        ("http://no-such-host.invalid:5000", "its name is unknown"),
    ],
)
def test_a_catalog_that_is_not_there(url: str, words: str, shop: Shop) -> None:
    with pytest.raises(CatalogError, match=words):
        compare(Marquez(url), [shop.lake])


@pytest.mark.parametrize("url", ["localhost:5000", "file:///x", "", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(WrongQuestion, match="http://127"):
        Marquez(url)


def test_credentials_of_an_address_are_in_no_message() -> None:
    with pytest.raises(CatalogError) as told:
        Marquez("http://ann:open-sesame@127.0.0.1:9").namespaces()
    assert "open-sesame" not in str(told.value)
    assert "open-sesame" not in Marquez("http://ann:open-sesame@127.0.0.1:9/api/v1").url


def test_something_else_that_listens_there_is_no_catalog(marquez: RunningMarquez) -> None:
    with pytest.raises(CatalogError, match="not that of a Marquez"):
        Marquez(f"{marquez.url}/deeper").namespaces()
