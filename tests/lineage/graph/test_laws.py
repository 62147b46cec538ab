"""Laws of the graph: what it says of any history is what a graph of every single cell says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import networkx as nx
import rustworkx as rx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.answers import Lineage
from recsys_lineage.graph.questions.asof import asof
from recsys_lineage.graph.questions.closure import downstream, upstream
from recsys_lineage.graph.questions.described import Described
from recsys_lineage.graph.questions.impact import impact, rebuild_order
from recsys_lineage.graph.questions.paths import paths
from recsys_lineage.graph.questions.target import find_target
from recsys_lineage.graph.version_part import Part, Partitions
from recsys_lineage.graph.walk import Direction, walk
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from tests.examples import examples
from tests.lineage.graph.histories import COLUMNS, PARTITIONS, TABLES, UNNAMED, History, histories, whole
from tests.lineage.graph.kept_in_memory import InMemory
from tests.lineage.records.made_records import TODAY
from tests.lineage.records.record_writers import ENGINE

patient = settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
_directions: st.SearchStrategy[Direction] = st.sampled_from(["up", "down"])
a_few = settings(patient, max_examples=examples(10))


@contextmanager
def new_lake() -> Iterator[Lake]:
    with tempfile.TemporaryDirectory() as folder:
        yield Lake(folder, ENGINE)


def graph_of(history: History) -> LineageGraph:
    records = InMemory()
    records.append(history.records)
    return LineageGraph.of(records)  # pyright: ignore[reportArgumentType]


def names_of(graph: LineageGraph, history: History) -> dict[int, str]:
    """What the history calls the nodes of a graph of it."""
    held: dict[str, list[str]] = {}
    for name in sorted(
        history.nodes, key=lambda name: int(name.rpartition("~")[2] or 0) if "~" in name else 0
    ):
        held.setdefault(name.rpartition("~")[0] or name, []).append(name)
    words = Described(graph)
    found = {}
    for node in range(len(graph)):
        version, _, holder = words.id(node).partition("~")
        found[node] = held[version][int(holder) if holder else -1]
    return found


def told(graph: LineageGraph) -> tuple[set[str], list[tuple[str, ...]]]:
    """All that a graph says, to be compared with another's."""
    words = Described(graph)
    edges = [words.link(edge).to_json() for edge in range(graph.edges.num_edges())]
    ids = set(words.ids(range(len(graph))))
    return ids, sorted(tuple(map(str, edge.values())) for edge in edges)


@patient
@given(histories(partitions=False))
def test_closures_of_whole_versions_are_those_of_networkx(history: History) -> None:
    expected = whole(history)
    graph = graph_of(history)
    names = names_of(graph, history)
    assert set(names.values()) == set(expected)
    assert rx.is_directed_acyclic_graph(graph.edges)
    for node, name in names.items():
        up = {names[each] for each in walk(graph, {node: Part()}, "up")}
        down = {names[each] for each in walk(graph, {node: Part()}, "down")}
        assert up == nx.ancestors(expected, name) | {name}
        assert down == nx.descendants(expected, name) | {name}


def asked(
    history: History, data: st.DataObject, *, by_column: bool
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """A walk from somewhere: the nodes that it reaches and those that it should, each with its columns."""
    name = data.draw(st.sampled_from(history.nodes))
    direction = data.draw(_directions)
    column = data.draw(st.sampled_from(COLUMNS)) if by_column else None
    partition = data.draw(st.none() | st.sampled_from(PARTITIONS)) if "file:" not in name else None
    how = {"previous": data.draw(st.booleans()), "direct": by_column and data.draw(st.booleans())}
    expected = history.closure(name, direction, column=column, partition=partition, **how)
    graph = graph_of(history)
    names = names_of(graph, history)
    (node,) = (node for node, each in names.items() if each == name)
    bits = Part().columns if column is None else graph.columns.bits(graph.views.table[node], (column,))
    keys = Part().partitions if partition is None else Partitions(frozenset({partition}))
    found = walk(graph, {node: Part(bits, keys)}, direction, by_column=by_column, **how)
    spelled = {
        names[each]: set(graph.columns.spelled(graph.views.table[each], part.columns) or COLUMNS)
        for each, part in found.items()
    }
    return spelled, expected


@patient
@given(histories(columns=False).filter(lambda history: history.nodes), st.data())
def test_closures_are_right_to_the_partition(history: History, data: st.DataObject) -> None:
    found, expected = asked(history, data, by_column=False)
    assert found.keys() == expected.keys()


@patient
@given(histories(partitions=False).filter(lambda history: history.nodes), st.data())
def test_closures_are_right_to_the_column(history: History, data: st.DataObject) -> None:
    found, expected = asked(history, data, by_column=True)
    assert found == expected


@patient
@given(histories().filter(lambda history: history.nodes), st.data())
def test_no_column_of_a_partition_is_missed(history: History, data: st.DataObject) -> None:
    """Of a version that two columns reach, each in other partitions, both count in all of these."""
    found, expected = asked(history, data, by_column=True)
    assert all(columns <= found.get(name, set()) for name, columns in expected.items())


@a_few
@given(histories(), st.data())
def test_a_graph_that_grew_is_the_one_that_was_built_at_once(history: History, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(history.records)), max_size=4)))
    with new_lake() as lake:
        begin, grown = 0, LineageGraph.of(Records(lake))
        for cut in [*cuts, len(history.records)]:
            history.append_to(lake, begin, cut)
            assert grown.extend() == cut - begin
            begin = cut
        assert grown.extend() == 0
        assert told(grown) == told(LineageGraph.of(Records(lake)))


