"""Histories for tests: what any project may have run, and what follows from it by a graph of every single cell group.

The reference knows nothing of sets: it has a node for each partition and column of each version and file, in networkx.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import networkx as nx
from hypothesis import strategies as st

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.parts.read import Purpose, Read
from recsys_lineage.records.table.record_table import RecordTable
from tests.lineage.records.made_records import TODAY, record

TABLES = ("alpha", "beta", "gamma", "delta")
OUTSIDE = "outside"
"""A table that no asset writes."""
PARTITIONS = ("p", "q", "r")
UNNAMED = "one that no record names"
COLUMNS = ("x", "y", "z")
FILES = ("a.csv", "b.csv")
Cell = tuple[str, str | None, str]
"""A node's name, a partition and a column; files have one partition, and columns as tables have."""


@dataclass
class History:
    """Records as JSON objects in the order in which they ended, and the names of what each wrote and read.

    Attributes:
        records: the records.
        writes: for each record what it wrote, None where it wrote nothing.
        reads: for each record what it read for its output: a node's name, and the read.
        before: for each record the version before, whose other partitions it keeps.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    writes: list[str | None] = field(default_factory=list)
    reads: list[list[tuple[str, Read]]] = field(default_factory=list)
    before: list[str | None] = field(default_factory=list)

    def append_to(self, lake: Lake, begin: int = 0, end: int | None = None) -> None:
        """Add some of the records to a lake, as one commit."""
        RecordTable(lake).append(self.records[begin:end], in_one_commit=True)

    def until(self, count: int) -> History:
        """The first so many records."""
        return History(self.records[:count], self.writes[:count], self.reads[:count], self.before[:count])

    def cells(self, *, by_column: bool = True, direct: bool = False, previous: bool = True) -> nx.DiGraph:
        """The graph of partitions and columns; without `by_column` any column of what is read makes all."""
        graph = nx.DiGraph()
        for made, written, reads, before in zip(
            self.records, self.writes, self.reads, self.before, strict=True
        ):
            if written is None:
                continue
            keys = made.get("partitions") or [*PARTITIONS, UNNAMED]
            for key, column in itertools.product([*PARTITIONS, UNNAMED], COLUMNS):
                graph.add_node((written, key, column))
                if before is not None and key not in keys:
                    graph.add_edge((before, key, column), (written, key, column))
            for (name, read), key in itertools.product(reads, keys):
                if read.purpose == "previous" and not previous:
                    continue
                pairs = _columns(made, read, direct) if by_column else itertools.product(COLUMNS, COLUMNS)
                for source, target in pairs:
                    for cell in _cells_read(name, read, source):
                        graph.add_edge(cell, (written, key, target))
        return graph

    def closure(
        self,
        name: str,
        direction: str,
        *,
        column: str | None = None,
        partition: str | None = None,
        **how: bool,
    ) -> dict[str, set[str]]:
        """The nodes that lie upstream or downstream of a node, itself included, and their columns that do."""
        graph = self.cells(by_column=column is not None, **how)
        starts = [
            cell
            for cell in graph
            if cell[0] == name and column in (None, cell[2]) and partition in (None, cell[1])
        ]
        find = nx.ancestors if direction == "up" else nx.descendants
        reached = {*starts, *(cell for start in starts for cell in find(graph, start))}
        found: dict[str, set[str]] = {name: {column} if column else set(COLUMNS)}
        for node, _, each in reached:
            found.setdefault(node, set()).add(each)
        return found

    @property
    def nodes(self) -> list[str]:
        """All versions and files that were written or read for an output, and versions kept in part."""
        found: dict[str, None] = {}
        for written, reads, before in zip(self.writes, self.reads, self.before, strict=True):
            if written is not None:
                found |= dict.fromkeys([written, *(name for name, _ in reads), *([before] if before else [])])
        return list(found)


def whole(history: History) -> nx.MultiDiGraph:
    """The graph of versions and files by networkx: an edge for each read, and for what is kept of the one before."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(history.nodes)
    for written, reads, before in zip(history.writes, history.reads, history.before, strict=True):
        if written is not None:
            graph.add_edges_from((name, written) for name, _ in reads)
            if before is not None:
                graph.add_edge(before, written)
    return graph


def written_down(lineage: Mapping[str, list[list[str]]]) -> dict[str, Any]:
    """A column lineage as a record writes it: each edge once."""
    edges = [list(edge) for edge in {tuple(edge): None for found in lineage.values() for edge in found}]
    return {
        "edges": edges,
        "columns": {name: [edges.index(e) for e in found] for name, found in lineage.items()},
    }


