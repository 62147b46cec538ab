"""Pruned versions in an answer: they are named like all others, because records stay, and marked as gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from recsys_lineage.graph.questions.answers import AsOf, Lineage, Node
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.pruned_spans import Pruned


def with_pruned(answer: Any, lakes: Iterable[Lake]) -> Any:
    """An answer in which each pruned version has the day of its pruning; answers without versions stay as they are.

    Raises:
        LineageError: a file with marks of pruned versions is damaged.
    """
    places = {lake.uri: lake for lake in lakes}

    @cache
    def marks(lake: str, table: str) -> Mapping[int, Pruned]:
        return places[lake].pruned(table).all() if lake in places and places[lake].has(table) else {}

    def marked(node: Node) -> Node:
        if node.lake is None or node.version is None:
            return node
        pruned = marks(node.lake, node.name).get(node.version)
        return node if pruned is None else replace(node, pruned=pruned.days)

    if isinstance(answer, Lineage):
        return replace(answer, nodes=tuple(map(marked, answer.nodes)))
    if isinstance(answer, AsOf):
        return replace(
            answer, versions=tuple(replace(each, then=marked(each.then)) for each in answer.versions)
        )
    return answer
