"""Partitions: windows over whole partitions, traced once per partition, because a list for each row would be quadratic.

The query returns the keys of the wanted row's partitions, and its position if later rows do not matter; then the rows
with the same keys, and no later position, are requested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.row_facts.window_rows import is_over_partition, is_up_to_own, place_in
from recsys_lineage.rows.statement.syntax import Node, copied, without_places
from recsys_lineage.rows.witnesses.nondeterminism.float_sums import float_sums
from recsys_lineage.rows.witnesses.witnessed_query import Partition


def set_apart(windows: Sequence[Node], statement: Statement) -> list[Node]:
    """The windows whose rows can be found by the keys of a partition and the position in it."""
    found = [each for each in windows if each.get("partitions")]
    whole = [each for each in found if is_over_partition(each)]
    running = [each for each in found if is_up_to_own(each) and not is_over_partition(each)]
    if running and float_sums(statement, set(statement.definitions)):
        running = []  # a place by a sum of doubles may be another one when it is computed again
    return [*whole, *running]


def partitions_of(
    query: Node, windows: Sequence[Node], grouped: bool, list_rows: Callable[[Node], None]
) -> list[Partition]:
    """The queries for all rows of the windows' partitions, each partition once; the query gets the keys as columns.

    Args:
        query: the query with the windows.
        windows: the windows that are traced separately.
        grouped: whether the query groups its rows.
        list_rows: adds the columns with the origins of its rows to a query.
    """
    found: list[Partition] = []
    listed: list[tuple[list[Node], list[Node]]] = []
    for window in windows:
        keys = [without_places(each) for each in window["partitions"]]
        orders = [without_places(each) for each in window["orders"]] if not is_over_partition(window) else []
        if (keys, orders) in listed or (keys, []) in listed:
            continue
        listed.append((keys, orders))
        added = [
            {**copied(each), "alias": f"__k{len(listed)}_{n}"} for n, each in enumerate(window["partitions"])
        ]
        names = [each["alias"] for each in added]
        place = f"__p{len(listed)}" if orders else ""
        if place:
            added.append({**place_in(window), "alias": place})
        # windows look at rows before these are cut
        bare = {**copied(query), "qualify": None, "modifiers": []}
        found.append(Partition(names, window["partitions"], bare, grouped, place))
        for each in (query, bare):
            each["select_list"] += copied(added)
    for each in found:
        list_rows(each.query)
    return found
