"""Report: what a validation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.openlineage.validation.fault import Fault


@dataclass(frozen=True)
class Report(Answer):
    """Result of a validation.

    Attributes:
        source: where the events came from.
        events: how many there were.
        runs: how many runs they tell of.
        rules: how many faults there are, by the rule that they break.
        faults: the first of them.
        unknown_schemas: how often a schema was named that is not an official one, by its URL: no fault.
    """

    source: str
    events: int
    runs: int
    rules: Mapping[str, int]
    faults: tuple[Fault, ...]
    unknown_schemas: Mapping[str, int]

    @property
    def found(self) -> bool:
        """Whether every event is what it should be, and there is any."""
        return not self.rules and self.events > 0
