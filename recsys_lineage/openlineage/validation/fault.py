"""Fault: a violation of a rule by an event, with its position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an event.

    Attributes:
        rule: the violated rule, such as `schema` or `start-first`.
        message: the expected and the found thing.
        place: the position in the event, as `$.run.runId`.
        line: the event's line in its file; 0 for faults found only at the end.
        event: a short description of the event.
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
    """Short description of an event: its type, its job or dataset, the run's id."""
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
