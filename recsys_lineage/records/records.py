"""Records: everything that happened in a lake, written, looked up and read in bulk.

A successful run's record is in the commit of the table version that it wrote, so neither can exist without the other.
In addition, every record (also of failures, checks and whole runs) is a row of one lake table, for bulk and incremental
reads; `sync` adds rows that a process died before adding. Nothing here reads the orchestrator's events.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import polars as pl

from recsys_lineage.columns.tags import Tag
from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import PartitionVersion
from recsys_lineage.records.decision import Decision
from recsys_lineage.records.materialization import Materialization, in_todays_format
from recsys_lineage.records.run_record import RunRecord
from recsys_lineage.records.table.record_reserve import RecordReserve
from recsys_lineage.records.table.record_row import SCHEMA, read_columns
from recsys_lineage.records.table.record_table import ADDED, RecordTable
from recsys_lineage.records.table.record_table import TABLE as RECORDS_TABLE
from recsys_lineage.records.table.sync_marks import SyncMarks
from recsys_lineage.records.table.texts import TABLE as TEXTS_TABLE
from recsys_lineage.records.table.texts import Texts

FORMER_TABLE = "materializations"
"""Table of records in lakes written by older code: one column of JSON."""
RESERVED = (RECORDS_TABLE, TEXTS_TABLE, FORMER_TABLE, "openlineage_imports", "openlineage_dead_letters")
"""Tables of records and of OpenLineage events, whose names no asset may have."""
MATERIALIZATIONS = ("asset", "check")
"""The kinds of records that are Materializations."""
_AT_ONCE = 5_000
_COLUMNS = (*(column for column in SCHEMA if column != "rest"), ADDED)


class AnyRecord(Protocol):
    """A record of any kind: a Materialization, a RunRecord, or one of a kind to come."""

    @property
    def id(self) -> str:
        """Unique among all records."""
        ...

    @property
    def kind(self) -> str:
        """Kind of the record."""
        ...

    @property
    def started(self) -> datetime:
        """UTC; writing the same record again gives the same start."""
        ...

    @property
    def ended(self) -> datetime:
        """UTC."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object, with `kind` unless it is an asset's."""
        ...


