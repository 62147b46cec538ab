"""Definition: a named query over tables and other definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.statement.syntax import Node

MAIN = "__result"
"""The statement itself among its definitions."""


@dataclass
class Definition:
    """A named query.

    Attributes:
        name: a unique name that no table has.
        query: its syntax tree, whose relations are tables and definitions.
        columns: the columns of its result.
        aliases: the names of its columns in WITH.
        materialized: the author's MATERIALIZED clause.
        recursive: whether it reads itself.
        whole: whether its rows cannot be followed individually, so that each is traced to everything that it reads.
        in_expression: whether it is a subquery of an expression, of which all rows are needed.
        keys: for a recursive query USING KEY, its keys, and the aggregates that merge a key's rows.
        reads: the folded names of the tables and definitions in it, each as often as it occurs.
    """

    name: str
    query: Node
    columns: tuple[Column, ...] = ()
    aliases: list[str] = field(default_factory=list)
    materialized: str = ""
    recursive: bool = False
    whole: bool = False
    in_expression: bool = False
    keys: list[Node] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def depends_on(self, name: str, among: Mapping[str, Definition]) -> bool:
        """Whether it reads a table or definition, directly or through others."""
        seen: set[str] = set()
        open_: list[str] = [*self.reads]
        while open_:
            each = open_.pop()
            if each == name.casefold():
                return True
            if each not in seen and each in among:
                seen.add(each)
                open_.extend(among[each].reads)
        return False
