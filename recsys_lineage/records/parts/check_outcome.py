"""CheckOutcome: the result of one check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from recsys_lineage.records.parts.record_part import RecordPart


@dataclass(frozen=True)
class CheckOutcome(RecordPart):
    """The result of one check as text, counts and places; it contains no value of a row, because records are kept for
    ever.

    Attributes:
        name: the check's name.
        passed: whether the condition is true.
        found: the findings, as text for people.
        blocking: whether a failure keeps the version from being committed.
        description: the condition.
        severity: error, or warn if a failure is only reported.
        columns: the checked columns.
        counts: numbers such as that of rows that break the rule.
        where: places of rows that break the rule, as `file:line`.
        version: changes with the check's rule and code; empty in records that were written before it was kept.
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
    version: str = ""
