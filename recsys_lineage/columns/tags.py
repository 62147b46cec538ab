"""Tags: the kind of data in a column, such as personal data, and how it passes to derived columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recsys_lineage.columns.column_edge import ColumnEdge

PERSON = "person"
"""The tag of columns that tell people apart: a count of their distinct values is a number of people."""
_THROUGH_CHOICES = "+indirect"
_TAGGED = re.compile(r"\s*\[([a-z]\w*(?:\+indirect)?(?:\s*,\s*[a-z]\w*(?:\+indirect)?)*)\]\s*$")


@dataclass(frozen=True, order=True)
class Tag:
    """A tag of a column, written behind its description: `the customer [pii]`, `[pii, health+indirect]`.

    It passes to every column whose values are made of the column's. Only a masking transformation stops it.

    Args:
        name: lower-case.
        indirect: whether it also passes to columns for whose rows or values the column only decides.
    """

    name: str
    indirect: bool = False

    @classmethod
    def of(cls, text: str) -> Tag:
        """Parse a written tag."""
        return cls(text.removesuffix(_THROUGH_CHOICES), text.endswith(_THROUGH_CHOICES))

    def __str__(self) -> str:
        return self.name + (_THROUGH_CHOICES if self.indirect else "")

    def passes(self, edge: ColumnEdge) -> bool:
        """Whether the tag passes along an edge; one that identifies people does so only for unchanged values."""
        if self.name == PERSON:
            return edge.subtype == "IDENTITY"
        return not edge.masking and (edge.kind == "DIRECT" or self.indirect)


Tags = Mapping[str, Sequence[Tag]]
"""Column → its tags."""


def split_description(text: str) -> tuple[str, tuple[Tag, ...]]:
    """A column's description without its tags, and the tags."""
    match = _TAGGED.search(text)
    if match is None:
        return text, ()
    return text[: match.start()], tuple(Tag.of(each.strip()) for each in match[1].split(","))


def passed_tags(edges: Iterable[ColumnEdge], inputs: Mapping[str, Tags]) -> set[Tag]:
    """The tags that a column inherits from the columns that it comes from.

    Args:
        edges: those of the column.
        inputs: table → column → tags.
    """
    return {
        tag for edge in edges for tag in inputs.get(edge.table, {}).get(edge.column, ()) if tag.passes(edge)
    }
