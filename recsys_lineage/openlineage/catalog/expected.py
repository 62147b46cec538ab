"""Expected: a catalog's correct content for a lake, computed from the lake's records alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.catalog.picture import (
    ColumnOrigin,
    DatasetPicture,
    Edge,
    Key,
    Picture,
    RunPicture,
)
from recsys_lineage.openlineage.facets.schema import nested_fields
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.read_datasets import datasets_read
from recsys_lineage.openlineage.translation.run_ids import asset_run_id, orchestrator_run_id, step_run_id
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import RESERVED, Records
from recsys_lineage.records.run_record import RunRecord

_STATES = {
    "success": "COMPLETED", "kept": "COMPLETED", "failed": "FAILED", "canceled": "ABORTED", "lost": "ABORTED",
}  # fmt: skip


@dataclass
class _Gathered:
    """State accumulated while the records of a lake are read."""

    runs: dict[str, RunPicture] = field(default_factory=dict)
    newest: dict[Key, RunPicture] = field(default_factory=dict)
    wrote: dict[Key, RunPicture] = field(default_factory=dict)
    first_of_run: dict[str, tuple[Run, Materialization]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    without_events: set[Key] = field(default_factory=set)
    fields: dict[Key, frozenset[tuple[str, str | None]]] = field(default_factory=dict)
    places: set[Key] = field(default_factory=set)


def expected(lake: Lake, options: EventOptions) -> Picture:
    """A catalog's correct picture of a lake: each table's newest version, each job's newest edges, all runs.

    Args:
        lake: the lake with the records.
        options: the names of its jobs and datasets in events.
    """
    options = replace(options, lake=options.lake or lake.uri)
    records = Records(lake)
    found = _Gathered()
    for record in records.read()[0]:
        _gather(record, options, found)
    for record in records.run_records():
        _gather_run(record, options, found)
    for run_id, (run, first) in found.first_of_run.items():
        id_ = orchestrator_run_id(run_id, run)
        started = run.started or first.started
        found.runs.setdefault(id_, RunPicture(Key(*options.run_job(run)), "RUNNING", started, None))
    datasets = {
        key: replace(table, before=found.fields.get(key, frozenset()) - table.fields)
        for key, table in _tables(lake, records, options)
    }
    newest = {job: run for job, run in found.newest.items() if job not in found.without_events}
    edges = {edge for run in newest.values() for edge in _edges(run)}
    read = {edge.dataset for run in found.runs.values() for edge in _edges(run)}
    bearable = {
        edge
        for job, run in found.newest.items()
        if job in found.without_events or run.state != "COMPLETED"
        for edge in (*_edges(run), *_edges(found.wrote.get(job, run)))
    }
    return Picture(
        datasets,
        frozenset(edges),
        found.runs,
        frozenset(read - datasets.keys()),
        tuple(sorted(found.places | {Key(*options.table(lake.uri, ""))})),
        frozenset(bearable - edges),
        frozenset(found.silent),
    )


def _gather(record: Materialization, options: EventOptions, found: _Gathered) -> None:
    run_id = record.run.run_id
    if run_id is not None:
        found.first_of_run.setdefault(run_id, (record.run, record))
    if record.status == "kept":  # nothing ran: the edges are those of the run that made what was kept
        found.silent.add(asset_run_id(record))
        return
    job = Key(*options.job_of(record))
    has_written = record.status == "success" and record.version is not None and record.kind == "asset"
    inputs = datasets_read(record, options)
    outputs = {Key(*options.table(options.lake_of(record), record.asset))} if has_written else set()
    is_reported = has_written or (
        record.kind == "check" and any(each.table == record.asset for each in inputs)
    )
    columns = {column.name for column in record.schema}
    assertions = {
        (
            check.name,
            check.columns[0] if len(check.columns) == 1 and check.columns[0] in columns else "",
            check.passed,
        )
        for check in record.checks
    }
    run = RunPicture(
        job,
        _STATES[record.status],
        record.started,
        max(record.started, record.ended),
        frozenset(Key(*each.name) for each in inputs),
        frozenset(outputs),
        frozenset(assertions if is_reported else ()),
    )
    found.runs[asset_run_id(record)] = found.newest[job] = run
    if has_written:
        found.wrote[job] = run
        for written in outputs:
            found.fields[written] = found.fields.get(written, frozenset()) | _fields(record)
        found.places.add(Key(*options.table(options.lake_of(record), "")))


def _gather_run(record: RunRecord, options: EventOptions, found: _Gathered) -> None:
    run = found.first_of_run.get(record.id, (record.run, None))[0]
    id_ = orchestrator_run_id(record.id, run)
    job = Key(*options.run_job(run))
    ended = max(record.started, record.ended)
    found.runs[id_] = RunPicture(job, _STATES[record.state], run.started or record.started, ended)
    assets = {name.replace("/", "__"): name for name in record.assets}
    for step, state in record.steps.items():
        # The reads of a step whose process was killed are unknown: its job may be drawn without edges since then.
        found.silent.add(step_run_id(record.id, run, step))
        job = Key(*options.asset_job(assets.get(step, step), run))
        if (
            state not in ("success", "skipped")
            and job in found.newest
            and found.newest[job].order <= record.started
        ):
            found.without_events.add(job)


def _edges(run: RunPicture) -> Iterator[Edge]:
    for dataset in run.inputs:
        yield Edge(run.job, dataset, False)
    for dataset in run.outputs:
        yield Edge(run.job, dataset, True)


def _tables(lake: Lake, records: Records, options: EventOptions) -> Iterator[tuple[Key, DatasetPicture]]:
    for table in lake.tables():
        if table in RESERVED or lake.commit(table)["record"] is None:
            continue
        record = records.get(table)
        origins = frozenset(_origins(record, options)) if record.column_lineage else None
        yield (
            Key(*options.table(options.lake_of(record), table)),
            DatasetPicture(_fields(record), str(record.version), origins),
        )


def _fields(record: Materialization) -> frozenset[tuple[str, str | None]]:
    return frozenset((column.name, nested_fields(column.type)[0]) for column in record.schema)


def _origins(record: Materialization, options: EventOptions) -> Iterator[ColumnOrigin]:
    sources: dict[str, tuple[Key, dict[str, str]]] = {}
    for dataset in datasets_read(record, options):
        spelled = {column.name.casefold(): column.name for column in dataset.columns}
        sources |= {called: (Key(*dataset.name), spelled) for called in dataset.called}
    columns = {column.name for column in record.schema}
    for column, edges in record.column_lineage.items():
        if column in columns:
            yield from (_origin(column, edge, sources) for edge in edges if edge.table in sources)


def _origin(column: str, edge: ColumnEdge, sources: Mapping[str, tuple[Key, dict[str, str]]]) -> ColumnOrigin:
    dataset, spelled = sources[edge.table]
    field_ = spelled.get(edge.column.casefold(), edge.column)
    return ColumnOrigin(column, dataset, field_, edge.kind, edge.subtype, edge.masking)
