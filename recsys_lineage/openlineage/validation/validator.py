"""Validator: checks a whole stream of events against the schemas and the rules that they cannot express."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from recsys_lineage.errors import WrongQuestion, did_you_mean
from recsys_lineage.openlineage.delivery.event_lines import EventLine, read_events
from recsys_lineage.openlineage.validation.column_rules import dataset_faults
from recsys_lineage.openlineage.validation.fault import Fault
from recsys_lineage.openlineage.validation.name_rules import name_faults
from recsys_lineage.openlineage.validation.official_schemas import Schemas
from recsys_lineage.openlineage.validation.report import Report
from recsys_lineage.openlineage.validation.run_rules import RunRules
from recsys_lineage.openlineage.validation.spec import Spec

RULES: Mapping[str, str] = {
    "json": "an event is one JSON object within the limits of size and depth",
    "schema": "an event and its facets fulfil their official schemas",
    "schema-url": "the named schema exists, and is one for this kind of event",
    "facet-name": "a facet has the name that its schema gives",
    "facet-place": "a facet of a run, a job, a dataset, an input or an output is attached to one",
    "job-type": "every job says its type",
    "lists-there": "an event of a run has inputs and outputs, empty where there are none",
    "no-static-edges": "an event of a job alone lists no datasets",
    "no-early-outputs": "outputs are on COMPLETE only, where something was committed",
    "one-job": "a run belongs to one job throughout",
    "start-first": "a run begins with START",
    "start-once": "a run starts once",
    "one-end": "a run has one COMPLETE, FAIL or ABORT, and nothing after it",
    "times-in-order": "the events of a run are in the order of their times, and none before its parent began",
    "parent-first": "a parent's START comes before those of the runs below it",
    "parent-last": "a parent ends after the runs below it",
    "one-parent": "a run has the same parent in all its events",
    "named-by-parent": "a job's name begins with that of its parent",
    "versions-in-order": "versions of a dataset are in order",
    "dataset-once": "a dataset is listed once among the inputs, and once among the outputs",
    "column-once": "a column occurs once in a schema",
    "ordinals": "ordinals count from 1, in order",
    "lineage-has-schema": "where there is column lineage, the output and the inputs that it names carry schemas",
    "lineage-input": "what column lineage names is among the inputs",
    "lineage-column": "the columns that column lineage names are in the schemas",
    "no-credentials": "no dataset's name contains a user and a password",
    "catalog-names": "namespaces and names are ones that catalogs keep: Marquez puts _ for other characters of a "
    "namespace than letters, digits and :/_.@+-, and does not find names of more than 255 characters",
}
"""The rules, by name; the first five follow from the schemas."""
MOST = 20


def validate(
    stream: BinaryIO | Iterable[EventLine],
    spec: Spec,
    *,
    source: str = "events",
    is_part: bool = False,
    ignored: Collection[str] = (),
    most: int = MOST,
) -> Report:
    """Validate a stream of events against the official schemas and `RULES`, in bounded memory.

    Args:
        stream: JSON lines, or events already read.
        spec: the official schemas.
        source: the stream's name in the report.
        is_part: whether it is a part of a longer one, so that runs may begin before it and end after it.
        ignored: the rules to ignore.
        most: the most faults shown in the report.

    Raises:
        WrongQuestion: there is no rule of a name.
        NoSpec: the schemas cannot be downloaded.
    """
    for rule in ignored:
        if rule not in RULES:
            raise WrongQuestion(
                f"There is no rule {rule!r}.",
                expected=", ".join(RULES),
                advice=did_you_mean(rule, RULES) or None,
            )
    checked = Validator(spec, is_part)
    counts: Counter[str] = Counter()
    shown: list[Fault] = []
    lines = stream if not hasattr(stream, "readline") else read_events(stream)  # pyright: ignore[reportArgumentType]
    for fault in checked.faults(lines):  # pyright: ignore[reportArgumentType]
        if fault.rule in ignored:
            continue
        counts[fault.rule] += 1
        if len(shown) < most:
            shown.append(fault)
    return Report(
        source, checked.events, checked.runs, dict(counts), tuple(shown), dict(checked.schemas.unknown)
    )


class Validator:
    """Validator of one event after another against schemas and rules.

    Attributes:
        events: the number of events so far.
        schemas: the schemas.
    """

    def __init__(self, spec: Spec, is_part: bool = False) -> None:
        self.events = 0
        self.schemas = Schemas(spec)
        self._rules = RunRules(is_part)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self._rules.runs

    def faults(self, lines: Iterable[EventLine]) -> Iterator[Fault]:
        """The faults of a whole stream, in order; those found only at the end come last."""
        for line in lines:
            self.events += 1
            if line.event is None:
                broken = line.fault
                message = "it is broken" if broken is None else " ".join(str(broken).split())
                yield Fault("json", message, line=line.line)
                continue
            for fault in self.of_event(line.event, line.line):
                yield fault.of(line.line, line.event)
        yield from self._rules.at_the_end()

    def of_event(self, event: Mapping[str, Any], line: int = 0) -> Iterator[Fault]:
        """The faults of the next event."""
        yield from self.schemas.faults(event)
        yield from self._rules.faults(event, line)
        yield from dataset_faults(event)
        yield from name_faults(event)
