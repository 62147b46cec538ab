"""Witnessed: a query with columns that list the rows behind each of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from recsys_lineage.rows.statement.syntax import Node, is_expression, parts


@dataclass
class Partition:
    """All rows that some windows read in addition to a row's own: those of its partition, or those up to its position.

    Attributes:
        names: the names of the columns, in both queries, that identify a partition.
        keys: their expressions.
        query: returns these columns and witness columns like those of the query with witnesses.
        grouped: whether it groups its rows.
        place: the column, in both queries, with a row's position in its partition, if later rows are not read; empty if
            all are.
    """

    names: list[str]
    keys: list[Node]
    query: Node
    grouped: bool
    place: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns that both queries have in addition to their own."""
        return [*self.names, *([self.place] if self.place else [])]


@dataclass
class Witnessed:
    """A query with its witnesses.

    Attributes:
        query: the syntax tree; its first columns are the query's own.
        tables: the table or definition listed in each further column, `__w0`, `__w1`, …
        counts: the number of places where each of these is read.
        partitions: the rows of windows over whole partitions, kept out of these lists.
        repeats: whether lists of several rows may contain the same rows, as after joins.
    """

    query: Node
    tables: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    partitions: list[Partition] = field(default_factory=list)
    repeats: bool = False


def drop_own_columns(witnessed: Witnessed) -> None:
    """Remove a query's own columns if they are not needed and do not decide its rows."""
    query = witnessed.query
    decides = ("group_expressions", "group_sets", "modifiers", "having", "qualify")
    if query["type"] != "SELECT_NODE" or any(query.get(key) for key in decides):
        return
    if query.get("aggregate_handling") != "FORCE_AGGREGATES" and not any(
        is_expression(part, "FUNCTION") and part["function_name"].lower() == "unnest"
        for part in parts(query["select_list"])
    ):
        query["select_list"] = query["select_list"][-len(witnessed.tables) :]
