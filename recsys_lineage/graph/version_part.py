"""Part: the partitions and columns of a version that a walk has reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from recsys_lineage.graph.column_maps import ALL


@dataclass(frozen=True, slots=True)
class Partitions:
    """Some partitions of a table, or all but some.

    The partitions of a version are not looked up, so all but some may be none.
    """

    keys: frozenset[str] = frozenset()
    all_but: bool = False

    def __bool__(self) -> bool:
        return self.all_but or bool(self.keys)

    def meets(self, other: Partitions) -> bool:
        """Whether both can contain the same partition."""
        if self.all_but or other.all_but:
            if self.all_but and other.all_but:
                return True
            some, but = (other, self) if self.all_but else (self, other)
            return bool(some.keys - but.keys)
        return not self.keys.isdisjoint(other.keys)

    def without(self, keys: frozenset[str]) -> Partitions:
        """The partitions without some."""
        return Partitions(self.keys | keys if self.all_but else self.keys - keys, self.all_but)

    def joined(self, other: Partitions) -> Partitions:
        """Union of both."""
        if self is EVERY or other is EVERY:
            return EVERY
        if self.all_but and other.all_but:
            return Partitions(self.keys & other.keys, True)
        if self.all_but or other.all_but:
            some, but = (other, self) if self.all_but else (self, other)
            return Partitions(but.keys - some.keys, True)
        return Partitions(self.keys | other.keys)


EVERY = Partitions(all_but=True)
"""All partitions, or a table that has none."""


class Part(NamedTuple):
    """A part of a version: some columns, as a bit set of `ColumnMaps`, of some partitions.

    If a walk reaches a version in two parts that differ in both, it continues with the columns of both in the
    partitions of both: the smallest part that contains them, so that nothing is missed.
    """

    columns: int = ALL
    partitions: Partitions = EVERY


WHOLE = Part()
