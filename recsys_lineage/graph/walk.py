"""Walk: everything upstream or downstream of something, exact to the column and the partition."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush
from typing import Literal

import rustworkx as rx

from recsys_lineage.graph.column_maps import ALL
from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import CARRIED, FILE, LIMITED, PREVIOUS, LineageGraph
from recsys_lineage.graph.version_part import EVERY, WHOLE, Part, Partitions

Direction = Literal["up", "down"]


def walk(
    graph: LineageGraph,
    starts: Mapping[int, Part],
    direction: Direction,
    *,
    by_column: bool = False,
    direct: bool = False,
    previous: bool = True,
) -> dict[int, Part]:
    """The nodes upstream or downstream of some nodes, themselves included, each with its reached part.

    If every run wrote whole tables, this is the closure of a graph of versions, which is computed without a loop in
    Python.

    Args:
        graph: the graph.
        starts: node → its part.
        direction: up, towards their inputs, or down.
        by_column: follow columns; otherwise all columns of reached nodes count.
        direct: with `by_column`, only along DIRECT edges.
        previous: whether to follow reads of an asset's own version before.
    """
    if not by_column and previous and graph.is_whole and all(part == WHOLE for part in starts.values()):
        return dict.fromkeys(_closure(graph, starts, direction), WHOLE)
    follow = Followed(graph, direction, by_column=by_column, direct=direct, previous=previous)
    return _reached(graph, starts, follow)


def _closure(graph: LineageGraph, starts: Collection[int], direction: Direction) -> set[int]:
    """The closure over entire versions."""
    find = rx.ancestors if direction == "up" else rx.descendants
    reached: set[int] = set()
    for start in starts:
        if start not in reached:
            reached |= find(graph.edges, start) | {start}
    return reached


class Followed:
    """Function that maps a part of a node along an edge: it gets the node, its part, an edge and the edge's other end.

    It returns the part of the other end that was made from it (down), or that it was made from (up); None if there is
    none.

    Attributes:
        down: whether the edge is followed from the node to what was made from it.
        by_column, direct: as for `walk`.
    """

    def __init__(
        self,
        graph: LineageGraph,
        direction: Direction,
        *,
        by_column: bool = False,
        direct: bool = False,
        previous: bool = True,
    ) -> None:
        self._graph, self._views, self._maps = graph, graph.views, graph.columns
        self.down = direction == "down"
        self.by_column, self.direct, self._previous = by_column, direct, previous

    def __call__(self, node: int, part: Part, edge: int, other: int) -> Part | None:
        """See the class."""
        views, down = self._views, self.down
        flag = views.flag[edge]
        written = self._graph.partitions(views.written[other if down else node])
        if flag & CARRIED:
            partitions = part.partitions.without(written.keys)
            return Part(part.columns, partitions) if partitions else None
        if flag & PREVIOUS and not self._previous:
            return None
        read = self._graph.partitions(views.partitions[edge]) if flag & LIMITED else EVERY
        needed, reached = (read, written) if down else (written, read)
        if part.partitions is not EVERY and not needed.meets(part.partitions):
            return None
        if not self.by_column:
            return WHOLE if reached is EVERY else Part(ALL, reached)
        columns = self._columns(node, part.columns, edge, other)
        return Part(columns, reached) if columns else None

    def passed(self, node: int, columns: int) -> dict[int, int] | None:
        """The columns at the other ends of a node's edges that some of its columns become, or come from; None if they
        are not known for the node as a whole.
        """
        views = self._views
        if self.down:
            return self._maps.passed_down(views.table[node], columns, self.direct)
        if views.lineage[node] == NOTHING:
            return None
        return self._maps.passed_up(views.table[node], views.lineage[node], columns, self.direct)

    def _columns(self, node: int, columns: int, edge: int, other: int) -> int:
        views = self._views
        made, read = (other, node) if self.down else (node, other)
        table = views.table[read]
        lineage, output, used = views.lineage[made], views.table[made], views.columns[edge]
        follow = self._maps.down if self.down else self._maps.up
        if table != FILE:
            return follow(lineage, output, table, columns, used, self.direct)
        found = 0
        for scan in self._maps.files_of(lineage, output, views.number[read]):
            found |= follow(lineage, output, scan, columns, used, self.direct)
        return found


_NODE = (1 << 32) - 1


def _reached(graph: LineageGraph, starts: Mapping[int, Part], follow: Followed) -> dict[int, Part]:
    """Every reached node with its part, in the order of the records, so that most are visited once.

    The loop runs thousands of times within milliseconds. The most common edges, reads of all partitions of a table, are
    handled inline; the others are followed by `Followed`.
    """
    views, maps = graph.views, graph.columns
    down, by_column, direct = follow.down, follow.by_column, follow.direct
    edges_of = graph.edges.out_edge_indices if down else graph.edges.in_edge_indices
    other_end = views.target if down else views.source
    flags, written, writer = views.flag, views.written, views.writer
    table, lineage = views.table, views.lineage
    sign = 1 if down else -1
    started = {node: part for node, part in starts.items() if part.columns and part.partitions}
    columns = {node: part.columns for node, part in started.items()}
    limits = {node: part.partitions for node, part in started.items() if part.partitions != EVERY}
    waiting = set(columns)
    queue = [(sign * writer[node] << 32) + node for node in columns]
    heapify(queue)
    while queue:
        node = heappop(queue) & _NODE
        waiting.discard(node)
        mine, limit = columns[node], limits.get(node)
        is_limited = limit is not None or (not down and written[node] != NOTHING)
        passed = follow.passed(node, mine) if by_column else None
        for edge in edges_of(node):
            other = other_end[edge]
            new, new_limit = ALL, None
            if (
                is_limited
                or flags[edge]
                or (down and written[other] != NOTHING)
                or (by_column and (passed is None or table[other if not down else node] == FILE))
            ):
                found = follow(node, Part(mine, EVERY if limit is None else limit), edge, other)
                if found is None:
                    continue
                new, new_limit = found.columns, None if found.partitions == EVERY else found.partitions
            elif passed is not None:
                if not down:
                    new = passed.get(table[other], 0)
                elif lineage[other] == NOTHING:
                    found = follow(node, Part(mine), edge, other)
                    new = found.columns if found is not None else 0
                else:
                    if (key := (lineage[other] << 32) + table[other]) not in passed:
                        ends = lineage[other], table[other], table[node]
                        passed[key] = maps.down(*ends, mine, NOTHING, direct)
                    new = passed[key]
                if not new:
                    continue
            old = columns.get(other, 0)
            if not old:
                if new_limit is not None:
                    limits[other] = new_limit
            elif not (other in limits and _is_widened(limits, other, new_limit)) and old | new == old:
                continue
            columns[other] = old | new
            if other not in waiting:
                waiting.add(other)
                heappush(queue, (sign * writer[other] << 32) + other)
    return {
        node: WHOLE if bits == ALL and node not in limits else Part(bits, limits.get(node, EVERY))
        for node, bits in columns.items()
    }


def _is_widened(limits: dict[int, Partitions], node: int, limit: Partitions | None) -> bool:
    """Join further partitions, all if None, with those of a node that was reached in part; whether any is new."""
    before = limits[node]
    joined = EVERY if limit is None else before.joined(limit)
    if joined == EVERY:
        del limits[node]
    else:
        limits[node] = joined
    return joined != before
