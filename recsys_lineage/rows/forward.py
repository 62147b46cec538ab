"""Forward: every row of every table that a file, a range of its lines, or a row flows into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.records import RESERVED, Records
from recsys_lineage.rows.followed_run import FollowedRun, FoundRows
from recsys_lineage.rows.following import Following
from recsys_lineage.rows.lake_rows import (
    Stop,
    TracedRows,
    TrainedRows,
    file_reads,
    plain_rows,
    rows_with,
    table_reads,
    together,
)
from recsys_lineage.rows.made_parts import Made, made_parts
from recsys_lineage.rows.of_files.file_lines import FILE, LINE
from recsys_lineage.sql.names import literal, quote


@dataclass(frozen=True)
class ForwardTrace:
    """Everything that rows flow into.

    Attributes:
        tables: rows of the latest versions of tables, the starting ones first.
        models: models fitted on tables of the trace, with the numbers of these rows.
        stopped: the places where the trace ends, with reasons.
    """

    tables: tuple[TracedRows, ...]
    models: tuple[TrainedRows, ...]
    stopped: tuple[Stop, ...]


def trace_forward(
    lake: Lake,
    *,
    file: str | None = None,
    lines: range | int | None = None,
    table: str | None = None,
    row: Mapping[str, object] | None = None,
) -> ForwardTrace:
    """Trace the rows of a file, of some of its lines, or of a table, to every row of every table that they flow into.

    Assets are followed according to the records of their latest versions; for a partitioned table, those of all runs
    that wrote a partition. A row flows into those rows whose backward trace contains it. So a row that a run did not
    read, because it read an earlier version, flows no further there.

    Args:
        lake: the lake of the tables and their records.
        file: a source file's path, as in records and the column `_file`.
        lines: its lines, from 1; all when None.
        table: instead of a file, a table.
        row: values of some columns, which select rows of the table; all rows when None.

    Raises:
        LineageError: neither or both of a file and a table are given, or no table has rows of the file.
        TableNotFound: there is no such table.
        RowNotFound: the table has no such row.
    """
    if (file is None) == (table is None):
        raise LineageError(
            "A forward trace starts from a file or from a table.",
            expected="one of file= and table=",
            found="neither" if file is None else "both",
        )
    traced = _Forward(lake)
    if file is not None:
        traced.start_from_file(file, lines)
    else:
        assert table is not None
        traced.start_from_table(table, row)
    traced.run()
    return ForwardTrace(
        tuple(traced.tables), tuple(dict.fromkeys(traced.models)), tuple(dict.fromkeys(traced.stopped))
    )


class _Forward:
    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.tables: list[TracedRows] = []
        self.models: list[TrainedRows] = []
        self.stopped: list[Stop] = []
        records = Records(lake)
        self._latest: dict[str, tuple[TableVersion, list[Made]]] = {}
        self._without_record: dict[str, tuple[str, ...]] = {}
        for name in lake.tables():
            if name not in RESERVED:
                carried = lake.commit(name)
                version = TableVersion.from_json(carried["table_version"])
                made, without = [], ()
                if carried["record"] is not None:
                    made, without = made_parts(records, version)
                self._latest[name], self._without_record[name] = (version, made), without
        self._open: dict[str, list[pa.Table]] = {}
        self._ranks: dict[str, int] = {}
        self._following = Following(lake)

    def start_from_file(self, file: str, lines: range | int | None) -> None:
        """Start from the rows of a file in the tables whose assets read it."""
        known: set[str] = set()
        numbers = (
            f" AND {quote(LINE)} IN ({', '.join(map(str, _numbers(lines)))})" if lines is not None else ""
        )
        if isinstance(lines, range) and lines.step == 1 and len(lines):
            numbers = f" AND {quote(LINE)} BETWEEN {lines.start} AND {lines.stop - 1}"
        for version, made in self._latest.values():
            statements = [each.record.statement for each in made]
            reads = {read.name for each in made for read in each.record.reads if read.kind == "file"}
            known |= reads
            has_lines = {FILE, LINE} <= set(version.columns)
            of_files = any(each is not None and each.relations for each in statements)
            if not has_lines:
                for each in made:
                    if any(read.name == file for read in file_reads(each.record)):
                        named = None if lines is None else _numbers(lines)
                        found = FollowedRun(self.lake, self._following, each, version).of_lines(file, named)
                        self.stopped += found.stopped
                        for rows in found.rows:
                            self._add(version.table, rows)
                continue
            if not (reads or of_files):
                continue
            with self.lake.reading(), self.lake.cursor() as connection:
                where = f"{quote(FILE)} = {literal(file)}{numbers}"
                rows = connection.sql(
                    f"SELECT * FROM {self.lake.relation(version)} WHERE {where}"
                ).to_arrow_table()
            self._add(version.table, rows)
        if not self._open and not self.stopped:
            read = file in known
            raise LineageError(
                f"No table holds {'these lines' if lines is not None else 'rows'} of the file {file!r}.",
                expected="lines of which a table has a row"
                if read
                else "a file that an asset of this lake read, by the path that its record says",
                found=file if lines is None else f"{file}, {_line_text(lines)}",
                where=self.lake.uri,
                advice=f"look at the lines that are there: {LINE} of the tables that read the file"
                if read
                else did_you_mean(file, known) or None,
            )

    def start_from_table(self, table: str, row: Mapping[str, object] | None) -> None:
        """Start from rows of a table."""
        version = self.lake.version(table)
        self._add(table, rows_with(self.lake, version, row) if row is not None else self.lake.arrow(version))

    def _add(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self._open.setdefault(table, []).append(rows)

    def run(self) -> None:
        """Continue until nothing is open: a table follows all inputs of its asset."""
        try:
            self._run()
        finally:
            self._following.close()

    def _run(self) -> None:
        done: set[str] = set()
        while self._open:
            table = min(self._open, key=lambda each: self._rank(each, ()))
            rows = together(self._open.pop(table))
            version = self._latest[table][0]
            context: dict[str, str] = {}
            insufficient: dict[str, tuple[str, ...]] = {}
            self.tables.append(
                TracedRows(table, version.version, rows.num_rows, plain_rows(rows), context, insufficient)
            )
            done.add(table)
            reading = {
                name: [each for each in made if any(read.name == table for read in table_reads(each.record))]
                for name, (_, made) in self._latest.items()
                if name not in done
            }
            found = iter(
                self._following.each(
                    table,
                    [each for made in reading.values() for each in made],
                    lambda made, t=table, r=rows: self._follow(made, t, r),
                    lambda result: result.refused,
                )
            )
            for name, made in reading.items():
                for each in made:
                    result = next(found)
                    for part in result.rows:
                        self._add(each.record.asset, part)
                    if result.context:
                        context[each.record.asset] = result.context
                    if result.insufficient:
                        insufficient[each.record.asset] = result.insufficient
                    self.models += result.models
                    self.stopped += result.stopped
                if made and (without := self._without_record[name]):
                    reason = (
                        f"what made {len(without)} of its partitions left no record, {without[0]} among them"
                    )
                    self.stopped.append(Stop(name, table, reason))

    def _rank(self, table: str, on_the_way: tuple[str, ...]) -> int:
        """The most assets on a path before a table."""
        if table not in self._ranks:
            made = self._latest[table][1] if table in self._latest else []
            names = {read.name for each in made for read in table_reads(each.record)}
            before = [
                self._rank(name, (*on_the_way, table)) for name in names if name not in (*on_the_way, table)
            ]
            self._ranks[table] = 1 + max(before, default=0)
        return self._ranks[table]

    def _follow(self, made: Made, table: str, rows: pa.Table) -> FoundRows:
        run = FollowedRun(self.lake, self._following, made, self._latest[made.record.asset][0])
        return run.of_rows(table, rows, self._latest[table][0])


def _line_text(lines: range | int) -> str:
    return f"line {lines}" if isinstance(lines, int) else f"lines {lines.start} to {lines.stop - 1}"


def _numbers(lines: range | int | None) -> list[int]:
    return [lines] if isinstance(lines, int) else list(lines or ())
