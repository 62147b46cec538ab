"""TraceSteps: the steps of a trace from rows to other rows, according to their records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records
from recsys_lineage.rows.back import BackwardTrace
from recsys_lineage.rows.forward import ForwardTrace
from recsys_lineage.rows.lake_rows import TracedRows, table_reads


@dataclass(frozen=True)
class TraceStep:
    """One step: `target` was made of `source`; each is a traced table version as `TABLE@VERSION`, or the name of a
    model."""

    source: str
    target: str


@dataclass(frozen=True)
class TraceSteps:
    """The steps of a trace.

    Attributes:
        known: those in the records.
        unrecorded: table versions, as `TABLE@VERSION`, whose rows have no record of their inputs.
    """

    known: tuple[TraceStep, ...]
    unrecorded: frozenset[str]


def trace_steps(lake: Lake, trace: BackwardTrace | ForwardTrace) -> TraceSteps:
    """The steps between the tables of a trace, and from its models to the tables made with them.

    There is a step from one table to another if the runs that wrote the traced rows of the latter read the former,
    unless the trace ends there and another step continues it.

    Args:
        lake: the lake of the trace.
        trace: the trace.
    """
    back = isinstance(trace, BackwardTrace)
    nodes = {(each.table, each.version if back else None): node_of(each) for each in trace.tables}
    models = {each.model for each in trace.models}
    stopped = {(each.asset, each.table) for each in trace.stopped}
    found: dict[TraceStep, bool] = {}
    records = Records(lake)
    unrecorded: set[str] = set()
    for each in trace.tables:
        for record in _writers(lake, records, each):
            if record is None:
                unrecorded.add(node_of(each))
                continue
            for read in table_reads(record):
                source = nodes.get((read.name, read.version if back else None))
                if source is not None and source != node_of(each):
                    found.setdefault(TraceStep(source, node_of(each)), (record.asset, read.name) in stopped)
                elif read.name in models:
                    found.setdefault(TraceStep(read.name, node_of(each)), False)
    near = {(way.source if back else way.target) for way, stops in found.items() if not stops}
    known = tuple(
        way for way, stops in found.items() if not stops or (way.source if back else way.target) not in near
    )
    start = set() if back else {node_of(each) for each in trace.tables[:1]}  # its origin is not needed
    return TraceSteps(known, frozenset(unrecorded - start))


def node_of(rows: TracedRows) -> str:
    """Name of the rows' table version."""
    return f"{rows.table}@{rows.version}"


def _writers(lake: Lake, records: Records, rows: TracedRows) -> Iterator[Materialization | None]:
    """The records of the runs that wrote the rows, by the last writer of each partition; None for a missing record."""
    version = lake.version(rows.table, rows.version)
    numbers = {rows.version}
    if version.partition_column is not None:
        whole = len(rows.rows) == rows.count
        keys = {str(row[version.partition_column]) for row in rows.rows} if whole else set(version.partitions)
        parts = [version.partitions[key] for key in keys if key in version.partitions]
        numbers = {part.version if part.written is None else part.written for part in parts} or numbers
    for number in sorted(numbers):
        try:
            yield records.get(rows.table, number)
        except TableNotFound:
            yield None
