"""Impact: everything that a change affects, which of it was rebuilt since, and the order for rebuilding the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import rustworkx as rx

from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import CARRIED, FILE, LIMITED, PREVIOUS, LineageGraph
from recsys_lineage.graph.questions.answers import Affected, Impact, Link
from recsys_lineage.graph.questions.described import Described
from recsys_lineage.graph.questions.target import Target, find_target
from recsys_lineage.graph.version_part import EVERY, Part, Partitions
from recsys_lineage.graph.walk import Followed, walk


def impact(graph: LineageGraph, target: str) -> Impact:
    """Everything made from something, whether it was rebuilt since, and the order for rebuilding it.

    A named version, file with its sha256, or run is itself the faulty one: an asset made from it is affected, and
    rebuilt once its latest version is not made from it. For an asset, a column, a partition or a file named alone, the
    present content counts as right: an asset is rebuilt if it was made from that, or from content with the same
    fingerprint. If the content never changed, the change is still to come, and nothing is rebuilt yet.

    Args:
        graph: the graph.
        target: the changed thing (see `find_target`).

    Raises:
        UnknownTarget: no record names it.
    """
    found = find_target(graph, target)
    by_column = found.column is not None
    starts = {node: found.part(graph, node) for node in found.nodes}
    reached = walk(graph, starts, "down", by_column=by_column)
    changed, wrong = _wrong(graph, found)
    started = reached if wrong == starts else walk(graph, wrong, "down", by_column=by_column)
    stale = started
    if graph.starts_from_before(started).any():
        stale = walk(graph, wrong, "down", by_column=by_column, previous=False)
    words = Described(graph)
    affected = {}
    for table, nodes in _by_table(graph, reached).items():
        latest = graph.latest(table)
        if latest is None or (table == found.table and not found.is_exact):
            continue
        columns = 0
        for node in nodes:
            columns |= (stale if latest in stale else reached).get(node, reached[node]).columns
        affected[table] = Affected(
            words.asset(table),
            len(nodes),
            words.id(latest),
            rebuilt=latest not in stale,
            through_previous=latest in started and latest not in stale,
            columns=graph.columns.spelled(table, columns) if by_column else None,
        )
    order = rebuild_order(graph, affected)
    assets = tuple(affected[table] for table in order)
    rebuild = tuple(each.asset for each in assets if not each.rebuilt)
    return Impact(found.text, words.ids(changed), assets, rebuild, _links(graph, words, found, affected))


def rebuild_order(graph: LineageGraph, tables: Collection[int]) -> list[int]:
    """Tables ordered so that each follows the inputs of its latest version; within a cycle, the older first."""
    views = graph.views
    latest = {table: node for table in tables if (node := graph.latest(table)) is not None}
    tables = sorted(latest, key=lambda table: views.writer[latest[table]])
    place = {table: number for number, table in enumerate(tables)}
    pairs = {
        (place[read], place[table])
        for table in tables
        for source in _sources(graph, latest[table])
        if (read := views.table[source]) in place and read != table
    }
    order = rx.PyDiGraph()
    order.add_nodes_from(range(len(tables)))
    order.add_edges_from_no_data(sorted(pairs))
    circles = [sorted(circle) for circle in rx.strongly_connected_components(order)]
    if len(circles) < len(tables):  # each circle is one, called after its first member
        first = {number: circle[0] for circle in circles for number in circle}
        order.remove_edges_from(list(pairs))
        pairs = {(first[read], first[made]) for read, made in pairs if first[read] != first[made]}
        order.add_edges_from_no_data(sorted(pairs))
    members = {circle[0]: circle for circle in circles}
    ordered = rx.lexicographical_topological_sort(order, key=lambda number: f"{number:012}")
    return [tables[number] for first in ordered for number in members.get(first, ())]


def _sources(graph: LineageGraph, node: int) -> Iterator[int]:
    """The nodes that a node was made from; for another system's file, also the dataset version that it is."""
    for edge in graph.edges.in_edge_indices(node):
        source = graph.views.source[edge]
        yield source
        if graph.views.table[source] == FILE:
            yield from (graph.views.source[each] for each in graph.edges.in_edge_indices(source))


