"""Other systems' events are kept as they came, and lineage goes across the borders of systems."""

import io
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.graph import columns, downstream, impact, paths, runs, upstream
from recsys_lineage.graph.questions.target import UnknownTarget
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.delivery.event_lines import read_events
from recsys_lineage.openlineage.intake.foreign_runs import Aliases, Named
from recsys_lineage.openlineage.intake.imported_lineage import graph_with_imports
from recsys_lineage.openlineage.intake.imports import TABLE, Imports
from recsys_lineage.openlineage.intake.receiving import Received, receive
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.validation.official_schemas import Schemas
from recsys_lineage.openlineage.validation.spec import Spec
from recsys_lineage.records.records import Records
from tests.examples import examples
from tests.lineage.graph.shop import Shop
from tests.lineage.openlineage.peers import airflow_copy, dbt_model, spark_write
from tests.lineage.openlineage.written import Event, lines, night, run_id
from tests.lineage.records.record_writers import ENGINE

S3, PG = "s3://landing", "postgres://db:5432"
LANDING, COPY, REPORT = (S3, "orders"), (PG, "shop.public.shops"), (PG, "shop.analytics.report")
HOUR = timedelta(hours=1)


def _import(lake: Lake, events: list[Event], schemas: Schemas | None = None) -> Received:
    return receive(read_events(io.BytesIO(lines(events))), Imports(lake), schemas)


