"""Columns: the origins of a column and the columns made from it, version by version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recsys_lineage.graph.column_maps import ALL
from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import CARRIED, FILE, LineageGraph
from recsys_lineage.graph.questions.answers import ColumnLineage, ColumnLink, ColumnOf
from recsys_lineage.graph.questions.closure import carries
from recsys_lineage.graph.questions.described import Described, edges_between, in_order
from recsys_lineage.graph.questions.target import find_target
from recsys_lineage.graph.version_part import Part
from recsys_lineage.graph.walk import Direction, walk


def columns(
    graph: LineageGraph, target: str, direction: Direction = "up", *, direct: bool = False
) -> ColumnLineage:
    """The columns that a column was made from (up), or that were made from it (down).

    Args:
        graph: the graph.
        target: `ASSET.COLUMN` or `ASSET@VERSION.COLUMN`; all columns of the asset where none is named. Without a
            version: up from the latest, down from all.
        direction: up or down.
        direct: only along DIRECT links.

    Raises:
        UnknownTarget: no record names it.
    """
    found = find_target(graph, target)
    latest_only = direction == "up" and found.kind == "asset" and found.newest is not None
    roots = (found.newest,) if latest_only and found.newest is not None else found.nodes
    starts = {node: found.part(graph, node) for node in roots}
    parts = walk(graph, starts, direction, by_column=True, direct=direct)
    by_direct = parts if direct else walk(graph, starts, direction, by_column=True, direct=True)
    words = Described(graph)
    links = tuple(
        link
        for edge in edges_between(graph, parts.keys())
        if carries(graph, edge, parts)
        for link in _links(graph, words, edge, parts, direct)
    )
    return ColumnLineage(
        found.text,
        direction,
        tuple(_columns(graph, words, parts)),
        tuple(_columns(graph, words, by_direct)),
        links,
    )


def _columns(graph: LineageGraph, words: Described, parts: Mapping[int, Part]) -> Iterator[ColumnOf]:
    for node in in_order(graph, parts):
        for name in _names(graph, node, parts[node].columns) or (None,):
            yield ColumnOf(words.id(node), name)


def _names(graph: LineageGraph, node: int, bits: int) -> tuple[str, ...] | None:
    return graph.columns.spelled(graph.views.table[node], bits)


def _links(
    graph: LineageGraph, words: Described, edge: int, parts: Mapping[int, Part], direct: bool
) -> Iterator[ColumnLink]:
    """The column edges of an edge between versions, limited to the reached columns."""
    views, maps = graph.views, graph.columns
    source, target = views.source[edge], views.target[edge]
    ends = words.id(source), words.id(target)
    there, here = parts[source].columns, parts[target].columns
    table, output = views.table[source], views.table[target]
    if views.flag[edge] & CARRIED:
        for name in maps.spelled(table, there & here) or (None,):
            yield ColumnLink(ends[0], name, ends[1], name, "DIRECT", "IDENTITY")
        return
    lineage = views.lineage[target]
    if lineage == NOTHING:
        if not direct:
            read = views.columns[edge]
            bits = (
                there if read == NOTHING or table == FILE else there & maps.bits(table, graph.names.set(read))
            )
            for name in _names(graph, source, bits) or ((None,) if bits == ALL else ()):
                yield ColumnLink(ends[0], name, ends[1], None, "UNKNOWN")
        return
    origins = (table,) if table != FILE else maps.files_of(lineage, output, views.number[source])
    for read, made, step in (each for origin in origins for each in maps.steps_from(output, lineage, origin)):
        if here & made and there & read and not (direct and step.kind != "DIRECT"):
            yield ColumnLink(
                ends[0], step.column, ends[1], step.output, step.kind, step.subtype, step.masking
            )
