"""Known files: the source files that our runs read, under the names that other systems use."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime

import polars as pl

from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.openlineage.intake.foreign_runs import Named
from recsys_lineage.openlineage.translation.naming import below, dataset_at


class KnownFiles:
    """The files in a graph, by name.

    Args:
        graph: the graph of the records.
    """

    def __init__(self, graph: LineageGraph) -> None:
        first: dict[int, datetime] = {}
        for batch in graph.batches:
            times = batch.records.select("ended").with_row_index("row")
            read = batch.reads.filter(pl.col("file") != NOTHING).join(times, on="row")
            for file, ended in read.group_by("file").agg(pl.col("ended").min()).iter_rows():
                first[file] = min(ended, first.get(file, ended))
        # A content of a file: its name, when a run that read it first had ended, its number.
        contents: list[tuple[Named, datetime, int]] = []
        for file, moment in first.items():
            root, path, _ = graph.names.file(file)
            contents.append((Named(*dataset_at(below(root, path))), moment, file))
        self._contents = sorted(contents)
        self._names = [name for name, _, _ in self._contents]
        self._written: dict[int, tuple[Named, int, datetime]] = {}

    def read(self, name: Named, moment: datetime) -> list[int]:
        """The contents that a run found at a moment in the file, or in the files of the folder, of that name."""
        newest: dict[Named, int] = {}
        for each, first, file in self._at(name):
            if first <= moment or each not in newest:
                newest[each] = file
        return list(newest.values())

    def wrote(self, name: Named, version: int, moment: datetime) -> None:
        """Note a run that wrote a file or a folder of files; runs must be noted in their order."""
        for _, first, file in self._at(name):
            if moment <= first:
                self._written[file] = (name, version, moment)

    def joins(self, number: Callable[[Named], int]) -> Iterator[tuple[int, int, int, datetime]]:
        """Contents written by a run, each with the dataset's number, its version, the file's number, and the time."""
        for file, (name, version, moment) in self._written.items():
            yield number(name), version, file, moment

    def _at(self, name: Named) -> Iterator[tuple[Named, datetime, int]]:
        """The contents of the file of that name, then those of the files in the folder of that name."""
        start, end = bisect_left(self._names, name), bisect_right(self._names, name)
        yield from self._contents[start:end]
        folder = f"{name.name.rstrip('/')}/"
        place = bisect_left(self._names, Named(name.namespace, folder))
        while place < len(self._names):
            each = self._names[place]
            if each.namespace != name.namespace or not each.name.startswith(folder):
                return
            yield self._contents[place]
            place += 1
