"""Pruned versions in an answer: they are named like all others, because records stay, and marked as gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from recsys_lineage.graph.questions.answers import AsOf, ColumnLineage, Impact, Lineage, Node, Paths, Runs
from recsys_lineage.graph.questions.diff import Diff
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.pruned_spans import Pruned

_VERSION = re.compile(r"(?:(?P<lake>.+)::)?(?P<table>[^@:]+)@(?P<number>\d+)")
"""A version's id; one of a table that was deleted and made anew has an ending, and no mark."""


def with_pruned(answer: Any, lakes: Iterable[Lake]) -> Any:
    """An answer in which each pruned version has the day of its pruning; answers without versions stay as they are.

    Raises:
        LineageError: a file with marks of pruned versions is damaged.
    """
    marks = _marks(lakes)

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


def pruned_in(answer: Any, lakes: Iterable[Lake]) -> dict[str, str]:
    """The pruned versions that an answer names, id → when each was; empty for answers that mark them themselves.

    Raises:
        LineageError: a file with marks of pruned versions is damaged.
    """
    if not isinstance(answer, ColumnLineage | Impact | Paths | Runs | Diff):
        return {}
    lakes = list(lakes)
    marks = _marks(lakes)
    found: dict[str, str] = {}
    for text in dict.fromkeys(_texts(answer.to_json())):
        if (version := _VERSION.fullmatch(text)) is None:
            continue
        places = [version["lake"]] if version["lake"] else [lake.uri for lake in lakes]
        for place in places:
            if (pruned := marks(place, version["table"]).get(int(version["number"]))) is not None:
                found[text] = pruned.days
    return found


def _marks(lakes: Iterable[Lake]) -> Callable[[str, str], Mapping[int, Pruned]]:
    """The marks of a table's pruned versions, by its lake's URL and its name."""
    places = {lake.uri: lake for lake in lakes}

    @cache
    def marks(lake: str, table: str) -> Mapping[int, Pruned]:
        return places[lake].pruned(table).all() if lake in places and places[lake].has(table) else {}

    return marks


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)
