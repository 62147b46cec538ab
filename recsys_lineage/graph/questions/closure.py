"""Upstream and downstream: everything that something was made from, and everything made from it."""

from __future__ import annotations

from collections.abc import Mapping

from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import CARRIED, LIMITED, LineageGraph
from recsys_lineage.graph.questions.answers import Lineage
from recsys_lineage.graph.questions.described import Described, edges_between, in_order
from recsys_lineage.graph.questions.target import Target, find_target
from recsys_lineage.graph.version_part import EVERY, Part, Partitions
from recsys_lineage.graph.walk import Direction, walk


def upstream(graph: LineageGraph, target: str, depth: int | None = None) -> Lineage:
    """Everything that a version was made from, back to the files.

    Args:
        graph: the graph.
        target: the start (see `find_target`): for an asset its latest version, for a run everything that it wrote, for
            a column only the origins of that column.
        depth: the most steps; all when None.

    Raises:
        UnknownTarget: no record names it.
    """
    found = find_target(graph, target)
    nodes = found.nodes if found.kind == "run" or found.newest is None else (found.newest,)
    return _lineage(graph, found, nodes, "up", depth)


def downstream(graph: LineageGraph, target: str, depth: int | None = None) -> Lineage:
    """Everything made from something: from all versions of an asset, from all contents of a file.

    Arguments and errors are as for `upstream`.
    """
    found = find_target(graph, target)
    return _lineage(graph, found, found.nodes, "down", depth)


def _lineage(
    graph: LineageGraph, target: Target, roots: tuple[int, ...], direction: Direction, depth: int | None
) -> Lineage:
    starts = {node: target.part(graph, node) for node in roots}
    parts = walk(graph, starts, direction, by_column=target.column is not None)
    nodes = set(parts) if depth is None else _within(graph, roots, parts, direction, depth)
    words = Described(graph)
    return Lineage(
        target.text,
        direction,
        words.ids(roots),
        words.nodes(in_order(graph, nodes)),
        tuple(words.link(edge) for edge in edges_between(graph, nodes) if carries(graph, edge, parts)),
    )


def carries(graph: LineageGraph, edge: int, parts: Mapping[int, Part]) -> bool:
    """Whether an edge between nodes of a walk is on a path: the reached parts must pass along it."""
    views = graph.views
    source, target = views.source[edge], views.target[edge]
    if not views.flag[edge] and views.written[target] == NOTHING:
        return True
    written = graph.partitions(views.written[target])
    if views.flag[edge] & CARRIED:
        kept = Partitions(written.keys, all_but=True) if written is not EVERY else EVERY
        return kept.meets(parts[target].partitions) and kept.meets(parts[source].partitions)
    read = graph.partitions(views.partitions[edge]) if views.flag[edge] & LIMITED else EVERY
    return written.meets(parts[target].partitions) and read.meets(parts[source].partitions)


def _within(
    graph: LineageGraph, roots: tuple[int, ...], parts: Mapping[int, Part], direction: Direction, depth: int
) -> set[int]:
    """The nodes of a walk within some number of steps from its start."""
    views, down = graph.views, direction == "down"
    edges_of = graph.edges.out_edge_indices if down else graph.edges.in_edge_indices
    reached, edge_of_it = set(roots), set(roots)
    for _ in range(depth):
        ends = {
            (views.target if down else views.source)[edge] for node in edge_of_it for edge in edges_of(node)
        }
        edge_of_it = {node for node in ends if node in parts} - reached
        reached |= edge_of_it
    return reached
