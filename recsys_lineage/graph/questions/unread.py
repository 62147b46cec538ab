"""Unread: dependencies that the code declares and no run ever read."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import polars as pl

from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.answers import Unread
from recsys_lineage.graph.questions.described import Described


def unread(graph: LineageGraph, declared: Mapping[str, Collection[str]] | None = None) -> tuple[Unread, ...]:
    """The dependencies that an asset declares and none of its runs read, failed runs included.

    An asset that never ran, because its version was always kept or it was never requested, is left out.

    Args:
        graph: the graph.
        declared: the tables that each asset declares today; those in its newest record when None.
    """
    words = Described(graph)
    ran = _runs(graph)
    read = _pairs(graph, words)
    named = _declared(graph) if declared is None else declared
    return tuple(
        Unread(asset, upstream, ran[asset])
        for asset in sorted(named)
        if asset in ran
        for upstream in sorted(named[asset])
        if (asset, upstream) not in read
    )


def _pairs(graph: LineageGraph, words: Described) -> set[tuple[str, str]]:
    """Pairs of an asset and a table that a run of it read."""
    found: set[tuple[str, str]] = set()
    for batch in graph.batches:
        assets = batch.records.select("asset").with_row_index("row")
        reads = batch.reads.filter(pl.col("table") != NOTHING).select("row", "table")
        pairs = reads.join(assets, on="row").select("asset", "table").unique()
        found |= {(words.asset(asset), words.asset(table)) for asset, table in pairs.iter_rows()}
    return found


def _runs(graph: LineageGraph) -> dict[str, int]:
    words = Described(graph)
    ran = graph.records.filter((pl.col("kind") == "asset") & (pl.col("status") != "kept"))
    return {words.asset(asset): count for asset, count in ran.group_by("asset").len().iter_rows()}


def _declared(graph: LineageGraph) -> dict[str, list[str]]:
    """Declared dependencies of each asset in its newest record."""
    words = Described(graph)
    newest = graph.records.filter(pl.col("kind") == "asset").group_by("asset").last()
    return {
        words.asset(asset): json.loads(graph.names.declared[number])
        for asset, number in newest.select("asset", "declared").iter_rows()
        if number != NOTHING
    }
