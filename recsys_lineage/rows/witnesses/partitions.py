"""Partitions apart: of a window over a whole partition no list is made for each row, which would be n lists of n rows.

The keys of the wanted row's partitions stand beside it, and the rows with the same keys are asked for then.
"""

from __future__ import annotations

from collections.abc import Sequence

from recsys_lineage.rows.statement.column_places import place_of
from recsys_lineage.rows.statement.from_item import FromItem
from recsys_lineage.rows.statement.syntax import Node, Syntax, copied, is_expression, parts
from recsys_lineage.rows.statement.window_rows import is_over_partition
from recsys_lineage.rows.witnesses.witnessed import Partition

_STRANGE = ("LAMBDA", "SUBQUERY", "STAR", "WINDOW")


def is_apart(window: Node, items: list[FromItem], query: Node) -> bool:
    """Whether a window looks at all of its partition, and that is told by columns of FROM."""
    keys = window.get("partitions", [])
    if not keys or not is_over_partition(window):
        return False
    inside = [*parts(keys)]
    columns = [each for each in inside if is_expression(each, "COLUMN_REF")]
    strange = any(is_expression(each, kind) for each in inside for kind in _STRANGE)
    return not strange and all(place_of({**each, "alias": ""}, items, query) is not None for each in columns)


def partitions_of(
    query: Node, windows: Sequence[Node], lists: Sequence[Node], syntax: Syntax
) -> list[Partition]:
    """The partitions of windows, each once.

    Args:
        query: with the windows, not aggregated; columns with the keys are added to it.
        windows: that are apart.
        lists: of the columns of witnesses those of a joined row alone.
        syntax: of the statement.
    """
    bare = copied(query)
    bare.update(qualify=None, modifiers=[])
    found: dict[tuple[str, ...], Partition] = {}
    number = 0
    for window in windows:
        keys = tuple({**copied(each), "alias": ""} for each in window["partitions"])
        said = tuple(syntax.expression_text(each) for each in keys)
        if said in found:
            continue
        names = tuple(f"__k{number + n}" for n in range(len(keys)))
        number += len(keys)
        named = [{**key, "alias": name} for key, name in zip(keys, names, strict=True)]
        found[said] = Partition(
            keys, names, {**copied(bare), "select_list": [*copied(named), *copied(lists)]}
        )
        query["select_list"] += named
    return [*found.values()]
