"""Contribution: extra columns of a query that annotate its rows with their origins: lists of rows, or a mark.

Both are annotations in the sense of Green, Karvounarakis and Tannen ("Provenance semirings", PODS 2007): a backward
trace needs the rows themselves; a forward trace needs only whether one of some rows is among them, for which true and
false suffice. The size of a mark does not depend on the number of rows of a group or a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from recsys_lineage.rows.statement.from_item import FromItem


class Contribution(Protocol):
    """Extra columns of a query that annotate its rows with their origins.

    Attributes:
        gathering: the aggregate that combines the origins of the rows in a window's frame.
        merged: whether the tables of the rows need not be distinguished.
    """

    gathering: str
    merged: bool

    def before_joins(self, item: FromItem) -> str:
        """SQL of a column to add to a relation before it is joined; empty for none."""
        ...

    def of_row(self, item: FromItem) -> str:
        """SQL for one existing row of a relation."""
        ...

    def of_item(self, item: FromItem) -> str:
        """SQL for the row of a relation in one joined row, which may be missing."""
        ...

    def one_of(self, item: FromItem) -> str:
        """An aggregate over rows of a relation."""
        ...

    def gathered(self, each: str, *, joined: bool = False) -> str:
        """An aggregate over the origins of several rows, many of which repeat after joins."""
        ...

    def of_window(self, window: str) -> str:
        """SQL for all rows of a frame, given the window with the aggregate `gathering`."""
        ...

    def together(self, each: Sequence[str]) -> str:
        """SQL for the union of several expressions, some of which may be NULL."""
        ...


class Lists:
    """Lists of the rows themselves, each a STRUCT."""

    gathering = "list"
    merged = False

    def before_joins(self, item: FromItem) -> str:
        """None."""
        return ""

    def of_row(self, item: FromItem) -> str:
        """The row, alone."""
        return f"[{item.row}]"

    def of_item(self, item: FromItem) -> str:
        """The row alone, or no row."""
        there = item.is_there
        return f"CASE WHEN {there} THEN {self.of_row(item)} ELSE [] END" if there else self.of_row(item)

    def one_of(self, item: FromItem) -> str:
        """All rows."""
        return f"list({item.row})"

    def gathered(self, each: str, *, joined: bool = False) -> str:
        """All rows of several lists; of joined rows each list once, because joins may repeat it very often."""
        return f"flatten(list({'DISTINCT ' if joined else ''}{each}))"

    def of_window(self, window: str) -> str:
        """All rows of the lists in a frame."""
        return f"flatten({window})"

    def together(self, each: Sequence[str]) -> str:
        """One list after the other."""
        if len(each) == 1:
            return each[0]
        return f"flatten([{', '.join(f'coalesce({one}, [])' for one in each)}])"


class Marks:
    """Marks of rows that have a marked row among their origins.

    Args:
        marked: gets the folded name of a table or definition and returns a query for its marked rows as STRUCTs with
            the fields f0, f1, …; None where none is marked.
        early: whether marks are looked up before joins, once for each row; otherwise after them, for the joined rows,
            which may be few.
        merged: whether one mark serves for the rows of all tables.
    """

    gathering = "bool_or"

    def __init__(
        self, marked: Callable[[str], str | None], *, early: bool = False, merged: bool = False
    ) -> None:
        self._marked, self._early, self.merged = marked, early, merged

    def before_joins(self, item: FromItem) -> str:
        """Whether the row is marked, if that is looked up early."""
        return self._looked_up(item) if self._early and self._marked(item.table) is not None else ""

    def of_row(self, item: FromItem) -> str:
        """Whether the row is marked."""
        return item.mark or self._looked_up(item)

    def _looked_up(self, item: FromItem) -> str:
        """Whether the row is among the marked ones; STRUCTs with NULL in the same fields are equal."""
        query = self._marked(item.table)
        return f"({item.row} IN ({query}))" if query is not None else "false"

    def of_item(self, item: FromItem) -> str:
        """Whether the row exists and is marked."""
        there = item.is_there
        return f"CASE WHEN {there} THEN {self.of_row(item)} ELSE false END" if there else self.of_row(item)

    def one_of(self, item: FromItem) -> str:
        """Whether one of the rows is marked."""
        return f"bool_or({self.of_row(item)})"

    def gathered(self, each: str, *, joined: bool = False) -> str:
        """Whether one of several is true."""
        return f"bool_or({each})"

    def of_window(self, window: str) -> str:
        """Whether one in a frame is true."""
        return window

    def together(self, each: Sequence[str]) -> str:
        """Whether one of them is true."""
        return each[0] if len(each) == 1 else f"({' OR '.join(f'coalesce({one}, false)' for one in each)})"
