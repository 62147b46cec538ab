"""Inputs: the tables and files that a statement may read, with their columns and types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from recsys_lineage.columns.binding.empty_tables import Columns
from recsys_lineage.columns.edges import of_column
from recsys_lineage.columns.relation import Column, Relation, Value, folded

Schemas = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Input:
    """A table or a file that a statement may read.

    Args:
        name: as `schemas` spells it; edges name it so.
        columns: names and types.
    """

    name: str
    columns: Columns

    @cached_property
    def relation(self) -> Relation:
        """Its columns, each made of itself."""
        return Relation(
            [Column(name, Value(of_column(self.name, name), type=kind)) for name, kind in self.columns]
        )


@lru_cache(4096)
def _input(name: str, columns: Columns) -> Input:
    return Input(name, columns)


class Inputs:
    """The tables and files of `schemas` under the names that DuckDB compares.

    Args:
        schemas: table → column → type. It is not read but for what is asked.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.asked: dict[str, Input | None] = {}
        """What was looked for, and found or not."""
        self.lasting = True
        """Whether what was found is known from `schemas` alone, and not from files that may change."""

    def find(self, name: str) -> Input | None:
        """The input of a name."""
        if name not in self.asked:
            spelled = name if name in self._schemas else self._by_folded_name.get(folded(name))
            found = None if spelled is None else _input(spelled, tuple(self._schemas[spelled].items()))
            self.asked[name] = found
        return self.asked[name]

    def add(self, name: str, columns: Columns) -> Input:
        """An input whose columns are those of files that lie there now."""
        self.lasting = False
        self.asked[name] = _input(name, columns)
        return _input(name, columns)

    @property
    def names(self) -> Iterable[str]:
        """All names, as `schemas` spells them."""
        return self._schemas

    @cached_property
    def _by_folded_name(self) -> dict[str, str]:
        return {folded(name): name for name in self._schemas}