class Records:
    """The records of one lake."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._table = RecordTable(lake)

    def latest(self, asset: str) -> Materialization | None:
        """The record of the asset's latest version; None if there is none, or it was not written by an asset."""
        if not self.lake.has(asset) or self.lake.commit(asset)["record"] is None:
            return None
        return self.get(asset)

    def get(self, asset: str, version: int | None = None) -> Materialization:
        """The record of an asset's version; of its latest when none is given.

        Raises:
            TableNotFound: the asset has no such version, or that version was written outside an asset.
        """
        carried = self.lake.commit(asset, version)
        if carried["record"] is None:
            raise TableNotFound(
                f"Version {carried['table_version']['version']} of {asset!r} was not written by an asset.",
                where=self.lake.table_uri(asset),
            )
        return Materialization.from_json(carried["record"])

    def column_tags(self, asset: str, version: int | None = None) -> dict[str, tuple[Tag, ...]]:
        """The tags of a version's columns; empty if it was written outside an asset, or before tags existed."""
        record = self.lake.commit(asset, version)["record"] or {}
        return {
            column: tuple(map(Tag.of, tags)) for column, tags in (record.get("column_tags") or {}).items()
        }

    def upstream_versions(self, record: Materialization) -> dict[str, int | dict[str, PartitionVersion]]:
        """The exact versions that a run read.

        A table without partitions maps to its version; a partitioned one to the version, rows and fingerprint of
        each partition that was read. Dagster's own input pointers name one partition's latest event instead.
        """
        versions: dict[str, int | dict[str, PartitionVersion]] = {}
        for read in record.reads:
            if read.kind != "table" or read.version is None:
                continue
            table = self.lake.version(read.name, read.version)
            if table.partition_column is None:
                versions[read.name] = read.version
            else:
                wanted = table.partitions if read.partitions is None else read.partitions
                versions[read.name] = {key: table.partitions[key] for key in wanted}
        return versions

    def append(self, records: Iterable[AnyRecord]) -> int:
        """Add records to the table for bulk reads; returns the number of new ones, by their ids.

        Whatever fails, the records wait in the reserve, if it has room, and `sync` adds them.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        self._move_former()
        added = [record.to_json() for record in records]
        reserve = RecordReserve(self.lake)
        try:
            count = self._table.append_together(added)
        except Exception:
            _ = reserve.keep(added)
            raise
        reserve.prepare()
        return count

    def waits(self, id_: str) -> bool:
        """Whether a record waits in the reserve to be added."""
        return id_ in RecordReserve(self.lake).ids()

    def sync(self) -> int:
        """Add rows for versions whose process died between its commit and its row, and for records that waited because
        the disk was full; returns their number.

        It reads only the versions committed since the last time.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        self._move_former()
        with RecordReserve(self.lake).taken() as waited:
            count = self._table.append([_today(record) for record in waited])
        marks = SyncMarks(self.lake)
        carried: list[Mapping[str, Any]] = []
        for table in self.lake.tables():
            if table in RESERVED:
                continue
            for commit in marks.new_commits(table):
                if commit["record"] is not None:
                    carried.append(in_todays_format(commit["record"]))
            if len(carried) >= _AT_ONCE:
                count += self._table.append(carried)
                carried = []
        count += self._table.append(carried)
        marks.save()
        return count

    def read(
        self, since: int | None = None, kinds: Collection[str] = MATERIALIZATIONS
    ) -> tuple[list[Materialization], int | None]:
        """Records in bulk, in the order in which they were added; those of one commit by (ended, id).

        Args:
            since: the cursor from an earlier call; only records added after it are read.
            kinds: asset, check, or both.

        Returns:
            The records, and the cursor for the next call (None while there is nothing).
        """
        self._move_former()
        frame, cursor = self._table.frame(since, pl.col("kind").is_in(list(kinds)))
        return [Materialization.from_json(data) for data in self._table.json(frame)], cursor

    def commits(self, since: int | None = None) -> pl.DataFrame:
        """Number of records (`len`) that each commit added (`added`), in order.

        Args:
            since: as for `read`.
        """
        self._move_former()
        return self._table.commits(since)

    def table(
        self, since: int | None = None, columns: Sequence[str | pl.Expr] | None = None
    ) -> tuple[pl.DataFrame, int | None]:
        """Records of all kinds as columns, in the order in which they were added; no JSON is parsed.

        Args:
            since: as for `read`.
            columns: columns of `record_row.SCHEMA` and `added`, or expressions over one row of them; all except `rest`,
                the JSON of everything without a column, when None.

        Returns:
            One row a record, with `reads` as a list of structs and texts as hashes (`texts` has them); and the cursor.
        """
        self._move_former()
        wanted = columns or _COLUMNS
        return self._table.frame(
            since,
            columns=[
                read_columns() if isinstance(column, str) and column == "reads" else column
                for column in wanted
            ],
        )

    def texts(self, hashes: Collection[str]) -> dict[str, str]:
        """Texts named in rows of `table`: code, statements, and schemas and engines as JSON."""
        return Texts(self.lake).get(hashes)

    def with_ids(self, ids: Collection[str]) -> dict[str, Materialization]:
        """The records of assets and checks with some ids, by id; missing ones are left out."""
        self._move_former()
        where = pl.col("id").is_in(list(ids)) & pl.col("kind").is_in(MATERIALIZATIONS)
        frame, _ = self._table.frame(where=where)
        found = [Materialization.from_json(data) for data in self._table.json(frame)]
        return {record.id: record for record in found}

    def ids_since(self, kind: str, earliest: datetime) -> set[str]:
        """The ids of the records of one kind that started at a time or later."""
        self._move_former()
        where = (pl.col("started") >= earliest) & (pl.col("kind") == kind)
        return set(self._table.frame(where=where, columns=["id"])[0]["id"])

    def id_at(self, asset: str, at: datetime) -> str | None:
        """The id of the record of the version that an asset had at a time; None where it had none."""
        self._move_former()
        wrote = (pl.col("asset") == asset) & (pl.col("kind") == "asset") & (pl.col("status") == "success")
        frame = self._table.newest(wrote & (pl.col("ended") <= at), 1, ["id", "started"])
        return frame.sort("started", "id")["id"][-1] if frame.height else None

    def runs(self, asset: str, after: datetime | None = None) -> Iterator[Materialization]:
        """The records of one asset, failures included, oldest first; only those that ended after a time, if given."""
        self._move_former()
        where = (pl.col("asset") == asset) & pl.col("kind").is_in(MATERIALIZATIONS)
        if after is not None:
            where &= pl.col("ended") > after
        frame, _ = self._table.frame(where=where)
        for data in self._table.json(frame.sort("ended", "id")):
            yield Materialization.from_json(data)

    def history(self, asset: str, last: int) -> list[Materialization]:
        """The runs of an asset that wrote or kept a version, those that started last; oldest first.

        A run that kept a version has the statistics of the run that wrote it.
        """
        self._move_former()
        where = (pl.col("asset") == asset) & (pl.col("kind") == "asset")
        frame = self._table.newest(where & pl.col("status").is_in(["success", "kept"]), last)
        shown = frame.sort("started", "id").tail(last)
        kept = frame.filter(pl.col("id").is_in(shown["kept"].drop_nulls().implode()))
        found = [Materialization.from_json(data) for data in self._table.json(pl.concat([kept, shown]))]
        wrote = {record.id: record for record in found}
        if earlier := {record.kept for record in found if record.kept} - {*wrote}:
            wrote |= self.with_ids(earlier)
        return [
            replace(record, statistics=wrote[record.kept].statistics) if record.kept in wrote else record
            for record in found[kept.height :]
        ]

    def of_run(self, run_id: str) -> list[Materialization]:
        """The records of all assets and checks of one run of the orchestrator, failures included, oldest first."""
        self._move_former()
        where = (pl.col("run_id") == run_id) & pl.col("kind").is_in(MATERIALIZATIONS)
        frame, _ = self._table.frame(where=where)
        return [Materialization.from_json(data) for data in self._table.json(frame.sort("ended", "id"))]

    def run_records(self, since: int | None = None) -> list[RunRecord]:
        """The records of the orchestrator's runs, oldest first; after the cursor `since` if one is given."""
        self._move_former()
        frame, _ = self._table.frame(since, pl.col("kind") == "run")
        return [RunRecord.from_json(data) for data in self._table.json(frame.sort("ended", "id"))]

    def decisions(self, asset: str | None = None, since: int | None = None) -> list[Decision]:
        """Decisions about an asset's versions, or about any, oldest first; after the cursor `since` if one is given."""
        self._move_former()
        of_asset = pl.lit(True) if asset is None else pl.col("asset") == asset
        frame, _ = self._table.frame(since, (pl.col("kind") == "decision") & of_asset)
        return [Decision.from_json(data) for data in self._table.json(frame.sort("ended", "id"))]

    def compact(self) -> None:
        """Join small files of the tables of records now; appending does it automatically from time to time."""
        self._move_former()
        self._table.compact()

    def _move_former(self) -> None:
        """Move the records of a lake written by older code, in one commit, before anything else is added."""
        if self._table.exists or not self.lake.has(FORMER_TABLE):
            return
        rows = self.lake.scan(self.lake.version(FORMER_TABLE)).select("record").collect()["record"]
        self._table.append([in_todays_format(json.loads(text)) for text in rows], in_one_commit=True)


def _today(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return in_todays_format(record) if record.get("kind", "asset") in MATERIALIZATIONS else record