def _links(
    graph: LineageGraph, words: Described, target: Target, tables: Collection[int]
) -> tuple[Link, ...]:
    """The reads of some tables' latest versions from each other and from the target."""
    views, wanted = graph.views, set(target.nodes)
    found: dict[Link, None] = {}
    for table in tables:
        latest = graph.latest(table)
        for source in () if latest is None else _sources(graph, latest):
            read = views.table[source]
            if read == table:
                continue
            if source in wanted or (read == target.table and not target.is_exact):
                found[Link(target.text, words.asset(table))] = None
            elif read in tables:
                found[Link(words.asset(read), words.asset(table))] = None
    return tuple(found)


def _by_table(graph: LineageGraph, nodes: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for node in nodes:
        table = graph.views.table[node]
        if table != FILE and graph.views.writer[node] != NOTHING:
            found.setdefault(table, []).append(node)
    return found


def _wrong(graph: LineageGraph, target: Target) -> tuple[tuple[int, ...], dict[int, Part]]:
    """Nodes that are out of date or wrong; and the start nodes of the walk downstream."""
    if target.is_exact:
        return target.nodes, {node: target.part(graph, node) for node in target.nodes}
    if target.kind == "file":
        changed = target.nodes[:-1] or target.nodes
        return changed, {node: target.part(graph, node) for node in changed}
    is_changed = _is_changed(graph, target)
    follow = Followed(graph, "down", by_column=target.column is not None, previous=False)
    wrong: dict[int, Part] = {}
    read: dict[int, None] = {}
    for node in target.nodes:
        part = target.part(graph, node)
        for edge in graph.edges.out_edge_indices(node):
            other = graph.views.target[edge]
            if graph.views.flag[edge] & (CARRIED | PREVIOUS) or not is_changed(node, edge):
                continue
            read[node] = None
            passed = follow(node, part, edge, other)
            if passed is not None:
                old = wrong.get(other)
                wrong[other] = (
                    passed
                    if old is None
                    else Part(old.columns | passed.columns, old.partitions.joined(passed.partitions))
                )
    return tuple(read), wrong


def _is_changed(graph: LineageGraph, target: Target) -> Callable[[int, int], bool]:
    """Whether an edge read content that differs from the present content; always true if it never changed."""
    writes = [graph.partitions(graph.views.written[node]) for node in target.nodes]
    prints = _fingerprints(graph, target.nodes)
    wanted = None if target.partition is None else Partitions(frozenset({target.partition}))
    contents = [
        fingerprint
        for fingerprint, written in zip(prints.values(), writes, strict=True)
        if wanted is None or written.meets(wanted)
    ]
    if len(set(contents)) < 2:
        return lambda node, edge: True
    now = prints.get(target.newest if target.newest is not None else target.nodes[-1])
    later: dict[int, Partitions] = {}
    after = Partitions()
    for node, written in zip(reversed(target.nodes), reversed(writes), strict=True):
        later[node] = after
        after = after.joined(written)

    def is_changed(node: int, edge: int) -> bool:
        if node == target.newest or (now is not None and prints[node] == now):
            return False
        limited = graph.views.flag[edge] & LIMITED
        read = wanted or (graph.partitions(graph.views.partitions[edge]) if limited else EVERY)
        return later[node].meets(read)

    return is_changed


def _fingerprints(graph: LineageGraph, nodes: Collection[int]) -> dict[int, str | None]:
    """The fingerprint of each version, by node; None where no record has it."""
    rows = {node: graph.views.writer[node] for node in nodes}
    known = [row for row in rows.values() if row != NOTHING]
    prints = dict(zip(known, graph.records["fingerprint"].gather(known), strict=True))
    return {node: prints.get(row) for node, row in rows.items()}
