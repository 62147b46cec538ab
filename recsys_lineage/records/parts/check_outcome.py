"""CheckOutcome: the result of one check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from recsys_lineage.records.parts.record_part import RecordPart


@dataclass(frozen=True)
class CheckOutcome(RecordPart):
    """The result of one check, in words, counts and places; it contains no value of a row, because records are kept for
    ever.

    Attributes:
        name: the check's name.
        passed: whether what it asks for is true.
        found: what it found, in words for a person.
        blocking: whether a failure keeps the version from being committed.
        description: what must be true.
        severity: error, or warn where a failure is only told of.
        columns: the columns that it looks at.
        counts: numbers that it found, such as rows that break the rule.
        where: places of rows that break the rule, as `file:line`.
    """

    name: str
    passed: bool
    found: str
    blocking: bool = False
    description: str = ""
    severity: Literal["error", "warn"] = "error"
    columns: tuple[str, ...] = ()
    counts: Mapping[str, int | float] = field(default_factory=dict)
    where: tuple[str, ...] = ()