@patient
@given(histories(), st.data())
def test_the_graph_as_it_was_is_that_of_the_records_until_then(history: History, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(history.records)))
    then = TODAY + timedelta(minutes=count - 1, seconds=data.draw(st.integers(0, 59)))
    graph, was = graph_of(history), graph_of(history.until(count))
    assert told(graph.asof(then)) == told(was)
    shown = {each.asset: each.then.id for each in asof(graph, then).versions}
    assert shown == {
        Described(was).asset(table): Described(was).id(latest)
        for table in was.tables()
        if (latest := was.latest(table)) is not None
    }


@patient
@given(histories())
def test_every_link_of_an_answer_is_on_a_way_to_what_was_asked_for(history: History) -> None:
    graph = graph_of(history)
    for table in graph.tables():
        if Described(graph).asset(table) in TABLES and graph.latest(table) is not None:
            for answer in (upstream, downstream):
                said: Lineage = answer(graph, Described(graph).asset(table))
                ids = {node.id for node in said.nodes}
                links = nx.DiGraph((link.source, link.target) for link in said.links)
                links.add_nodes_from(ids)
                assert set(links) == ids
                find = nx.ancestors if said.direction == "up" else nx.descendants
                assert ids == {*said.roots, *(each for root in said.roots for each in find(links, root))}
                assert len(said.links) >= len(ids) - len(said.roots)


@patient
@given(histories(partitions=False, most=8), st.data())
def test_paths_are_those_of_networkx_shorter_ones_first(history: History, data: st.DataObject) -> None:
    graph = graph_of(history)
    names = [Described(graph).asset(table) for table in graph.tables()]
    if not names:
        return
    source, target = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    said = paths(graph, source, target, most=10_000)
    starts, goal = find_target(graph, source).nodes, find_target(graph, target).newest
    expected = nx.MultiDiGraph(
        [(graph.views.source[e], graph.views.target[e]) for e in range(len(graph.views.flag))]
    )
    expected.add_nodes_from(range(len(graph)))
    lengths = sorted(
        len(path)
        for start in starts
        if start != goal
        for path in nx.all_simple_edge_paths(expected, start, goal)
    )
    assert [len(path) for path in said.paths] == lengths and not said.more
    for path in said.paths:
        assert all(one.target == other.source for one, other in pairwise(path))


@patient
@given(histories())
def test_what_is_to_be_rebuilt_comes_after_what_it_reads_unless_they_read_each_other(
    history: History,
) -> None:
    graph = graph_of(history)
    tables = [table for table in graph.tables() if graph.latest(table) is not None]
    order = rebuild_order(graph, tables)
    assert sorted(order) == sorted(tables)
    views = graph.views
    reads = nx.DiGraph()
    reads.add_nodes_from(tables)
    for table in tables:
        for edge in graph.edges.in_edge_indices(graph.latest(table) or 0):
            if (read := views.table[views.source[edge]]) in tables:
                reads.add_edge(read, table)
    for read, table in reads.edges:
        if not nx.has_path(reads, table, read):
            assert order.index(read) < order.index(table)


@patient
@given(histories(columns=False), st.data())
def test_impact_of_a_version_is_what_lies_downstream_of_it(history: History, data: st.DataObject) -> None:
    written = [name for name in history.writes if name is not None]
    if not written:
        return
    name = data.draw(st.sampled_from(written))
    graph = graph_of(history)
    names = names_of(graph, history)
    (node,) = (node for node, each in names.items() if each == name)
    if not graph.is_current(node):
        return
    said = impact(graph, Described(graph).id(node))
    expected = history.closure(name, "down", previous=False)
    latest = {each.asset: names[graph.latest(graph.named(each.asset)[0]) or 0] for each in said.assets}
    assert {each.asset: not each.rebuilt for each in said.assets} == {
        asset: version in expected for asset, version in latest.items()
    }
    assert {each.asset for each in said.assets} == {
        found.split("@")[0] for found in history.closure(name, "down") if found in written
    }


def test_what_partitions_are_left_of_all_is_kept() -> None:
    every = Part().partitions
    assert every.without(frozenset(PARTITIONS)).meets(Partitions(frozenset({UNNAMED})))
    assert not every.without(frozenset("p")).meets(Partitions(frozenset("p")))
