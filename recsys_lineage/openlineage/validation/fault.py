"""Fault: what is wrong with an event, by which rule, and where in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an event.

    Attributes:
        rule: the rule that it breaks, such as `schema` or `start-first`.
        message: what was expected and what was found.
        place: where in the event, as `$.run.runId`.
        line: where the event stands in its file; 0 for what is known only at the end.
        event: which event it is, in words.
    """

    rule: str
    message: str
    place: str = "$"
    line: int = 0
    event: str = ""

    def of(self, line: int, event: Mapping[str, Any] | None) -> Fault:
        """The same fault of an event on some line."""
        message = self.message if len(self.message) <= _LONGEST else f"{self.message[:_LONGEST]}…"
        return Fault(self.rule, message, self.place, line, words(event))


def words(event: Mapping[str, Any] | None) -> str:
    """Which event it is: its type, its job or dataset, the run's id."""
    if event is None:
        return ""
    subject = event.get("job") if isinstance(event.get("job"), Mapping) else event.get("dataset")
    run = event.get("run")
    parts = [
        event.get("eventType"),
        subject.get("name") if isinstance(subject, Mapping) else None,
        run.get("runId") if isinstance(run, Mapping) else None,
    ]
    return " ".join(str(each) for each in parts if each)