def _crossing(shop: Shop) -> list[Event]:
    """Spark writes the shop's file, Airflow copies a table of the shop, dbt makes a report of the copy."""
    records = Records(shop.lake).read()[0]
    begin, end = min(each.started for each in records), max(each.ended for each in records)
    table = ("file", str(Path(shop.lake.uri) / "shops"))
    return [
        *spark_write(
            run_id(1),
            begin - 2 * HOUR,
            begin - HOUR,
            LANDING,
            ("file", str(shop.file.parent)),
            ["id", "shop"],
        ),
        *airflow_copy(run_id(2), end + HOUR, end + 2 * HOUR, table, COPY),
        *dbt_model(run_id(3), end + 3 * HOUR, end + 4 * HOUR, COPY, REPORT, ["shop", "total"]),
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop between a Spark job, an Airflow task and a dbt model."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.everything()
    _import(made.lake, _crossing(made))
    return made


def _label(dataset: tuple[str, str], version: int = 1) -> str:
    return f"dataset:{dataset[0]}::{dataset[1]}@{version}"


def test_upstream_goes_through_all_systems_back_to_where_it_began(shop: Shop) -> None:
    found = upstream(graph_with_imports([shop.lake]), f"dataset:{REPORT[1]}")
    ids = {node.id for node in found.nodes}
    folder = _label(("file", str(shop.file.parent)))
    assert {
        _label(REPORT),
        _label(COPY),
        "shops@0",
        "orders@0",
        "raw_orders@0",
        folder,
        _label(LANDING, 0),
    } <= ids
    assert [Path(node.name).name for node in found.nodes if node.kind == "file"] == [shop.file.name]
    links = {(link.source, link.target) for link in found.links}
    assert {("shops@0", _label(COPY)), (_label(COPY), _label(REPORT)), (_label(LANDING, 0), folder)} <= links


def test_impact_reaches_what_others_made_and_orders_it_across_systems(shop: Shop) -> None:
    found = impact(graph_with_imports([shop.lake]), f"dataset:{LANDING[0]}::{LANDING[1]}")
    order = [name.removeprefix("dataset:") for name in found.rebuild]
    chain = [f"file::{shop.file.parent}", "raw_orders", "orders", "shops", "::".join(COPY), "::".join(REPORT)]
    assert [name for name in order if name in chain] == chain


def test_a_way_leads_from_a_foreign_table_to_a_foreign_report(shop: Shop) -> None:
    graph = graph_with_imports([shop.lake])
    found = paths(graph, f"dataset:{LANDING[1]}", f"dataset:{REPORT[1]}")
    assert found.found
    assert all(
        path[0].source == _label(LANDING, 0) and path[-1].target == _label(REPORT) for path in found.paths
    )


def test_columns_are_followed_through_what_others_say_of_them(shop: Shop) -> None:
    graph = graph_with_imports([shop.lake])
    found = columns(graph, f"dataset:{REPORT[1]}.total")
    links = {(link.source, link.source_column, link.target_column, link.masking) for link in found.links}
    assert (_label(COPY), "total", "total", True) in links
    down = columns(graph, f"dataset:{LANDING[1]}.shop", "down")
    folder = _label(("file", str(shop.file.parent)))
    assert ("shop", "IDENTITY") in {(e.target_column, e.subtype) for e in down.links if e.target == folder}
    by_id = columns(graph, f"dataset:{LANDING[1]}.id", "down")
    assert {e.target_column for e in by_id.links if e.target == folder} == {"id", "shop"}, (
        "a filter decides all"
    )


def test_runs_of_others_are_listed_with_ours(shop: Shop) -> None:
    graph = graph_with_imports([shop.lake])
    jobs = {run.job: run.code_location for run in runs(graph).runs}
    assert {"by hand", "publish.copy_shops", "shop.analytics.report"} <= jobs.keys()
    assert jobs["publish.copy_shops"] == "airflow"


def test_the_graph_as_it_was_knows_what_had_ended(shop: Shop) -> None:
    records = Records(shop.lake).read()[0]
    begin, end = min(each.started for each in records), max(each.ended for each in records)
    graph = graph_with_imports([shop.lake])
    before, then = graph.asof(begin), graph.asof(end)
    with pytest.raises(UnknownTarget, match="raw_orders"):
        upstream(before, "raw_orders")
    found = {node.id for node in upstream(then, "raw_orders").nodes}
    assert _label(LANDING, 0) in found
    with pytest.raises(UnknownTarget, match="No imported event"):
        upstream(then, f"dataset:{REPORT[1]}")


def test_answers_without_imports_are_as_before(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.everything()
    from recsys_lineage.graph.lineage_graph import LineageGraph

    plain, asked = LineageGraph.of(Records(shop.lake)), graph_with_imports([shop.lake])
    assert upstream(plain, "report") == upstream(asked, "report")
    before = {each.asset for each in impact(asked, "orders").assets}
    _import(shop.lake, _crossing(shop))
    joined = graph_with_imports([shop.lake])
    assert before <= {each.asset for each in impact(joined, "orders").assets}
    assert upstream(joined, "orders@0.id").roots == upstream(plain, "orders@0.id").roots


def test_a_run_read_the_version_that_it_names_or_the_one_that_was_there(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.everything()
    first = Records(shop.lake).read()[0][-1].ended
    shop.file.write_text(shop.file.read_text() + "9,c,wed,1\n")
    shop.everything()
    table = ("file", str(Path(shop.lake.uri) / "shops"))
    by_time = airflow_copy(run_id(1), first, first, table, COPY)
    logical = airflow_copy(run_id(2), first, first + 9 * HOUR, (EventOptions().jobs, "shops"), REPORT)
    _import(shop.lake, by_time + logical)
    graph = graph_with_imports([shop.lake])
    sources = {
        each.target: each.source for each in downstream(graph, "shops", 1).links if "dataset" in each.target
    }
    assert sources == {_label(COPY): "shops@0", _label(REPORT): "shops@1"}
    named = airflow_copy(run_id(3), first, first + 9 * HOUR, table, (PG, "x"))
    version = {
        "version": {"_producer": "https://x.org", "_schemaURL": "https://x.org/v", "datasetVersion": "0"}
    }
    named[1]["inputs"][0]["facets"] = version
    _import(shop.lake, named)
    graph = graph_with_imports([shop.lake])
    assert [link.source for link in upstream(graph, "dataset:x", 1).links] == ["shops@0"]


def test_a_failed_run_wrote_nothing_and_its_retry_did(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    now = datetime(2026, 11, 6, tzinfo=timezone.utc)
    _import(lake, airflow_copy(run_id(1), now, now + HOUR, LANDING, COPY, "FAIL"))
    graph = graph_with_imports([lake])
    assert not len(graph)
    _import(lake, airflow_copy(run_id(2), now + HOUR, now + 2 * HOUR, LANDING, COPY))
    assert upstream(graph_with_imports([lake]), f"dataset:{COPY[1]}").found


def test_what_a_streaming_job_wrote_before_it_failed_is_written(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    now = datetime(2026, 11, 6, tzinfo=timezone.utc)
    start, end = airflow_copy(run_id(1), now, now + HOUR, LANDING, COPY)
    kind = {"_producer": "https://x.org", "_schemaURL": "https://x.org/v", "processingType": "STREAMING"}
    facets = {**end["job"].get("facets", {}), "jobType": {**kind, "integration": "FLINK", "jobType": "JOB"}}
    ran = {**end, "eventType": "RUNNING", "job": {**end["job"], "facets": facets}}
    failed = {**start, "eventType": "FAIL", "inputs": [], "outputs": []}
    _import(lake, [start, failed])
    assert not len(graph_with_imports([lake])), "one that never ran on wrote nothing"
    _import(lake, [ran])
    assert upstream(graph_with_imports([lake]), f"dataset:{COPY[1]}").found


def test_symlinks_join_a_table_with_the_place_it_lies_in(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    now = datetime(2026, 11, 6, tzinfo=timezone.utc)
    made = airflow_copy(run_id(1), now, now, LANDING, ("s3://warehouse", "shop.db/orders"))
    link = {"namespace": "glue", "name": "shop.orders", "type": "TABLE"}
    made[1]["outputs"][0]["facets"]["symlinks"] = {
        "_producer": "https://x.org",
        "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/SymlinksDatasetFacet.json",
        "identifiers": [link],
    }
    read = airflow_copy(run_id(2), now + HOUR, now + HOUR, ("glue", "shop.orders"), REPORT)
    _import(lake, read + made)
    found = {node.id for node in upstream(graph_with_imports([lake]), f"dataset:{REPORT[1]}").nodes}
    assert found == {_label(REPORT), _label(("s3://warehouse", "shop.db/orders")), _label(LANDING, 0)}


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15), st.sets(st.integers(0, 9)))
def test_names_that_are_joined_in_any_order_are_one_and_ours_stand_for_all(
    pairs: list[tuple[int, int]], ours: set[int]
) -> None:
    import networkx as nx

    names = [Named("n", str(number)) for number in range(10)]
    mine = {names[min(ours)]} if ours else set()
    aliases = Aliases(mine)
    for one, two in pairs:
        aliases.join(names[one], names[two])
    together = nx.Graph(pairs)
    together.add_nodes_from(range(10))
    for group in nx.connected_components(together):
        (stands,) = {aliases[names[each]] for each in group}
        assert stands in {names[each] for each in group}
        assert not (mine & {names[each] for each in group}) or stands in mine


# --- what is kept -----------------------------------------------------------------------------------------


def test_events_are_kept_once_and_come_back_as_they_came(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    odd = b'{ "job": {"name":"j", "namespace" : "n", "facets": {"x": {"y": [1.50, 1e400000]}}}, "unknown": "\\u00e9" }'
    odd = odd.replace(b", 1e400000", b"")
    events = lines(night()) + odd + b"\n"
    first = receive(read_events(io.BytesIO(events)), Imports(lake), None)
    again = receive(read_events(io.BytesIO(events + events)), Imports(lake), None)
    assert (first.new, first.known, first.refused) == (9, 0, ())
    assert (again.new, again.known) == (0, 18)
    assert [each.one_line.encode() for each in Imports(lake).read()] == events.splitlines()
    laid_out = json.dumps([json.loads(line) for line in events.splitlines()], indent=3).encode()
    assert receive(read_events(io.BytesIO(laid_out)), Imports(lake), None).new == 0, (
        "layout makes no new event"
    )


def test_a_document_of_several_lines_comes_back_on_one(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    receive(read_events(io.BytesIO(json.dumps(night()[0], indent=2).encode())), Imports(lake), None)
    (one,) = Imports(lake).read()
    assert "\n" in one.body and "\n" not in one.one_line
    assert json.loads(one.one_line) == night()[0]


def test_violations_are_told_and_kept(tmp_path: Path, spec: Spec, shop: Shop) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    peers = _crossing(shop)
    good = _import(lake, peers, Schemas(spec))
    assert (good.refused, good.new) == ((), len(peers))
    assert {fault.message for fault in good.faults} == {"'file' is no uri"}, (
        "which Spark sends of its local files"
    )
    broken = json.loads(json.dumps(night()))
    broken[1]["run"]["runId"] = "17"
    broken[2]["eventTime"] = "yesterday"
    told = _import(lake, broken, Schemas(spec))
    assert (told.violating, told.new) == (2, len(broken))
    assert {fault.line for fault in told.faults} == {2, 3}
    kept = [each.faults for each in Imports(lake).read() if each.faults]
    assert len(kept) == 4 and any("'17' is no uuid" in text for faults in kept for text in faults)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"eventType": "START", "run": {"ru', "cut off"),
        (b'{"a": ' * 10_000 + b"1" + b"}" * 10_000, "too deeply"),
        (b'{"job": {"namespace": "n", "name": "' + b"x" * 2**24 + b'"}}', "too large"),
        (b'{"eventType": "START"}', "no job or dataset"),
        (b'{"run": {}, "job": {"namespace": "n", "name": "j"}}', "no id"),
        (b"[1, 2]", "not an event"),
    ],
)
def test_what_is_no_event_is_refused_and_costs_no_other(broken: bytes, reason: str, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    received = receive(
        read_events(io.BytesIO(lines(night()[:1]) + broken + b"\n" + lines(night()[1:]))), Imports(lake), None
    )
    assert received.new == len(night())
    assert received.refused and all(each.line == 2 for each in received.refused)
    assert reason in received.refused[0].reason


_junk: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["run", "job", "facets", "inputs", "outputs", "namespace", "name", "runId", "fields"]), inner
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=examples(15), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["run", "job", "inputs", "outputs", "eventTime"]), _junk)
    )
)
def test_whatever_peers_send_is_kept_or_refused_and_the_graph_is_made_all_the_same(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str, Any]]
) -> None:
    now = datetime(2026, 11, 6, tzinfo=timezone.utc)
    events = json.loads(
        json.dumps(
            spark_write(run_id(1), now, now, LANDING, COPY, ["a"])
            + dbt_model(run_id(2), now, now + HOUR, COPY, REPORT, ["a", "b"])
        )
    )
    for place, key, value in changes:
        events[place % len(events)][key] = value
    lake = Lake(str(tmp_path_factory.mktemp("lake")), ENGINE)
    received = _import(lake, events)
    assert received.new + received.known + len(received.refused) == len(events)
    assert Imports(lake).count() == received.new
    graph_with_imports([lake])


