"""Imported lineage: other systems' runs as a part of the graph of records, joined by the names of datasets."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from recsys_lineage.columns.column_edge import DIRECT
from recsys_lineage.graph.batch import PURPOSES, ROOT, Batch, FileJoin
from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.intake.foreign_runs import (
    Aliases,
    ForeignDataset,
    ForeignRun,
    Named,
    foreign_runs,
)
from recsys_lineage.openlineage.intake.imports import Imports
from recsys_lineage.openlineage.intake.known_files import KnownFiles
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.event_parts import dataset_key
from recsys_lineage.records.records import RESERVED, Records

_INPUT = PURPOSES.index("input")
_READS = {
    "row": pl.UInt32, "table": pl.Int32, "file": pl.Int32, "version": pl.Int64, "purpose": pl.UInt8,
    "partitions": pl.Int32, "columns": pl.Int32,
}  # fmt: skip


def graph_with_imports(lakes: Sequence[Lake], options: EventOptions | None = None) -> LineageGraph:
    """The graph of all records of some lakes, and of the lineage in other systems' events.

    A dataset of another system has a version for each run that wrote it, counted from 1; version 0 is the content read
    before the first reported write. Our own table is recognised by its dataset's name or its logical name. A run of
    another system read the version that it names, else the current one when it ended. A file that we read was made by
    the last run that wrote it, or its folder, before our first read.

    Args:
        lakes: the lakes with the records and the imports.
        options: the names of our datasets in events.
    """
    graph = LineageGraph.of(*map(Records, lakes))
    imported = [Imports(lake) for lake in lakes]
    if any(each.count() for each in imported):
        ImportedLineage(graph, lakes, options or EventOptions()).add(
            each for one in imported for each in one.read()
        )
    return graph


class ImportedLineage:
    """Writer of imported events into a graph of records.

    Args:
        graph: the graph of these lakes' records.
        lakes: our lakes.
        options: the names of our datasets in events.
    """

    def __init__(self, graph: LineageGraph, lakes: Sequence[Lake], options: EventOptions) -> None:
        self._graph, self._names = graph, graph.names
        self._ours = dict(_our_tables(lakes, options, graph))
        self._written = _writes(graph, set(self._ours.values()))
        self._files = KnownFiles(graph)
        self._versions: dict[Named, int] = {}
        self._records: list[dict[str, Any]] = []
        self._reads: list[dict[str, Any]] = []

    def add(self, events: Iterable[Any]) -> None:
        """Add imported events (`Import`)."""
        runs, aliases = foreign_runs(events, self._ours)
        for run in runs:
            self._add(run, aliases)
        frame = pl.DataFrame(self._records, schema=self._graph.schema)
        joins = [FileJoin(*each) for each in self._files.joins(self._number)]
        self._graph.add(Batch(frame, pl.DataFrame(self._reads, schema=_READS)), joins)

    def _add(self, run: ForeignRun, aliases: Aliases) -> None:
        outputs = [name for name in run.outputs if name not in self._ours]
        if not run.wrote or not outputs:
            return
        read = [each for name, dataset in run.inputs.items() for each in self._read(name, dataset, run)]
        for name in outputs:
            version = self._versions[name] = self._versions.get(name, 0) + 1
            self._files.wrote(name, version, run.ended)
            self._reads.extend({**each, "row": len(self._records)} for each in read)
            self._records.append(self._record(run, name, version, run.outputs[name], aliases))

    def _record(
        self, run: ForeignRun, name: Named, version: int, dataset: ForeignDataset, aliases: Aliases
    ) -> dict[str, Any]:
        schema = json.dumps(dataset.columns) if dataset.columns else None
        lineage = self._lineage(dataset, aliases)
        return {
            "kind": "asset",
            "id": f"{run.id}/{name.namespace}/{name.name}",
            "asset": self._number(name),
            "version": version,
            "status": "success",
            "started": run.started,
            "ended": run.ended,
            "run_id": None if run.id.startswith("job:") else run.id,
            "job": run.job.name,
            "code_location": run.job.namespace,
            "rows": run.rows.get(name),
            "schema": self._text(schema),
            "partitions": self._names.sets.number(""),
            "lineage": self._text(lineage),
            "declared": NOTHING,
        }

    def _read(self, name: Named, dataset: ForeignDataset, run: ForeignRun) -> Iterator[dict[str, Any]]:
        common = {
            "purpose": _INPUT,
            "partitions": NOTHING,
            "columns": NOTHING,
            "file": NOTHING,
            "table": NOTHING,
        }
        table = self._ours.get(name)
        if table is not None:
            version = self._version(table, dataset.version, run.ended)
            if version is not None:
                yield {**common, "table": table, "version": version}
            return
        files = self._files.read(name, run.ended) if name not in self._versions else []
        for file in files:
            yield {**common, "file": file}
        if not files:
            yield {**common, "table": self._number(name), "version": self._versions.get(name, 0)}

    def _version(self, table: int, named: str | None, moment: datetime) -> int | None:
        """The version of our own table that was read: the named one, else the current one at that moment."""
        times, versions = self._written.get(table, ((), ()))
        if named is not None and named.isdecimal() and int(named) in versions:
            return int(named)
        before = bisect_right(times, moment)
        return versions[before - 1] if before else None

    def _number(self, name: Named) -> int:
        """The number of a dataset of another system, as a table of the lake that represents its namespace."""
        self._names.foreign.add(name.namespace)
        return self._names.tables.number(f"{self._names.lakes.number(name.namespace)}{ROOT}{name.name}")

    def _text(self, text: str | None) -> int:
        if text is None:
            return NOTHING
        number = self._names.hashes.number(text)
        self._names.texts[number] = text
        return number

    def _lineage(self, dataset: ForeignDataset, aliases: Aliases) -> str | None:
        """A column lineage facet in the form used in records; None if there is none."""
        fields = dataset.lineage.get("fields")
        if not isinstance(fields, Mapping):
            return None
        shared = list(self._edges(dataset.lineage.get("dataset"), aliases))
        edges: dict[tuple[Any, ...], int] = {}
        columns: dict[str, list[int]] = {}
        for column in dict.fromkeys([*(name for name, _ in dataset.columns), *fields]):
            origin = fields.get(column)
            inputs = origin.get("inputFields") if isinstance(origin, Mapping) else None
            hidden = isinstance(origin, Mapping) and origin.get("transformationType") == "MASKED"
            own = self._edges(inputs, aliases, hidden)
            columns[column] = [edges.setdefault(edge, len(edges)) for edge in (*own, *shared)]
        return json.dumps({"edges": [list(edge) for edge in edges], "columns": columns})

    def _edges(self, fields: Any, aliases: Aliases, hidden: bool = False) -> Iterator[tuple[Any, ...]]:
        for each in fields if isinstance(fields, list) else ():
            key, column = dataset_key(each), each.get("field") if isinstance(each, Mapping) else None
            if key is None or not isinstance(column, str):
                continue
            name = aliases[Named(*key)]
            table = self._names.tables[self._ours[name] if name in self._ours else self._number(name)]
            transformations = each.get("transformations")
            for how in transformations if isinstance(transformations, list) and transformations else ({},):
                how = how if isinstance(how, Mapping) else {}
                yield table, column, _subtype(how), bool(how.get("masking")) or hidden


def _subtype(how: Mapping[str, Any]) -> str:
    """The subtype of a transformation; if unknown, the weakest that an edge of its type can have."""
    subtype, is_direct = str(how.get("subtype") or ""), how.get("type", "DIRECT") == "DIRECT"
    if is_direct:
        return subtype if subtype in DIRECT else "TRANSFORMATION"
    return subtype if subtype and subtype not in DIRECT else "CONDITIONAL"


def _our_tables(
    lakes: Sequence[Lake], options: EventOptions, graph: LineageGraph
) -> Iterator[tuple[Named, int]]:
    """The names of our tables' datasets, each with the table's number."""
    logical: dict[str, list[int]] = {}
    for lake in lakes:
        number = graph.names.lakes.number(lake.uri)
        for table in lake.tables():
            if table not in RESERVED:
                found = graph.names.tables.number(f"{number}{ROOT}{table}")
                logical.setdefault(table, []).append(found)
                yield Named(*options.table(lake.uri, table)), found
    for table, numbers in logical.items():
        if len(numbers) == 1:
            yield Named(options.jobs, table), numbers[0]


def _writes(graph: LineageGraph, tables: set[int]) -> dict[int, tuple[tuple[datetime, ...], tuple[int, ...]]]:
    """The times at which each version of some tables was made, in order, and the versions."""
    records = graph.records.filter(
        (pl.col("kind") == "asset")
        & (pl.col("status") == "success")
        & pl.col("version").is_not_null()
        & pl.col("asset").is_in(list(tables))
    )
    made = records.sort("ended").group_by("asset", maintain_order=True).agg("ended", "version")
    return {asset: (tuple(times), tuple(versions)) for asset, times, versions in made.iter_rows()}
