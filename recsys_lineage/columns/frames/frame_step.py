"""FrameStep: the output of one step of a Polars plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys_lineage.columns.edges import NOTHING, Edges
from recsys_lineage.columns.relation import Value


@dataclass(frozen=True)
class FrameStep:
    """Output of a step: columns by name, and the edges that decide its rows.

    Args:
        columns: name → value.
        rows: the edges that decide its rows.
        key: columns in which no two rows have the same values; None where none are known.
    """

    columns: Mapping[str, Value] = field(default_factory=dict)
    rows: Edges = NOTHING
    key: frozenset[str] | None = None

    def kept(self, taken: Mapping[str, str | None]) -> frozenset[str] | None:
        """Its key under new names, if all columns of the key are passed on unchanged.

        Args:
            taken: column → the input column that it is, None for a computed one.
        """
        names = {before: name for name, before in taken.items() if before is not None}
        if self.key is None or not self.key <= names.keys():
            return None
        return frozenset(names[name] for name in self.key)
