"""ColumnMaps: the edges between columns of versions and of their inputs, as bit sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recsys_lineage.columns.column_edge import DIRECT
from recsys_lineage.graph.batch import ROOT, Names
from recsys_lineage.graph.interned import NOTHING, Interned
from recsys_lineage.records.parts.file_pattern import is_of_scan

ALL = -1
"""The bit set of every column, used where columns are unknown."""
FILES = -1
"""Number of all files in place of a table; numbers below it stand for the files of some scans."""


@dataclass(frozen=True)
class ColumnStep:
    """One edge of a record's column lineage, as recorded.

    Attributes:
        output: the column that was written.
        table: the table that was read, or the code's name for its files.
        column: the column that was read.
        subtype: such as IDENTITY or FILTER.
        masking: whether it hides the value.
    """

    output: str
    table: str
    column: str
    subtype: str
    masking: bool = False

    @property
    def kind(self) -> str:
        """DIRECT or INDIRECT."""
        return "DIRECT" if self.subtype in DIRECT else "INDIRECT"


@dataclass
class _Map:
    """A column lineage as bits: for each column of each table read, the outputs that it has an edge to."""

    outputs: int = 0
    forward: dict[int, dict[int, int]] = field(default_factory=dict)
    backward: dict[int, dict[int, int]] = field(default_factory=dict)

    def add(self, read: int, column: int, output: int) -> None:
        """Add an edge from an input column, by its bit, to an output column."""
        forward = self.forward.setdefault(read, {})
        forward[column] = forward.get(column, 0) | 1 << output
        backward = self.backward.setdefault(read, {})
        backward[output] = backward.get(output, 0) | 1 << column


class ColumnMaps:
    """Sets of columns propagated along the edges of the graph, one machine word for most tables.

    A column of a table is a bit, assigned when the column is first seen. Records of the same code share one lineage, so
    its map is built once.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._columns: dict[int, Interned] = {}
        self._spelled: dict[tuple[int, int], str] = {}
        self._sets: dict[tuple[int, int], tuple[str, ...]] = {}
        self._maps: dict[tuple[int, int, bool], _Map] = {}
        self._steps: dict[int, tuple[ColumnStep, ...]] = {}
        self._steps_from: dict[tuple[int, int], dict[int, tuple[tuple[int, int, ColumnStep], ...]]] = {}
        self._down: dict[tuple[int, int, int, int, int, bool], int] = {}
        self._up: dict[tuple[int, int, int, int, int, bool], int] = {}
        self._scans: dict[str, int] = {}
        self._files_of: dict[tuple[int, int, int], tuple[int, ...]] = {}
        self._passed_down: dict[tuple[int, int, bool], dict[int, int]] = {}
        self._passed_up: dict[tuple[int, int, int, bool], dict[int, int]] = {}

    def bits(self, table: int, columns: tuple[str, ...]) -> int:
        """The set of some columns of a table."""
        found = 0
        for column in columns:
            found |= 1 << self._bit(table, column)
        return found

    def spelled(self, table: int, bits: int) -> tuple[str, ...] | None:
        """The columns of a set, spelled as first seen; None for all."""
        if bits == ALL:
            return None
        found = self._sets.get((table, bits))
        if found is None:
            found = tuple(self._spelled[table, bit] for bit in range(bits.bit_length()) if bits >> bit & 1)
            self._sets[table, bits] = found
        return found

    def outputs(self, table: int, lineage: int) -> int:
        """The set of all output columns of a lineage; `ALL` if there is none."""
        return self._map(table, lineage, False).outputs if lineage != NOTHING else ALL

    def steps(self, lineage: int) -> tuple[ColumnStep, ...]:
        """The edges of a column lineage, as recorded."""
        if lineage not in self._steps:
            text = self._names.texts.get(lineage)
            self._steps[lineage] = tuple(_steps(json.loads(text))) if text else ()
        return self._steps[lineage]

    def steps_from(self, output: int, lineage: int, read: int) -> tuple[tuple[int, int, ColumnStep], ...]:
        """The edges of a lineage of table `output` from the table `read`, or from files: one of `files_of`.

        Each edge comes with the bit sets of its input and output columns.
        """
        if (output, lineage) not in self._steps_from:
            found: dict[int, list[tuple[int, int, ColumnStep]]] = {}
            for step in self.steps(lineage):
                if step.column:
                    number = self._number(output, step.table)
                    ends = 1 << self._bit(number, step.column), 1 << self._bit(output, step.output)
                    for each in (number,) if number != FILES else (FILES, self._scan(step.table)):
                        found.setdefault(each, []).append((*ends, step))
            self._steps_from[output, lineage] = {number: tuple(steps) for number, steps in found.items()}
        return self._steps_from[output, lineage].get(read, ())

    def files_of(self, lineage: int, output: int, file: int) -> tuple[int, ...]:
        """The keys of a file in the maps of a lineage: `FILES`, or each of the code's scans with the file.

        A relative path belongs to the scans whose patterns it matches, possibly none: a scan without used columns has
        no edge. An absolute path that matches none may be one of several files named by the first of them.

        Args:
            lineage: the lineage of the record that read it.
            output: the table that was written.
            file: its number in `Names.files`.
        """
        found = self._files_of.get((lineage, output, file))
        if found is None:
            path = self._names.file(file)[1]
            scans = {
                step.table
                for step in self.steps(lineage)
                if step.column and self._number(output, step.table) == FILES
            }
            fitting = [scan for scan in sorted(scans) if is_of_scan(path, scan)]
            apart = scans and (fitting or not path.startswith("/"))
            found = tuple(map(self._scan, fitting)) if apart else (FILES,)
            self._files_of[lineage, output, file] = found
        return found

    def down(
        self, lineage: int, output: int, read: int, columns: int, read_columns: int, direct: bool = False
    ) -> int:
        """The output columns that come from some input columns.

        Args:
            lineage: the lineage of the writing record; `NOTHING` where it has none.
            output: the table that was written.
            read: the table that was read, or one of `files_of`.
            columns: the bit set of its columns.
            read_columns: the set of columns that were read at all, `NOTHING` where it is unknown.
            direct: only along DIRECT edges.
        """
        key = (lineage, output, read, columns, read_columns, direct)
        found = self._down.get(key)
        if found is None:
            found = self._down[key] = self._found_down(*key)
        return found

    def up(
        self, lineage: int, output: int, read: int, columns: int, read_columns: int, direct: bool = False
    ) -> int:
        """Like `down`, in the other direction: the input columns that some output columns come from."""
        key = (lineage, output, read, columns, read_columns, direct)
        found = self._up.get(key)
        if found is None:
            found = self._up[key] = self._found_up(*key)
        return found

    def passed_down(self, read: int, columns: int, direct: bool) -> dict[int, int]:
        """The columns of each reader that come from some columns of a table, by lineage and table; a cache for
        walks."""
        return self._passed_down.setdefault((read, columns, direct), {})

    def passed_up(self, output: int, lineage: int, columns: int, direct: bool) -> dict[int, int]:
        """The columns of each input table that some columns of a version come from; files are distinguished by
        `files_of`.
        """
        key = (output, lineage, columns, direct)
        found = self._passed_up.get(key)
        if found is None:
            reads = [read for read in self._map(output, lineage, direct).backward if read > FILES]
            found = {read: self.up(lineage, output, read, columns, NOTHING, direct) for read in reads}
            self._passed_up[key] = found
        return found

    def _found_down(
        self, lineage: int, output: int, read: int, columns: int, read_columns: int, direct: bool
    ) -> int:
        if lineage == NOTHING:
            return ALL if columns & self._read(read, read_columns) and not direct else 0
        edges = self._map(output, lineage, direct).forward.get(read)
        if edges is None:
            return ALL if read == FILES and not direct else 0
        found = 0
        for bit, outputs in edges.items():
            if columns >> bit & 1:
                found |= outputs
        return found

    def _found_up(
        self, lineage: int, output: int, read: int, columns: int, read_columns: int, direct: bool
    ) -> int:
        if lineage == NOTHING:
            return self._read(read, read_columns) if not direct else 0
        edges = self._map(output, lineage, direct).backward.get(read)
        if edges is None:
            return ALL if read == FILES and not direct else 0
        found = 0
        for bit, inputs in edges.items():
            if columns >> bit & 1:
                found |= inputs
        return found

    def _read(self, table: int, names: int) -> int:
        return ALL if names == NOTHING or table == FILES else self.bits(table, self._names.set(names))

    def _map(self, table: int, lineage: int, direct: bool) -> _Map:
        made = self._maps.get((table, lineage, direct))
        if made is None:
            made = self._maps[table, lineage, direct] = self._made(table, lineage, direct)
        return made

    def _made(self, table: int, lineage: int, direct: bool) -> _Map:
        made = _Map()
        for step in self.steps(lineage):
            output = self._bit(table, step.output)
            made.outputs |= 1 << output
            if not step.column or (direct and step.kind != "DIRECT"):
                continue
            read = self._number(table, step.table)
            column = self._bit(read, step.column)
            for each in (read,) if read != FILES else (FILES, self._scan(step.table)):
                made.add(each, column, output)
        return made

    def _number(self, output: int, name: str) -> int:
        """The table of that name in the lake of another table, or in the lake that the name includes; `FILES` if there
        is none."""
        lake, mark, _ = self._names.tables[output].partition(ROOT)
        number = self._names.tables.find(name if ROOT in name else f"{lake}{mark}{name}")
        return FILES if number is None else number

    def _scan(self, called: str) -> int:
        """Number of a scan's files."""
        return self._scans.setdefault(called, FILES - 1 - len(self._scans))

    def _bit(self, table: int, column: str) -> int:
        bit = self._columns.setdefault(table, Interned()).number(column.casefold())
        self._spelled.setdefault((table, bit), column)
        return bit


def _steps(lineage: Mapping[str, Any]) -> list[ColumnStep]:
    """The edges of a lineage in a record; an output column without inputs has an empty edge."""
    found: list[ColumnStep] = []
    for output, places in lineage["columns"].items():
        found.extend(ColumnStep(output, *lineage["edges"][place]) for place in places)
        if not places:
            found.append(ColumnStep(output, "", "", ""))
    return found
