"""Records: where Materializations are kept, found again, and read in bulk.

A successful run's record lies in the commit of the table version it wrote, so neither can exist without the other.
Beside that, every record (failures too) is a row of the lake table `materializations`, for reading in bulk and
incrementally; `sync` adds rows that a process died before adding. Nothing here reads the orchestrator's events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.table_version import PartitionVersion
from recsys_lineage.records.materialization import Materialization

TABLE = "materializations"
_SCHEMA = {
    "id": pl.String,
    "asset": pl.String,
    "version": pl.Int64,
    "status": pl.String,
    "started": pl.Datetime("us"),
    "ended": pl.Datetime("us"),
    "run_id": pl.String,
    "code_version": pl.String,
    "fingerprint": pl.String,
    "rows": pl.Int64,
    "record": pl.String,
}


class Records:
    """The Materializations of one lake."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def latest(self, asset: str) -> Materialization | None:
        """The record of the asset's latest version; None when it was never materialized."""
        if not self.lake.has(asset):
            return None
        return self.get(asset)

    def get(self, asset: str, version: int | None = None) -> Materialization:
        """The record of an asset's version; of its latest when none is named.

        Raises:
            TableNotFound: when the asset has no such version, or that version was written outside an asset.
        """
        carried = self.lake.commit(asset, version)
        if carried["record"] is None:
            raise TableNotFound(
                f"Version {carried['table_version']['version']} of {asset!r} was not written by an asset.",
                where=self.lake.table_uri(asset),
            )
        return Materialization.from_json(carried["record"])

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

    def append(self, records: Iterable[Materialization]) -> None:
        """Add records to the table that is read in bulk."""
        rows = [_row(record) for record in records]
        if rows:
            self.lake.write_arrow(TABLE, pl.DataFrame(rows, schema=_SCHEMA, orient="row"), append=True)

    def sync(self) -> int:
        """Add rows for versions whose process died between its commit and its row; returns how many."""
        known: dict[str, set[int]] = {}
        if self.lake.has(TABLE):
            frame = self.lake.scan(self.lake.version(TABLE)).filter(pl.col("status") == "success")
            for asset, version in frame.select("asset", "version").collect().iter_rows():
                known.setdefault(asset, set()).add(version)
        missing: list[Materialization] = []
        for table in self.lake.tables():
            if table == TABLE:
                continue
            latest = self.lake.version(table).version
            for version in sorted(set(range(latest + 1)) - known.get(table, set())):
                carried = self.lake.commit(table, version)["record"]
                if carried is not None:
                    missing.append(Materialization.from_json(carried))
        self.append(missing)
        return len(missing)

    def read(self, since: int | None = None) -> tuple[list[Materialization], int | None]:
        """Records in bulk, in the order they were added.

        Args:
            since: the cursor that an earlier call returned; only what was added after it is read.

        Returns:
            The records, and the cursor for the next call (None while there is nothing).
        """
        if not self.lake.has(TABLE):
            return [], None
        now = self.lake.version(TABLE)
        added = self.lake.added_between(TABLE, since, now.version)
        frame = added.sort("ended", "id").select("record")
        return [Materialization.from_json(json.loads(text)) for text in frame["record"]], now.version

    def runs(self, asset: str) -> Iterator[Materialization]:
        """All records of one asset, failures included, oldest first."""
        if not self.lake.has(TABLE):
            return
        frame = self.lake.scan(self.lake.version(TABLE)).filter(pl.col("asset") == asset)
        for text in frame.sort("ended", "id").select("record").collect()["record"]:
            yield Materialization.from_json(json.loads(text))


def _row(record: Materialization) -> Mapping[str, object]:
    return {
        "id": record.id,
        "asset": record.asset,
        "version": record.version,
        "status": record.status,
        "started": record.started.replace(tzinfo=None),
        "ended": record.ended.replace(tzinfo=None),
        "run_id": record.run.run_id,
        "code_version": record.code_version,
        "fingerprint": record.fingerprint,
        "rows": record.rows,
        "record": json.dumps(record.to_json()),
    }
