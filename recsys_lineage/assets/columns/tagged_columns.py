"""Tagged columns: an asset's own tags, those inherited from its inputs, and whether the asset is cleared for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.tags import PERSON, Tag, Tags, passed_tags
from recsys_lineage.records.parts.check_outcome import CheckOutcome

CHECK = "tagged_columns_are_cleared"
ADVICE = (
    "leave the column out, mask it (a hash with a key from a $parameter, or a statistic over at least k people), or "
    'clear the asset: cleared={"the tag": "why it may hold such data"}; readers still see the previous version'
)
DESCRIPTION = "the asset may hold every kind of tagged data that its columns hold"


def output_tags(
    columns: Sequence[str],
    own: Tags,
    lineage: Mapping[str, Sequence[ColumnEdge]],
    inputs: Mapping[str, Tags],
) -> dict[str, tuple[Tag, ...]]:
    """Tags of the columns that have any: their own, and those inherited from their origins.

    Where the lineage is unknown, each column has the tags of everything that was read.

    Args:
        columns: of the output.
        own: the tags that the asset's code declares.
        lineage: of the output's columns; empty where it is unknown.
        inputs: table → column → tags, for the columns that were read.
    """
    everything = {
        tag for tags in inputs.values() for each in tags.values() for tag in each if tag.name != PERSON
    }
    found: dict[str, tuple[Tag, ...]] = {}
    for column in columns:
        passed = passed_tags(lineage.get(column, ()), inputs) if lineage else everything
        if tags := {*own.get(column, ()), *passed}:
            found[column] = tuple(sorted(tags))
    return found


def clearance(
    tags: Tags,
    cleared: Mapping[str, str],
    lineage: Mapping[str, Sequence[ColumnEdge]],
    inputs: Mapping[str, Tags],
) -> CheckOutcome:
    """Whether an asset is cleared for the tags of its columns.

    Args:
        tags: the tags of its columns.
        cleared: tag → why the asset may hold such data.
        lineage: the lineage of its columns; empty where it is unknown.
        inputs: table → column → tags.
    """
    broken = {
        column: names
        for column, given in tags.items()
        if (names := sorted({tag.name for tag in given} - {PERSON, *cleared}))
    }
    if not broken:
        words = "no column is tagged" if not tags else "every tag is cleared"
        return CheckOutcome(CHECK, True, words, columns=tuple(tags))
    reasons = [
        f"{column} is tagged {', '.join(names)}{_whence(lineage.get(column, ()), names, inputs)}"
        for column, names in broken.items()
    ]
    if not lineage and inputs:
        reasons.append(
            "the origin of the columns is unknown, so each has the tags of everything that was read"
        )
    return CheckOutcome(CHECK, False, "; ".join(reasons), columns=tuple(broken))


def _whence(edges: Sequence[ColumnEdge], names: Sequence[str], inputs: Mapping[str, Tags]) -> str:
    places = sorted(
        {
            f"{edge.table}.{edge.column}"
            for edge in edges
            for tag in inputs.get(edge.table, {}).get(edge.column, ())
            if tag.name in names and tag.passes(edge)
        }
    )
    return f" (from {', '.join(places)})" if places else ""
