"""Report: the result of a validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.openlineage.validation.fault import Fault


@dataclass(frozen=True)
class Report(Answer):
    """Result of a validation.

    Attributes:
        source: the origin of the events.
        events: their number.
        runs: the number of their runs.
        rules: rule → the number of its violations.
        faults: the first faults.
        unknown_schemas: URL of an unofficial schema → the number of its uses, which are no faults.
    """

    source: str
    events: int
    runs: int
    rules: Mapping[str, int]
    faults: tuple[Fault, ...]
    unknown_schemas: Mapping[str, int]

    @property
    def found(self) -> bool:
        """Whether there are events and all of them are valid."""
        return not self.rules and self.events > 0