def as_read(made: dict[str, Any]) -> dict[str, list[list[str]]] | None:
    """The column lineage of a record: each output with its edges."""
    lineage = made.get("column_lineage")
    if lineage is None:
        return None
    return {
        name: [lineage["edges"][place] for place in places] for name, places in lineage["columns"].items()
    }


def _columns(made: dict[str, Any], read: Read, direct: bool) -> Iterator[tuple[str, str]]:
    """Columns that were read, and columns that were made of them."""
    lineage = as_read(made)
    if lineage is None:
        if not direct:
            wanted = COLUMNS if read.columns is None or read.kind == "file" else read.columns
            yield from itertools.product(wanted, COLUMNS)
        return
    of_files = any(table == "*.csv" for edges in lineage.values() for table, *_ in edges)
    if read.kind == "file" and not of_files:
        if not direct:
            yield from itertools.product(COLUMNS, COLUMNS)
        return
    for output, edges in lineage.items():
        for table, column, subtype in edges:
            is_of_it = table == (read.name if read.kind == "table" else "*.csv")
            if is_of_it and (subtype == "IDENTITY" or not direct):
                yield column, output


def _cells_read(name: str, read: Read, column: str) -> Iterator[Cell]:
    if read.kind == "file":
        yield (name, None, column)
        return
    for key in read.partitions or (*PARTITIONS, UNNAMED):
        yield (name, key, column)


@st.composite
def histories(draw: st.DrawFn, *, most: int = 12, partitions: bool = True, columns: bool = True) -> History:
    """Any history of some tables: reads of any versions, partial writes, failures, tables that begin anew."""
    history = History()
    newest: dict[str, int] = {}
    generation: dict[str, int] = {}
    there: list[tuple[str, int, str]] = []
    for minute in range(draw(st.integers(1, most))):
        asset = draw(st.sampled_from(TABLES))
        if asset in newest and draw(st.integers(0, 9)) == 0:
            generation[asset] = generation.get(asset, 0) + 1
            del newest[asset]
            there = [each for each in there if each[0] != asset]
        candidates = [*there, (OUTSIDE, 4, f"{OUTSIDE}@4")]
        reads: list[tuple[str, Read]] = []
        for table, version, name in draw(st.lists(st.sampled_from(candidates), max_size=3, unique=True)):
            purpose: Purpose = (
                "previous" if table == asset else draw(st.sampled_from(["input", "input", "check"]))
            )
            keys = draw(st.none() | _some(PARTITIONS)) if partitions else None
            names = draw(st.none() | _some(COLUMNS)) if columns else None
            reads.append(
                (name, Read("table", table, "f", purpose, version=version, columns=names, partitions=keys))
            )
        for path in draw(st.lists(st.sampled_from(FILES), max_size=1)):
            sha = draw(st.sampled_from(["1" * 64, "2" * 64]))
            reads.append((f"file:/data/{path}@{sha[:12]}", Read("file", path, sha, root="/data")))
        status = draw(st.sampled_from(["success"] * 4 + ["failed"]))
        version = newest.get(asset, -1) + 1
        keys = draw(st.just(()) | _some(PARTITIONS)) if partitions else ()
        made = record(
            asset,
            minute,
            id=f"{minute:032}",
            status=status,
            partitions=keys,
            version=version if status == "success" else None,
            fingerprint=f"content {draw(st.integers(0, 2))}",
            reads=tuple(read for _, read in reads),
            ended=TODAY + timedelta(minutes=minute),
        ).to_json()
        if columns and draw(st.booleans()):
            made["column_lineage"] = written_down(draw(_lineage([read for _, read in reads])))
        name = f"{asset}@{version}~{generation.get(asset, 0)}"
        history.records.append(made)
        history.writes.append(name if status == "success" else None)
        history.reads.append([(of, read) for of, read in reads if read.purpose != "check"])
        carries = status == "success" and bool(keys) and version > 0
        history.before.append(f"{asset}@{version - 1}~{generation.get(asset, 0)}" if carries else None)
        if status == "success":
            newest[asset] = version
            there.append((asset, version, name))
    return history


def _some(names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True).map(lambda found: tuple(sorted(found)))


@st.composite
def _lineage(draw: st.DrawFn, reads: list[Read]) -> dict[str, list[list[str]]]:
    sources = [read.name if read.kind == "table" else "*.csv" for read in reads if read.purpose != "check"]
    found: dict[str, list[list[str]]] = {column: [] for column in COLUMNS}
    if not sources:
        return found
    for column in COLUMNS:
        edges = st.tuples(
            st.sampled_from(sources), st.sampled_from(COLUMNS), st.sampled_from(["IDENTITY", "FILTER"])
        ).map(list)
        found[column] = draw(st.lists(edges, max_size=3))
    return found
