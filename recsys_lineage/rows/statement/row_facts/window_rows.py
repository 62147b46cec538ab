"""Window rows: the other rows that a window function reads, and whether they are the whole table."""

from __future__ import annotations

from collections.abc import Sequence

from recsys_lineage.rows.statement.syntax import (
    Node,
    Syntax,
    arguments,
    copied,
    gathered,
    is_expression,
    set_arguments,
    without_places,
)

_UP_TO_PEERS = ("WINDOW_ROW_NUMBER", "WINDOW_RANK", "WINDOW_RANK_DENSE")
_WHOLE = ("WINDOW_NTILE", "WINDOW_PERCENT_RANK", "WINDOW_CUME_DIST", "WINDOW_FILL")
_SHIFTED = ("WINDOW_LAG", "WINDOW_LEAD")
_ALL = ("UNBOUNDED_PRECEDING", "UNBOUNDED_FOLLOWING")


def is_over_all(window: Node) -> bool:
    """Whether a window function reads rows of the whole table: it has no PARTITION BY and no near bounds."""
    if window.get("partitions"):
        return False
    kind = window["type"]
    if kind in _SHIFTED:
        return not _is_near(window)
    if kind in (*_UP_TO_PEERS, *_WHOLE):
        return True
    return window["start"] in _ALL or window["end"] in _ALL


def is_over_partition(window: Node) -> bool:
    """Whether a window function reads all rows of its partition, independently of its own row's position."""
    kind = window["type"]
    if window.get("filter_expr") or window.get("exclude_clause", "NO_OTHER") != "NO_OTHER":
        return False
    if kind in _SHIFTED:
        return not _is_near(window)
    if kind in _WHOLE or window.get("arg_orders"):
        return True
    if kind in _UP_TO_PEERS:
        return not window.get("orders")
    ends = window["end"] == _ALL[1] or (window["end"] == "CURRENT_ROW_RANGE" and not window.get("orders"))
    return window["start"] == _ALL[0] and ends


def is_up_to_own(window: Node) -> bool:
    """Whether a window function reads the rows of its partition up to its own row and its peers."""
    if window.get("filter_expr") or window.get("exclude_clause", "NO_OTHER") != "NO_OTHER":
        return False
    if not window.get("orders") or window.get("arg_orders"):
        return False
    kind = window["type"]
    if kind in (*_WHOLE, *_SHIFTED):
        return False
    up_to_peers = window["start"] == _ALL[0] and window["end"] in ("CURRENT_ROW_RANGE", "CURRENT_ROW_GROUPS")
    return kind in _UP_TO_PEERS or up_to_peers


def are_enough_for_all(windows: Sequence[Node]) -> bool:
    """Whether the rows that windows read for one row are enough for each of these rows too.

    So it is with whole partitions, and with the rows up to one place in one order. Of `1 PRECEDING`, or of windows in
    different orders, a row that was read for another one lacks rows of its own. What reads the whole table is context,
    which no trace has as rows.
    """
    within = [each for each in windows if not is_over_all(each)]
    if not within:
        return True

    def alike(part: str) -> bool:
        return len({repr(without_places(each.get(part))) for each in within}) == 1

    whole = any(map(is_over_partition, within))
    return alike("partitions") and (whole or (alike("orders") and all(map(is_up_to_own, within))))


def place_in(window: Node) -> Node:
    """The window that numbers the positions of rows in a partition; rows with equal keys have the same position."""
    made = gathered(window, window, "dense_rank")
    set_arguments(made, [])
    made.update(
        type="WINDOW_RANK_DENSE", start=_ALL[0], end="CURRENT_ROW_RANGE", start_expr=None, end_expr=None
    )
    return made


def rows_looked_at(window: Node, listed: Node, syntax: Syntax, gathering: str = "list") -> Node:
    """The window that collects values over the rows that a window function's value depends on, and the row itself.

    The row and all rows in between are included, so that the window's frame has the same rows when there are no others.
    """
    kind = window["type"]
    made = gathered(window, listed, gathering)
    if kind in _UP_TO_PEERS and not window.get("arg_orders"):
        made.update(start="UNBOUNDED_PRECEDING", end="CURRENT_ROW_RANGE", start_expr=None, end_expr=None)
    elif kind in _SHIFTED and _is_near(window):
        operands = arguments(window)
        offset = operands[1] if len(operands) > 1 else window.get("offset_expr")
        offset = syntax.expression("1") if offset is None else copied(offset)
        made.update(start="CURRENT_ROW_ROWS", end="CURRENT_ROW_ROWS", start_expr=None, end_expr=None)
        if kind == "WINDOW_LAG":
            made.update(start="EXPR_PRECEDING_ROWS", start_expr=offset)
        else:
            made.update(end="EXPR_FOLLOWING_ROWS", end_expr=offset)
    elif kind in (*_UP_TO_PEERS, *_WHOLE, *_SHIFTED) or window.get("arg_orders"):
        made.update(start=_ALL[0], end=_ALL[1], start_expr=None, end_expr=None)
    else:
        if made["start"].startswith("EXPR_FOLLOWING"):
            made.update(start=made["start"].replace("EXPR_FOLLOWING", "CURRENT_ROW"), start_expr=None)
        if made["end"].startswith("EXPR_PRECEDING"):
            made.update(end=made["end"].replace("EXPR_PRECEDING", "CURRENT_ROW"), end_expr=None)
    return made


def _is_near(window: Node) -> bool:
    """Whether LAG or LEAD has a constant offset."""
    if window.get("ignore_nulls") or window.get("arg_orders"):
        return False
    operands = arguments(window)
    offset = operands[1] if len(operands) > 1 else window.get("offset_expr")
    if offset is None:
        return True
    if not is_expression(offset, "CONSTANT"):
        return False
    value = offset["literal"].get("text") if "literal" in offset else offset["value"].get("value")
    return str(value).isdigit()
