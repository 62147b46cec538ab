"""Tags: the kind of data in a column, such as personal data, and the rules by which derived columns inherit it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recsys_lineage.columns.column_edge import ColumnEdge

PERSON = "person"
"""The tag of columns that identify people: a count of their distinct values is a number of people."""
_THROUGH_CHOICES = "+indirect"
_TAGGED = re.compile(r"\s*\[([a-z]\w*(?:\+indirect)?(?:\s*,\s*[a-z]\w*(?:\+indirect)?)*)\]\s*$")


@dataclass(frozen=True, order=True)
class Tag:
    """A tag of a column, written after its description: `the customer [pii]`, `[pii, health+indirect]`.

    Every column computed from the column's values inherits it. Only a masking transformation stops it.

    Args:
        name: lower-case.
        indirect: whether columns inherit it also if the column only decides their rows or values.
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
        """Whether the tag passes along an edge; `person` passes only along edges of unchanged values."""
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
    """The tags that a column inherits from its origins.

    Args:
        edges: the edges of the column.
        inputs: table → column → tags.
    """
    return {
        tag for edge in edges for tag in inputs.get(edge.table, {}).get(edge.column, ()) if tag.passes(edge)
    }
