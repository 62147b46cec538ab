"""Receiving: the outcome for each event from another system: stored, already known, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recsys_lineage.errors import LineageError
from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.openlineage.delivery.event_lines import EventLine
from recsys_lineage.openlineage.intake.imports import Import, Imports
from recsys_lineage.openlineage.translation.event_parts import dataset_key
from recsys_lineage.openlineage.validation.fault import Fault, words
from recsys_lineage.openlineage.validation.official_schemas import Schemas

_AT_ONCE = 2_000
_MOST_BYTES = 64 * 2**20
_SHOWN = 20


@dataclass(frozen=True)
class Refused(Answer):
    """An event that was not stored.

    Attributes:
        index: its index among the received events, from 0.
        line: its first line.
        reason: the reason.
    """

    index: int
    line: int
    reason: str


@dataclass(frozen=True)
class Received(Answer):
    """Outcome of received events.

    Attributes:
        source: their origin.
        events: their number.
        new: the number of stored events.
        known: the number of events stored before.
        refused: the refused events.
        violating: the number of stored events that violate the official schemas.
        faults: the first of their violations.
        unchecked: why they were not validated against the schemas; None where they were.
    """

    source: str
    events: int
    new: int
    known: int
    refused: tuple[Refused, ...]
    violating: int
    faults: tuple[Fault, ...]
    unchecked: str | None = None

    @property
    def found(self) -> bool:
        """Whether there were events and all were stored."""
        return self.events > 0 and not self.refused


def receive(
    lines: Iterable[EventLine], imports: Imports, schemas: Schemas | None, source: str = "events"
) -> Received:
    """Store the events of other systems, in blocks: each block is stored before the next is read.

    Args:
        lines: the events.
        imports: the table for the events.
        schemas: the schemas to validate against; a violation is stored with the event and does not refuse it. No
            validation when None.
        source: their origin, for the result.

    Raises:
        WriteConflict, InsufficientSpace: as in `Imports.add`; blocks stored before stay.
    """
    refused: list[Refused] = []
    faults: list[Fault] = []
    block: list[Import] = []
    count = new = kept = violating = size = 0
    for index, line in enumerate(lines):
        count += 1
        reason = why_refused(line)
        if reason is not None or line.event is None:
            refused.append(Refused(index, line.line, reason or ""))
            continue
        found = (
            [] if schemas is None else [each.of(line.line, line.event) for each in schemas.faults(line.event)]
        )
        violating += bool(found)
        faults.extend(found[: max(0, _SHOWN - len(faults))])
        block.append(
            Import(line.body.decode(), line.event, tuple(f"{each.place}: {each.message}" for each in found))
        )
        kept, size = kept + 1, size + len(line.body)
        if len(block) == _AT_ONCE or size > _MOST_BYTES:
            new += imports.add(block)
            block, size = [], 0
    new += imports.add(block)
    return Received(source, count, new, kept - new, tuple(refused), violating, tuple(faults))


def why_refused(line: EventLine) -> str | None:
    """The reason why an event cannot be stored, in one line; None where it can."""
    if line.fault is not None:
        return one_line(line.fault)
    event = line.event or {}
    is_of_run = isinstance(event.get("run"), Mapping) and isinstance(event["run"].get("runId"), str)
    if "run" in event and not is_of_run:
        return "the run has no id"
    if dataset_key(event.get("job")) is None and (is_of_run or dataset_key(event.get("dataset")) is None):
        return f"no job or dataset with namespace and name{f' ({words(event)})' if words(event) else ''}"
    return None


def one_line(error: LineageError) -> str:
    """An error as one line of text."""
    parts = [("expected", error.expected), ("found", error.found), ("at", error.where)]
    details = "; ".join(f"{label} {text}" for label, text in parts if text)
    return f"{error.message} {details}".strip()
