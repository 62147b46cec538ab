"""Described: nodes and edges of the graph as the plain data of answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import CARRIED, FILE, PREVIOUS, LineageGraph
from recsys_lineage.graph.questions.answers import Link, Node

_SHORT = 12
DATASET = "dataset:"
"""Prefix of the namespace and name of another system's dataset."""


class Described:
    """Names of the nodes and edges of a graph; each id is built once."""

    def __init__(self, graph: LineageGraph) -> None:
        self._graph = graph
        self._ids: dict[int, str] = {}
        self._assets: dict[int, str] = {}

    def id(self, node: int) -> str:
        """Name of a node in answers and questions."""
        found = self._ids.get(node)
        if found is None:
            found = self._ids[node] = self._id(node)
        return found

    def ids(self, nodes: Iterable[int]) -> tuple[str, ...]:
        """Like `id`, for several."""
        return tuple(self.id(node) for node in nodes)

    def asset(self, table: int) -> str:
        """A table's name; with its lake's URL if several lakes have a table of that name, or for another system's."""
        found = self._assets.get(table)
        if found is None:
            lake, name = self._graph.names.table(table)
            if lake in self._graph.names.foreign:
                found = self._assets[table] = f"{DATASET}{lake}::{name}"
                return found
            is_shared = len(self._graph.names.lakes) > 1 and len(self._graph.named(name)) > 1
            found = self._assets[table] = f"{lake}::{name}" if is_shared else name
        return found

    def node(self, node: int) -> Node:
        """A node as plain data."""
        (found,) = self.nodes([node])
        return found

    def nodes(self, nodes: Collection[int]) -> tuple[Node, ...]:
        """Nodes as plain data, in order."""
        views = self._graph.views
        rows = [views.writer[node] for node in nodes]
        wrote = iter(self._graph.rows([row for row in rows if row != NOTHING]))
        pairs = zip(nodes, rows, strict=True)
        return tuple(self._node(node, None if row == NOTHING else next(wrote)) for node, row in pairs)

    def link(self, edge: int) -> Link:
        """An edge as plain data."""
        views = self._graph.views
        flag, names = views.flag[edge], self._graph.names
        partitions, columns = views.partitions[edge], views.columns[edge]
        return Link(
            self.id(views.source[edge]),
            self.id(views.target[edge]),
            "carried" if flag & CARRIED else "previous" if flag & PREVIOUS else "read",
            None if partitions == NOTHING else names.set(partitions),
            None if columns == NOTHING else names.set(columns),
        )

    def _id(self, node: int) -> str:
        table, number = self._graph.views.table[node], self._graph.views.number[node]
        if table == FILE:
            root, path, sha256 = self._graph.names.file(number)
            return f"file:{place(root, path)}@{sha256[:_SHORT]}"
        later = "" if self._graph.is_current(node) else f"~{self._graph.holder(node)}"
        return f"{self.asset(table)}@{number}{later}"

    def _node(self, node: int, record: dict[str, Any] | None) -> Node:
        table, number = self._graph.views.table[node], self._graph.views.number[node]
        if table == FILE:
            root, path, sha256 = self._graph.names.file(number)
            return Node(self.id(node), "file", path, root=root, sha256=sha256)
        lake, name = self._graph.names.table(table)
        if record is None:
            return Node(self.id(node), "version", name, number, lake=lake)
        made, run, rows = record["ended"], record["run_id"], record["rows"]
        return Node(
            self.id(node),
            "version",
            name,
            number,
            made=made,
            record=record["id"],
            run=run,
            rows=rows,
            lake=lake,
        )


def in_order(graph: LineageGraph, nodes: Iterable[int]) -> list[int]:
    """Nodes in the order of creation; those that no record wrote come first, by name."""
    writer, table, number = graph.views.writer, graph.views.table, graph.views.number
    return sorted(nodes, key=lambda node: (writer[node], table[node], number[node]))


def edges_between(graph: LineageGraph, nodes: Collection[int]) -> list[int]:
    """The edges with both ends among some nodes (a set), by number."""
    source = graph.views.source
    return sorted(
        edge for node in nodes for edge in graph.edges.in_edge_indices(node) if source[edge] in nodes
    )


def schema_of(graph: LineageGraph, node: int) -> tuple[str, ...]:
    """The columns of a version, in order; empty where no record has them, and for a file."""
    row = graph.views.writer[node]
    if row == NOTHING:
        return ()
    text = graph.names.texts.get(graph.records["schema"][row])
    return tuple(name for name, _ in json.loads(text)) if text else ()


def place(root: str | None, path: str) -> str:
    """The location of a file, by its root and path."""
    return path if root is None or path.startswith("/") else f"{root.rstrip('/')}/{path}"
