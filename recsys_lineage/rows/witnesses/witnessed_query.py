"""Witnessed: a query with columns that list the rows each of its rows is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from recsys_lineage.rows.statement.syntax import Node, is_expression, parts


@dataclass
class Partition:
    """All rows that some windows look at beside a row's own: those of its partition, or those of it up to its place.

    Attributes:
        names: of the columns, of both queries, by whose values a partition is told.
        keys: the expressions that these are.
        query: gives these, and what its rows are made of in columns as the query with witnesses does.
        grouped: whether it groups its rows.
        place: the column, of both queries, with a row's place in its partition, where later rows are not looked at;
            empty where all are.
    """

    names: list[str]
    keys: list[Node]
    query: Node
    grouped: bool
    place: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns that both queries have beside their own."""
        return [*self.names, *([self.place] if self.place else [])]


@dataclass
class Witnessed:
    """A query with its witnesses.

    Attributes:
        query: the syntax tree; its first columns are the query's own.
        tables: for each further column, `__w0`, `__w1`, …, the table or definition whose rows it lists.
        counts: in how many places each of these is read.
        partitions: set apart from these lists, the rows of windows over whole partitions.
        repeats: whether lists of several rows may name the same rows, as those of joined rows do.
    """

    query: Node
    tables: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    partitions: list[Partition] = field(default_factory=list)
    repeats: bool = False


def drop_own_columns(witnessed: Witnessed) -> None:
    """Leaves out a query's own columns, where nothing asks for them and they do not decide its rows."""
    query = witnessed.query
    decides = ("group_expressions", "group_sets", "modifiers", "having", "qualify")
    if query["type"] != "SELECT_NODE" or any(query.get(key) for key in decides):
        return
    if query.get("aggregate_handling") != "FORCE_AGGREGATES" and not any(
        is_expression(part, "FUNCTION") and part["function_name"].lower() == "unnest"
        for part in parts(query["select_list"])
    ):
        query["select_list"] = query["select_list"][-len(witnessed.tables) :]
