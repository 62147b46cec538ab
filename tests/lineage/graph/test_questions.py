"""The questions, asked of a real lake that `materialize` made."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from recsys_lineage.errors import LineageError, WrongQuestion
from recsys_lineage.graph import (
    LineageGraph,
    asof,
    columns,
    downstream,
    impact,
    moment_of,
    paths,
    runs,
    tags,
    unread,
    upstream,
)
from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.graph.questions.target import EmptyLake, UnknownTarget
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from tests.lineage.graph.shop import Shop


def ids(answer: object) -> set[str]:
    return {node.id for node in answer.nodes if node.kind == "version"}  # pyright: ignore[reportAttributeAccessIssue]


def test_upstream_goes_back_to_the_content_of_the_file(graph: LineageGraph) -> None:
    answer = upstream(graph, "shops")
    assert ids(answer) == {"shops@1", "orders@1", "raw_orders@1"}
    (file,) = (node for node in answer.nodes if node.kind == "file")
    assert file.name.endswith("orders.csv") and len(file.sha256 or "") == 64
    links = {(link.source, link.target): link for link in answer.links}
    assert links["orders@1", "shops@1"].columns == ("id", "shop", "cents")
    assert [node.id for node in answer.nodes][-1] == "shops@1", "in the order in which they were made"


def test_a_version_keeps_the_partitions_that_were_not_made_again(graph: LineageGraph) -> None:
    assert ids(upstream(graph, "daily")) >= {"daily@1", "daily@0", "orders@1", "orders@0"}
    assert "orders@0" not in ids(upstream(graph, "daily[tue]"))
    assert "orders@1" not in ids(upstream(graph, "daily[mon]"))
    assert "daily@1" in ids(downstream(graph, "orders@0")), "which monday's part of it came into"


def test_depth_counts_steps(graph: LineageGraph) -> None:
    assert ids(upstream(graph, "shops", depth=1)) == {"shops@1", "orders@1"}


def test_downstream_is_of_all_versions_or_of_one(graph: LineageGraph) -> None:
    assert ids(downstream(graph, "shops")) == {"shops@0", "shops@1", "model@0", "report@0"}
    assert ids(downstream(graph, "shops@1")) == {"shops@1"}
    assert not downstream(graph, "shops@1").found


def test_columns_are_followed_through_sql_and_stop_where_nothing_is_made_of_them(graph: LineageGraph) -> None:
    up = columns(graph, "shops.cents")
    direct = {(each.node, each.column) for each in up.direct}
    assert {("shops@1", "cents"), ("orders@1", "cents"), ("raw_orders@1", "amount")} <= direct
    assert ("orders@1", "id") not in direct and ("orders@1", "id") in {(e.node, e.column) for e in up.columns}
    kinds = {(link.source, link.source_column): link.subtype for link in up.links if link.target == "shops@1"}
    assert kinds == {
        ("orders@1", "cents"): "AGGREGATION", ("orders@1", "id"): "FILTER", ("orders@1", "shop"): "GROUP_BY"
    }  # fmt: skip
    down = columns(graph, "raw_orders.day", "down", direct=True)
    assert {(each.node, each.column) for each in down.columns} == {
        *((f"raw_orders@{n}", "day") for n in (0, 1)), *((f"orders@{n}", "day") for n in (0, 1))
    }  # fmt: skip


def test_impact_tells_what_was_rebuilt_and_an_order_for_the_rest(graph: LineageGraph) -> None:
    answer = impact(graph, "orders")
    state = {each.asset: each.rebuilt for each in answer.assets}
    assert state == {"shops": True, "model": False, "report": False, "daily": False}
    assert set(answer.rebuild) == {"model", "report", "daily"} and answer.changed == ("orders@0",)
    assert impact(graph, "orders.csv").rebuild == answer.rebuild
    assert not impact(graph, "report").found


def test_what_is_rebuilt_in_that_order_is_right(shop: Shop) -> None:
    records = Records(shop.lake)
    graph = LineageGraph.of(records)
    for target in ("orders.csv", "raw_orders.amount", "orders"):
        todo = impact(graph, target).rebuild
        assert todo
        shop.make(*todo)
        graph.extend()
        assert impact(graph, target).rebuild == (), target
        shop.file.write_text(shop.file.read_text() + f"{len(target)},c,tue,1\n")
        shop.make("raw_orders", "orders")
        graph.extend()


def test_a_model_that_went_on_from_a_wrong_version_is_told(shop: Shop) -> None:
    shop.make("model")
    graph = LineageGraph.of(Records(shop.lake))
    (model,) = (each for each in impact(graph, "shops@0").assets if each.asset == "model")
    assert model.rebuilt and model.through_previous


def test_what_was_made_again_with_the_same_content_makes_nothing_stale(shop: Shop) -> None:
    shop.make("model", "report", "daily")
    shop.make("orders")
    answer = impact(LineageGraph.of(Records(shop.lake)), "orders")
    assert answer.rebuild == () and len(answer.assets) == 4


def test_a_table_that_never_changed_is_about_to(shop: Shop) -> None:
    lake = LineageGraph.of(Records(shop.lake)).asof(
        moment_of(LineageGraph.of(Records(shop.lake)), "report@0")
    )
    assert impact(lake, "orders").rebuild == ("shops", "daily", "model", "report")


def test_impact_of_a_partition_is_on_those_who_read_it(shop: Shop) -> None:
    shop.make("report")
    graph = LineageGraph.of(Records(shop.lake))
    assert not impact(graph, "daily[mon]").found, "report reads shops only"
    assert {each.asset for each in impact(graph, "run:0001").assets} >= {"orders", "report"}


def test_paths_end_at_the_latest_version_and_carry_what_was_kept(graph: LineageGraph) -> None:
    answer = paths(graph, "orders.csv", "daily")
    lengths = [len(path) for path in answer.paths]
    assert lengths == [3, 4] and answer.paths[1][-1].how == "carried" and not answer.more
    assert paths(graph, "orders.csv", "daily", most=1).more
    assert not paths(graph, "daily", "shops").found


def test_the_graph_as_it_was_at_a_version_a_run_or_a_time(graph: LineageGraph) -> None:
    first = asof(graph, "model@0")
    assert {each.asset: each.then.id for each in first.versions} == {
        name: f"{name}@0" for name in ("raw_orders", "orders", "shops", "daily", "model")
    }
    assert {each.asset: each.now for each in first.versions}["orders"] == "orders@1"
    assert asof(graph, "0001").moment == asof(graph, "run:0001").moment
    assert "report" in {each.asset for each in asof(graph, "0001").versions}
    assert not asof(graph, first.moment - timedelta(days=1)).found
    then = graph.asof(moment_of(graph, first.moment.isoformat()))
    assert ids(upstream(then, "daily")) == {"daily@0", "orders@0", "raw_orders@0"}


def test_runs_tell_what_they_made(graph: LineageGraph) -> None:
    answer = runs(graph)
    assert [len(run.made) for run in answer.runs] == [1, 3, 6]
    assert [made.version for made in runs(graph, "shops").runs[0].made] == [
        "raw_orders@1",
        "orders@1",
        "shops@1",
    ]
    assert len(runs(graph, "shops@0").runs) == len(runs(graph, last=1).runs) == 1
    assert answer.runs[0].job == "by hand" and answer.runs[0].state == "success"


def test_a_declared_dependency_that_no_run_read_is_told(graph: LineageGraph) -> None:
    (found,) = unread(graph)
    assert (found.asset, found.upstream, found.runs) == ("report", "daily", 1)
    assert unread(graph, {"shops": ["orders", "raw_orders"], "new": ["orders"]})[0].upstream == "raw_orders"


def test_answers_are_plain_data(graph: LineageGraph) -> None:
    answers: list[Answer] = [
        upstream(graph, "model"), columns(graph, "shops"), impact(graph, "orders"), paths(graph, "orders", "model"),
        asof(graph, "model@0"), runs(graph), *unread(graph),
    ]  # fmt: skip
    for answer in answers:
        assert json.loads(json.dumps(answer.to_json())) == answer.to_json()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("ordres", "Did you mean 'orders'"),
        ("orders@9", "a version from 0 to 1"),
        ("orders.cent", "Did you mean 'cents'"),
        ("daily[wed]", "mon, tue"),
        ("run:9", "No run"),
        ("run:000", "3 runs"),
        ("record:zz", "No record of the lake"),
        ("f" * 32, "No record of the lake"),
        ("record:", "records of the lake"),
        ("file:order.csv", "Did you mean"),
        ("file:orders.csv@00000000", "No record read a file"),
        ("what is this?", "ASSET@VERSION"),
    ],
)
def test_what_is_not_there_is_told_with_a_way_out(graph: LineageGraph, asked: str, said: str) -> None:
    with pytest.raises(UnknownTarget) as error:
        upstream(graph, asked)
    assert said in str(error.value)


def test_a_record_is_the_version_that_it_wrote(seen: Shop, graph: LineageGraph) -> None:
    for name, version in (("shops", 1), ("orders", 0), ("orders", 1)):
        record = Records(seen.lake).get(name, version).id
        whole = upstream(graph, f"{name}@{version}")
        for asked in (record, f"record:{record}", f"record:{record[:12]}"):
            assert replace(upstream(graph, asked), target=whole.target) == whole


def test_a_name_in_upper_case_and_a_column_as_duckdb_folds_it(graph: LineageGraph) -> None:
    assert upstream(graph, "SHOPS").roots == ("shops@1",)
    assert columns(graph, "shops.CENTS").links == columns(graph, "shops.cents").links


def test_an_empty_lake_says_so(tmp_path: Path) -> None:
    with pytest.raises(EmptyLake):
        upstream(LineageGraph.of(Records(Lake(str(tmp_path)))), "orders")


def test_tables_of_two_lakes_are_two_tables_and_files_are_shared(seen: Shop, tmp_path: Path) -> None:
    other = Shop(tmp_path)
    other.file = seen.file
    other.everything()
    graph = LineageGraph.of(Records(seen.lake), Records(other.lake))
    with pytest.raises(LineageError, match="2 tables called 'shops'"):
        upstream(graph, "shops")
    answer = upstream(graph, f"{other.lake.uri}::shops")
    assert {node.lake for node in answer.nodes if node.kind == "version"} == {other.lake.uri}
    made = {node.lake for node in downstream(graph, "orders.csv").nodes if node.kind == "version"}
    assert made == {seen.lake.uri, other.lake.uri}


def test_tags_are_told_with_the_columns_that_they_came_with(seen: Shop) -> None:
    records = [Records(seen.lake)]
    found = {(each.version, each.column): each for each in tags(records).columns}
    assert found["orders@1", "shop"].sources == () and found["orders@1", "shop"].tags == ("pii",)
    assert found["shops@1", "shop"].sources == ("orders@1.shop",)
    assert ("shops@1", "cents") not in found, "of which the shop only decides the rows"
    assert tags(records, "pii").columns == tags(records).columns
    assert [each.asset for each in tags(records, "orders.shop").columns] == ["orders"]
    with pytest.raises(WrongQuestion, match="Did you mean 'pii'"):
        tags(records, "pij")


def test_tags_as_they_were(seen: Shop, graph: LineageGraph) -> None:
    records = [Records(seen.lake)]
    now, then = tags(records), tags(records, then=asof(graph, "orders@0"))
    assert {each.version for each in now.columns} >= {"orders@1", "shops@1"}
    assert {each.version for each in then.columns} == {"orders@0"}
