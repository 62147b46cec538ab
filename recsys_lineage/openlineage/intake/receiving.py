"""Receiving: the outcome for each event that another system sends: kept, already known, or refused with a reason."""

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
    """An event that was not kept.

    Attributes:
        index: its place among those that came, from 0.
        line: where it began.
        reason: why.
    """

    index: int
    line: int
    reason: str


@dataclass(frozen=True)
class Received(Answer):
    """Outcome of received events.

    Attributes:
        source: where they came from.
        events: how many there were.
        new: how many were kept.
        known: how many were there already.
        refused: the others.
        violating: how many were kept though they break the official schemas.
        faults: the first of what they break.
        unchecked: why they were not held to the schemas; None where they were.
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
        """Whether all were kept, and there was any."""
        return self.events > 0 and not self.refused


def receive(
    lines: Iterable[EventLine], imports: Imports, schemas: Schemas | None, source: str = "events"
) -> Received:
    """Keep the events of other systems, in blocks: each block is kept before the next is read.

    Args:
        lines: the events.
        imports: where to.
        schemas: what they are held to; a violation is noted and is no reason to refuse. None where they are not.
        source: what the answer calls them.

    Raises:
        WriteConflict, InsufficientSpace: as `Imports.add`; what was kept before stays.
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
    """Why an event cannot be kept, in one line; None where it can."""
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
