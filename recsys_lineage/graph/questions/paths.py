"""Paths: the ways by which one thing became part of another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.answers import Paths
from recsys_lineage.graph.questions.described import Described
from recsys_lineage.graph.questions.target import find_target
from recsys_lineage.graph.version_part import Part
from recsys_lineage.graph.walk import Followed, walk


def paths(graph: LineageGraph, source: str, target: str, most: int = 20) -> Paths:
    """The paths from any version, or content, of `source` to `target`; shorter ones first.

    Args:
        graph: the graph.
        source: their start (see `find_target`).
        target: their end; for an asset its latest version.
        most: the most paths returned.

    Raises:
        UnknownTarget: no record names one of them.
    """
    first, last = find_target(graph, source), find_target(graph, target)
    ends = last.nodes if last.kind == "run" or last.newest is None else (last.newest,)
    by_column = first.column is not None or last.column is not None
    starts = {node: first.part(graph, node) for node in first.nodes}
    goals = {node: last.part(graph, node) for node in ends}
    on_the_way = walk(graph, goals, "up", by_column=by_column)
    words = Described(graph)
    found: list[tuple[int, ...]] = []
    for path in _found(graph, starts, goals, on_the_way, by_column):
        found.append(path)
        if len(found) > most:
            break
    shown = tuple(tuple(words.link(edge) for edge in path) for path in found[:most])
    return Paths(first.text, last.text, shown, more=len(found) > most)


def _found(
    graph: LineageGraph,
    starts: dict[int, Part],
    goals: dict[int, Part],
    on_the_way: dict[int, Part],
    by_column: bool,
) -> Iterator[tuple[int, ...]]:
    """Paths as the numbers of their edges, breadth first. Each carries its part, so that no path joins two others."""
    follow = Followed(graph, "down", by_column=by_column)
    begun = {node: part for node, part in starts.items() if node in on_the_way}
    open_: deque[tuple[int, Part, tuple[int, ...]]] = deque((node, part, ()) for node, part in begun.items())
    while open_:
        node, part, path = open_.popleft()
        goal = goals.get(node)
        if path and goal is not None and _meet(part, goal):
            yield path
        for edge in graph.edges.out_edge_indices(node):
            other = graph.views.target[edge]
            wanted = on_the_way.get(other)
            if wanted is None:
                continue
            passed = follow(node, part, edge, other)
            if passed is not None and _meet(passed, wanted):
                open_.append((other, passed, (*path, edge)))


def _meet(part: Part, other: Part) -> bool:
    return bool(part.columns & other.columns) and part.partitions.meets(other.partitions)
