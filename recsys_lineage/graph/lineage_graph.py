"""LineageGraph: the versions behind each version, from the records of any number of lakes and code locations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import rustworkx as rx

from recsys_lineage.graph.batch import PURPOSES, ROOT, Batch, FileJoin, Names, read_batch
from recsys_lineage.graph.column_maps import ColumnMaps
from recsys_lineage.graph.growing import Growing
from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.version_keys import VersionKeys, keys_of
from recsys_lineage.graph.version_part import EVERY, Partitions
from recsys_lineage.records.records import Records

PREVIOUS, CARRIED, LIMITED = 1, 2, 4
"""Flags of an edge, which add up: a read of the asset's own previous version; partitions that a version keeps of the
previous one; a read of some partitions only. 0 is a read of all."""
FILE = -1
"""Table number of nodes that are files."""
_CHECK = PURPOSES.index("check")
_EDGES_AT_ONCE = 500_000


@dataclass(frozen=True)
class _Views:
    """Columns of the graph for loops in Python, which read a number faster from a memoryview than from an array."""

    source: memoryview
    target: memoryview
    flag: memoryview
    partitions: memoryview
    columns: memoryview
    table: memoryview
    number: memoryview
    writer: memoryview
    written: memoryview
    lineage: memoryview


class LineageGraph:
    """Table versions and files, and the edges between them: a view of the records that grows with them.

    A node is a version of a table or a file with its content (path and sha256). An edge goes from an input to the
    version made from it; reads for checks have no edges. A version of which a run wrote only some partitions has an
    edge from the previous version, whose other partitions it carries. Versions are acyclic, but tables need not be: a
    model may start from its own previous version. A table that was deleted and created again gets new nodes.

    `LineageGraph.of(records, …)` reads all records in bulk; `extend` reads those added since. Questions are functions
    of a graph: `upstream`, `downstream`, `impact`, `paths`, `columns`, `asof`, `unread`, `runs`.

    Args:
        names: the names of a graph that this one is a part of; new ones when None.
    """

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self.edges = rx.PyDiGraph()
        self.columns = ColumnMaps(self.names)
        self._lakes: list[Records] = []
        self._cursors: list[int | None] = []
        self._batches: list[Batch] = []
        self._joins: list[FileJoin] = []
        self._none = pl.DataFrame()
        self._keys = VersionKeys()
        self._file_nodes: dict[int, int] = {}
        self._latest: dict[int, int] = {}
        self._held: dict[int, int] = {}
        self._some = False
        self._sets: dict[int, Partitions] = {}
        self._source, self._target = Growing(np.int32), Growing(np.int32)
        self._flag, self._partitions, self._columns = Growing(np.uint8), Growing(np.int32), Growing(np.int32)
        self._table, self._number, self._writer = Growing(np.int32), Growing(np.int64), Growing(np.int32)
        self._written, self._lineage, self._holder = Growing(np.int32), Growing(np.int32), Growing(np.uint16)
        self._started, self._node_of_record = Growing(bool), Growing(np.int32)

    @classmethod
    def of(cls, *records: Records) -> LineageGraph:
        """The graph of all records of some lakes."""
        graph = cls()
        graph._lakes, graph._cursors = list(records), [None] * len(records)
        graph.extend()
        return graph

    def extend(self) -> int:
        """Read the records added to the lakes since the last time; returns their number."""
        count = 0
        for place, records in enumerate(self._lakes):
            batch, self._cursors[place] = read_batch(records, self.names, self._cursors[place])
            count += batch.records.height
            self.add(batch)
        return count

    def asof(self, moment: datetime) -> LineageGraph:
        """The graph as it was at a moment, UTC: only records that had ended. It does not grow."""
        graph = LineageGraph(self.names)
        for batch in self._batches:
            graph.add(batch.until(moment))
        graph._join([each for each in self._joins if each.ended <= moment])
        return graph

    def add(self, batch: Batch, joins: Sequence[FileJoin] = ()) -> None:
        """Add records, given as columns of numbers, and files that are versions of datasets in the graph."""
        self._none = batch.records.clear()
        while batch.records.height:
            first, batch = self._until_begun_anew(batch)
            self._add(first)
        self._join(joins)
        self.__dict__.pop("views", None)
        self.__dict__.pop("records", None)

    @cached_property
    def views(self) -> _Views:
        """The columns of edges and nodes, for loops; valid until the graph is extended."""
        columns: Iterable[Growing] = (
            self._source, self._target, self._flag, self._partitions, self._columns,
            self._table, self._number, self._writer, self._written, self._lineage,
        )  # fmt: skip
        return _Views(*(column.view for column in columns))

    @cached_property
    def records(self) -> pl.DataFrame:
        """All records, one row each, as in `Batch`."""
        frames = [batch.records for batch in self._batches]
        return pl.concat([self._none, *frames], rechunk=True)

    @property
    def schema(self) -> pl.Schema:
        """The columns of `records`."""
        return self._none.schema

    def rows(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Some rows of `records`, in the order given."""
        return self.records[rows].to_dicts() if len(rows) else []

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The batches that the graph was built from, in order."""
        return tuple(self._batches)

    def __len__(self) -> int:
        """The number of nodes."""
        return len(self._table)

    def node_of_record(self, row: int) -> int | None:
        """The version that a record wrote; None where it wrote none."""
        node = int(self._node_of_record.array[row])
        return node if node >= 0 else None

    @property
    def is_whole(self) -> bool:
        """Whether every run wrote its whole table."""
        return not self._some

    def partitions(self, number: int) -> Partitions:
        """The partitions of a set in `names`; all partitions for `NOTHING`."""
        found = self._sets.get(number)
        if found is None:
            found = EVERY if number == NOTHING else Partitions(frozenset(self.names.set(number)))
            self._sets[number] = found
        return found

    def starts_from_before(self, nodes: Collection[int]) -> np.ndarray:
        """Whether the asset read its own previous version to make each of some versions, shape (n,)."""
        return self._started.array[np.fromiter(nodes, np.int32, len(nodes))]

    def latest(self, table: int) -> int | None:
        """The node of the version of a table that was written last; None where no record wrote one."""
        return self._latest.get(table)

    def tables(self) -> list[int]:
        """The numbers of all tables with a version here, including those written by no asset."""
        return [int(table) for table in np.unique(self._table.array) if table != FILE]

    def named(self, name: str) -> list[int]:
        """The numbers of the tables with a name, at most one in each lake; without other systems' datasets."""
        lakes = [number for number, uri in enumerate(self.names.lakes) if uri not in self.names.foreign]
        found = [self.names.tables.find(f"{lake}{ROOT}{name}") for lake in lakes]
        return [table for table in found if table is not None and len(self.versions(table))]

    def versions(self, table: int) -> list[int]:
        """The nodes of a table's versions, oldest first; without those of a deleted table of that name."""
        return self._keys.of_table(table).tolist()

    def version(self, table: int, version: int) -> int | None:
        """The node of one version; None where no record wrote or read it."""
        node = int(self._keys.find(keys_of(np.array([table]), np.array([version])))[0])
        return node if node >= 0 else None

    def files(self) -> dict[int, int]:
        """The nodes of files, by the file's number in `names`."""
        return dict(self._file_nodes)

    def holder(self, node: int) -> int:
        """Number of earlier, deleted tables of that name with that version."""
        return int(self._holder.array[node])

    def is_current(self, node: int) -> bool:
        """Whether a version belongs to the current table of that name."""
        views = self.views
        return not self._held or self.version(views.table[node], views.number[node]) == node

    # --- inside -------------------------------------------------------------------------------------------

    def _until_begun_anew(self, batch: Batch) -> tuple[Batch, Batch]:
        """The records before the first one that writes an already written version, and the rest."""
        rows, keys = _written_keys(batch.records)
        nodes = self._keys.find(keys)
        again = np.where(nodes >= 0, self._writer.array[nodes] != NOTHING if len(self) else False, False)
        if len(rows) and again[0] and rows[0] == 0:
            for key in self._keys.forget_from(int(keys[0])).tolist():
                self._held[key] = self._held.get(key, 0) + 1
            nodes = self._keys.find(keys)
            again = np.where(nodes >= 0, self._writer.array[nodes] != NOTHING, False)
        first = np.zeros(len(keys), bool)
        first[np.unique(keys, return_index=True)[1]] = True
        again |= ~first
        if not again.any():
            return batch, Batch(batch.records[:0], batch.reads[:0])
        return batch.divided(int(rows[again.argmax()]))

    def _add(self, batch: Batch) -> None:
        records, begin = batch.records, len(self._node_of_record)
        rows, written_keys = _written_keys(records)
        wrote = np.zeros(records.height, bool)
        wrote[rows] = True
        assets, versions = records["asset"].to_numpy()[rows], records["version"].to_numpy()[rows]
        sets = records["partitions"].to_numpy()[rows]
        some = (sets != NOTHING) & (sets != self.names.sets.number(""))

        reads = batch.reads.filter(
            pl.lit(wrote[batch.reads["row"].to_numpy()]) & (pl.col("purpose") != _CHECK)
        )
        tables = reads.filter((pl.col("table") != NOTHING) & pl.col("version").is_not_null())
        files = reads.filter(pl.col("file") != NOTHING)
        read_keys = keys_of(tables["table"].to_numpy(), tables["version"].to_numpy())
        carries = some & (versions > 0)
        carried_keys = keys_of(assets[carries], versions[carries] - 1)

        self._add_versions(np.concatenate([written_keys, read_keys, carried_keys]))
        self._add_files(files["file"].unique(maintain_order=True).to_list())
        nodes = self._keys.find(written_keys)
        self._some = self._some or bool(some.any())
        self._writer.array[nodes] = begin + rows
        self._written.array[nodes] = np.where(some, sets, NOTHING)
        self._lineage.array[nodes] = records["lineage"].to_numpy()[rows]
        self._latest.update(zip(assets.tolist(), nodes.tolist(), strict=True))
        node_of_record = np.full(records.height, -1, np.int32)
        node_of_record[rows] = nodes
        self._node_of_record.append(node_of_record)

        file_nodes = np.array([self._file_nodes[number] for number in files["file"].to_list()], np.int32)
        nothing = np.full(int(carries.sum()), NOTHING, np.int32)
        self._add_edges(
            np.concatenate([self._keys.find(read_keys), file_nodes, self._keys.find(carried_keys)]),
            np.concatenate(
                [
                    node_of_record[tables["row"].to_numpy()],
                    node_of_record[files["row"].to_numpy()],
                    nodes[carries],
                ]
            ),
            np.concatenate(
                [
                    self._flags(tables),
                    np.zeros(files.height, np.uint8),
                    np.full(len(nothing), CARRIED, np.uint8),
                ]
            ),
            np.concatenate([tables["partitions"].to_numpy(), files["partitions"].to_numpy(), nothing]),
            np.concatenate([tables["columns"].to_numpy(), files["columns"].to_numpy(), nothing]),
        )
        self._batches.append(batch)

    def _join(self, joins: Sequence[FileJoin]) -> None:
        ends = [
            (node, self._file_nodes[each.file])
            for each in joins
            if each.file in self._file_nodes and (node := self.version(each.table, each.version)) is not None
        ]
        self._joins.extend(joins)
        sources, targets = (np.array([pair[end] for pair in ends], np.int32) for end in (0, 1))
        nothing = np.full(len(ends), NOTHING, np.int32)
        self._add_edges(sources, targets, np.zeros(len(ends), np.uint8), nothing, nothing)

    def _flags(self, reads: pl.DataFrame) -> np.ndarray:
        """The flags of reads of tables; a read of no partition is a read of the version's record, which covers all of
        them."""
        sets = reads["partitions"].to_numpy()
        limited = (sets != NOTHING) & (sets != self.names.sets.number(""))
        previous = reads["purpose"].to_numpy() == PURPOSES.index("previous")
        return (limited * LIMITED + previous * PREVIOUS).astype(np.uint8)

    def _add_versions(self, keys: np.ndarray) -> None:
        keys = pl.Series(keys).unique().sort().to_numpy()  # by hashing, which takes a third of NumPy's time
        keys = keys[self._keys.find(keys) < 0]
        tables, numbers = keys >> 40, keys & ((1 << 40) - 1)
        nodes = self._add_nodes(tables, numbers)
        self._keys.add(keys, nodes)
        if self._held:
            self._holder.array[nodes] = [self._held.get(key, 0) for key in keys.tolist()]

    def _add_files(self, numbers: list[int]) -> None:
        new = [number for number in numbers if number not in self._file_nodes]
        nodes = self._add_nodes(np.full(len(new), FILE), np.array(new, np.int64))
        self._file_nodes.update(zip(new, nodes.tolist(), strict=True))

    def _add_nodes(self, tables: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        count, first = len(tables), len(self)
        self.edges.add_nodes_from([None] * count)
        self._table.append(tables)
        self._number.append(numbers)
        for column in (self._writer, self._written, self._lineage):
            column.fill(NOTHING, count)
        self._holder.fill(0, count)
        self._started.fill(False, count)
        return np.arange(first, first + count, dtype=np.int32)

    def _add_edges(
        self,
        sources: np.ndarray,
        targets: np.ndarray,
        flags: np.ndarray,
        partitions: np.ndarray,
        columns: np.ndarray,
    ) -> None:
        for start in range(0, len(sources), _EDGES_AT_ONCE):
            end = start + _EDGES_AT_ONCE
            pairs = zip(sources[start:end].tolist(), targets[start:end].tolist(), strict=True)
            self.edges.add_edges_from_no_data(list(pairs))
        self._started.array[targets[(flags & PREVIOUS) > 0]] = True
        self._source.append(sources)
        self._target.append(targets)
        self._flag.append(flags)
        self._partitions.append(partitions)
        self._columns.append(columns)


def _written_keys(records: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The rows of records that wrote a version, shape (n,), and the keys of these versions."""
    wrote = records.select(
        (pl.col("status") == "success") & (pl.col("kind") == "asset") & pl.col("version").is_not_null()
    ).to_series()
    rows = np.flatnonzero(wrote.to_numpy())
    tables, versions = records["asset"].to_numpy()[rows], records["version"].fill_null(0).to_numpy()[rows]
    return rows, keys_of(tables, versions)