def test_the_table_of_imports_is_no_asset_of_anybody(shop: Shop) -> None:
    from recsys_lineage.records.records import RESERVED

    assert TABLE in RESERVED
    graph = graph_with_imports([shop.lake])
    assert TABLE not in {graph.names.table(table)[1] for table in graph.tables()}


@pytest.mark.parametrize("format", ["tree", "mermaid", "dot", "svg"])
def test_names_of_others_stand_in_every_kind_of_answer(format: str, shop: Shop) -> None:
    from typer.testing import CliRunner

    from recsys_lineage.cli import app

    asked = ["--lake", shop.lake.uri, "upstream", f"dataset:{REPORT[1]}", "--format", format]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert "shop.public.shops" in said.stdout and "orders" in said.stdout


def test_a_node_is_asked_for_by_the_id_that_answers_give_it(shop: Shop) -> None:
    graph = graph_with_imports([shop.lake])
    for node in upstream(graph, f"dataset:{REPORT[1]}").nodes:
        assert node.id in {each.id for each in upstream(graph, node.id).nodes}
        assert upstream(graph, node.id).roots == (node.id,)


def test_what_others_made_is_not_asked_of_us(shop: Shop) -> None:
    from contextlib import nullcontext

    from typer.testing import CliRunner

    from recsys_lineage.cli.commands import lineage_app
    from recsys_lineage.cli.place import Place

    asked: list[str] = []
    mounted = lineage_app(lambda: nullcontext(Place([shop.lake], lambda names: asked.extend(names) or [])))
    words = ["impact", f"dataset:{LANDING[1]}", "--materialize", "--json"]
    said = json.loads(CliRunner().invoke(mounted, words).stdout)
    assert asked == said["materialized"] and "raw_orders" in asked
    assert not [name for name in asked if name.startswith("dataset:")]
    assert f"dataset:{COPY[0]}::{COPY[1]}" in said["rebuild"]
