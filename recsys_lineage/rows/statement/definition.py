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
        name: unique, and no table's.
        query: its syntax tree, whose relations are tables and definitions.
        columns: what it gives.
        aliases: names that its WITH gives its columns.
        materialized: what the author wrote.
        recursive: whether it reads itself.
        whole: whether its rows cannot be followed one by one, so that each is traced to all that it reads.
        asked: whether it is a subquery of an expression, of which all rows are asked for.
        keys: where it is recursive USING KEY, these, and aggregates by which a key's rows become one.
        reads: the tables and definitions in it, folded, each as often as it stands there.
    """

    name: str
    query: Node
    columns: tuple[Column, ...] = ()
    aliases: list[str] = field(default_factory=list)
    materialized: str = ""
    recursive: bool = False
    whole: bool = False
    asked: bool = False
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
