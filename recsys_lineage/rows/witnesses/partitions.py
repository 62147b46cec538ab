"""Partitions: windows over whole partitions, traced once per partition, because a list for each row would be quadratic.

The keys of the wanted row's partitions stand beside it, and the rows with the same keys are asked for then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recsys_lineage.rows.statement.syntax import Node, copied, without_places
from recsys_lineage.rows.witnesses.witnessed import Partition


def partitions_of(
    query: Node, windows: Sequence[Node], grouped: bool, list_rows: Callable[[Node], None]
) -> list[Partition]:
    """The queries for all rows of the partitions of windows, each partition's once; the query gets the keys as columns.

    Args:
        query: that has the windows.
        windows: over whole partitions.
        grouped: whether the query groups its rows.
        list_rows: adds to a query the columns that list what its rows are made of.
    """
    found: list[Partition] = []
    told: list[list[Node]] = []
    for window in windows:
        keys = [without_places(each) for each in window["partitions"]]
        if keys in told:
            continue
        told.append(keys)
        named = [
            {**copied(each), "alias": f"__k{len(told)}_{n}"} for n, each in enumerate(window["partitions"])
        ]
        bare = {
            **copied(query),
            "qualify": None,
            "modifiers": [],
        }  # windows look at rows before these are cut
        found.append(Partition([each["alias"] for each in named], window["partitions"], bare, grouped))
        for each in (query, bare):
            each["select_list"] += copied(named)
    for each in found:
        list_rows(each.query)
    return found
