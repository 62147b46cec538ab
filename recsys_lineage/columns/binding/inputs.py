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
        name: its name as spelled in `schemas` and in edges.
        columns: names and types.
    """

    name: str
    columns: Columns

    @cached_property
    def relation(self) -> Relation:
        """Its columns, each an input of its own."""
        return Relation(
            [Column(name, Value(of_column(self.name, name), type=kind)) for name, kind in self.columns]
        )


@lru_cache(4096)
def _input(name: str, columns: Columns) -> Input:
    return Input(name, columns)


class Inputs:
    """The tables and files of `schemas`, looked up by names as DuckDB compares them.

    Args:
        schemas: table → column → type. Only the entries that are looked up are read.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.looked_up: dict[str, Input | None] = {}
        """Names that were looked up → the input, or None."""
        self.lasting = True
        """True if everything found comes from `schemas`, and not from files that may change."""

    def find(self, name: str) -> Input | None:
        """The input of a name."""
        if name not in self.looked_up:
            spelled = name if name in self._schemas else self._by_folded_name.get(folded(name))
            found = None if spelled is None else _input(spelled, tuple(self._schemas[spelled].items()))
            self.looked_up[name] = found
        return self.looked_up[name]

    def add(self, name: str, columns: Columns) -> Input:
        """An input whose columns are those of existing files."""
        self.lasting = False
        self.looked_up[name] = _input(name, columns)
        return _input(name, columns)

    @property
    def names(self) -> Iterable[str]:
        """All names as spelled in `schemas`."""
        return self._schemas

    @cached_property
    def _by_folded_name(self) -> dict[str, str]:
        return {folded(name): name for name in self._schemas}
