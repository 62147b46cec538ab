"""RecordTable: the lake table in which every record is a row, for bulk reads and reads after a cursor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from json import loads
from typing import Any

import polars as pl

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.table_files import scan_files
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.table.append_once import append_once, join_small_files
from recsys_lineage.records.table.recent_ids import RecentIds
from recsys_lineage.records.table.record_row import SCHEMA, joined, named_texts, split
from recsys_lineage.records.table.texts import TABLE as TEXTS_TABLE
from recsys_lineage.records.table.texts import Texts

TABLE = "lineage_records"
ADDED = "added"
"""The column with the number of the commit that added a row; a cursor is a position between two of them."""
_STARTED = "started"
_PATH = "path of the file"
_ORDER = (ADDED, "ended", "id")
_AT_ONCE = 20_000
_SHORTEST_RUN = 1_000
_FIRST_DAYS, _MOST_DAYS = 8, 8 * 4**4
_log = logging.getLogger(__name__)
_waiting: dict[str, list[Mapping[str, Any]]] = {}
"""Records in commits that wait to become rows together, by lake (`rows_together`)."""


class RecordTable:
    """Records as rows, in the order of the commits that added them, and within a commit by (ended, id).

    Each row has the number of the commit that added it. So a cursor stays valid when the table's files are joined or
    rewritten, by this program or another.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._texts = Texts(lake)
        self._places: tuple[TableVersion, pl.DataFrame] | None = None

    @property
    def exists(self) -> bool:
        """Whether a record was ever added."""
        return self._lake.has(TABLE)

    def append(self, records: Sequence[Mapping[str, Any]], *, in_one_commit: bool = False) -> int:
        """Add the records (JSON objects) with new ids; returns their number.

        A very large number is added in several commits, unless all must appear at once.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        self._add_waiting()
        return self._append(records, in_one_commit=in_one_commit)

    def append_together(self, records: Sequence[Mapping[str, Any]]) -> int:
        """Like `append`; inside `rows_together`, records in commits wait and do not count as added yet."""
        waiting = _waiting.get(self._lake.uri)
        if waiting is None or not all(map(_is_in_a_commit, records)):
            return self.append(records)
        waiting += records
        return len(records)

    def _append(self, records: Sequence[Mapping[str, Any]], *, in_one_commit: bool = False) -> int:
        count = 0
        size = len(records) if in_one_commit else _AT_ONCE
        for start in range(0, len(records), size or 1):
            rows = [split(record) for record in records[start : start + size]]
            texts = {hash_: text for row in rows for hash_, text in row.texts.items()}
            count += self.append_rows(pl.DataFrame([row.values for row in rows], schema=SCHEMA), texts)
        return count

    def _add_waiting(self) -> None:
        """Add the waiting records; a failure is a warning in the log, because `Records.sync` adds them later."""
        if not (waiting := _waiting.get(self._lake.uri)):
            return
        records = waiting.copy()
        waiting.clear()
        try:
            _ = self._append(records)
        except Exception as error:
            fault = error.message if isinstance(error, LineageError) else type(error).__name__
            _log.warning("%s records are not yet in the table of records: %s", len(records), fault)

    def append_rows(self, rows: pl.DataFrame, texts: Mapping[str, str]) -> int:
        """Like `append`, for rows (`SCHEMA`) and their texts; all in one commit."""
        # Texts first, so that every record's texts exist. A text without a record does no harm.
        self._texts.add(texts)
        ids = RecentIds(self._lake, "id", _STARTED)
        return append_once(
            self._lake, TABLE, "id", rows.sort("ended", "id"), ids.present,
            committed=ids.added, added=ADDED, bounds=[_STARTED],
        )  # fmt: skip

    def frame(
        self,
        since: int | None = None,
        where: pl.Expr | None = None,
        columns: Sequence[str | pl.Expr] | None = None,
        commits: tuple[int, int] | None = None,
    ) -> tuple[pl.DataFrame, int | None]:
        """Rows in order, and the cursor after the last of them; None as the cursor while there are none.

        Args:
            since: a cursor; only rows added after it.
            where: a filter.
            columns: columns, or expressions over one row; all columns when None.
            commits: the first and last commit whose rows to read; only their files are opened.
        """
        self._add_waiting()
        latest = self._lake.latest(TABLE)
        if latest is None:
            return pl.DataFrame(schema={**SCHEMA, ADDED: pl.Int64}).select(columns or pl.all()), None
        scan = self._lake.scan(latest) if commits is None else self._scan_of(latest, commits)
        if since is not None:
            scan = scan.filter(pl.col(ADDED) > since)
        if where is not None:
            scan = scan.filter(where)
        # The order first, by itself: sorting a million rows with their lists would take their memory twice.
        keys = scan.select(_ORDER).collect(engine="streaming").with_row_index("place")
        place = keys.sort(_ORDER)["place"].cast(pl.Int64)
        return _arranged(scan.select(columns or pl.all()).collect(engine="streaming"), place), latest.version

    def newest(
        self, where: pl.Expr, least: int, columns: Sequence[str | pl.Expr] | None = None
    ) -> pl.DataFrame:
        """The newest rows that `where` keeps, by their start: at least so many, or all if they are fewer; in order.

        It looks back over four times as long each time, so it costs as much as what is found, not as the whole table.
        """
        self._add_waiting()
        latest = self._lake.latest(TABLE)
        days = _FIRST_DAYS
        while latest is not None and days < _MOST_DAYS:
            recent = where & (pl.col(_STARTED) >= self._lake.clock() - timedelta(days=days))
            if (
                self._lake.scan(latest).filter(recent).select(pl.len()).collect(engine="streaming").item()
                >= least
            ):
                where = recent
                break
            days *= 4
        return self.frame(where=where, columns=columns)[0]

    def commits(self, since: int | None = None) -> pl.DataFrame:
        """Number of rows (`len`) that each commit added (`added`), in order; only commits after a cursor."""
        self._add_waiting()
        latest = self._lake.latest(TABLE)
        if latest is None:
            return pl.DataFrame(schema={ADDED: pl.Int64, "len": pl.UInt32})
        counts = self._placed(latest).group_by(ADDED).agg(pl.col("len").sum()).sort(ADDED)
        return counts if since is None else counts.filter(pl.col(ADDED) > since)

    def _scan_of(self, version: TableVersion, commits: tuple[int, int]) -> pl.LazyFrame:
        """Rows added by some commits.

        A scan of all files would open each, and hold rows in memory that it then drops.
        """
        within = pl.col(ADDED).is_between(*commits)
        files = sorted(self._placed(version).filter(within)[_PATH].unique())
        if not files:
            return self._lake.scan(version).limit(0)
        return self._files_of(version, files).filter(within)

    def _placed(self, version: TableVersion) -> pl.DataFrame:
        """Number of rows of each commit in each file; computed once for a version."""
        if self._places is None or self._places[0] != version:
            files = self._lake.files(version)
            if files:
                rows = self._files_of(version, files, _PATH)
            else:
                rows = self._lake.scan(version).with_columns(pl.lit("").alias(_PATH))
            counts = rows.group_by(_PATH, ADDED).agg(pl.len())
            self._places = version, counts.collect(engine="streaming")
        return self._places[1]

    def _files_of(self, version: TableVersion, files: Sequence[str], path: str | None = None) -> pl.LazyFrame:
        return scan_files(files, version.schema, version.partition_column, self._lake.storage, path)

    def json(self, frame: pl.DataFrame, parsed: Callable[[str], Any] = loads) -> Iterator[dict[str, Any]]:
        """The records of rows with all columns, as JSON objects; `parsed` as in `joined`."""
        rows = frame.drop("started", "ended").to_dicts()
        texts = self._texts.get({hash_ for row in rows for hash_ in named_texts(row)})
        for row in rows:
            yield joined(row, texts, parsed)

    def compact(self) -> None:
        """Join the small files of the table and of its texts now."""
        self._add_waiting()
        for table in (TABLE, TEXTS_TABLE):
            if self._lake.has(table):
                join_small_files(self._lake, table)


@contextmanager
def rows_together(lake: Lake) -> Iterator[None]:
    """Inside the block, records in the commits of their versions become rows together.

    This happens at the end of the block, and before this process reads the table. A separate commit for each would take
    as long as a small asset. If the process is killed meanwhile, `Records.sync` finds them in the commits.
    """
    if lake.uri in _waiting:
        yield
        return
    _waiting[lake.uri] = []
    try:
        yield
    finally:
        RecordTable(lake)._add_waiting()
        del _waiting[lake.uri]


def _is_in_a_commit(record: Mapping[str, Any]) -> bool:
    """Whether a record belongs to a version, whose commit carries it."""
    is_asset = record.get("kind", "asset") == "asset"
    return is_asset and record.get("status") == "success" and record.get("version") is not None


def _arranged(frame: pl.DataFrame, place: pl.Series) -> pl.DataFrame:
    """The rows at the given positions; long runs that are in order are not copied."""
    starts = place.diff().ne_missing(1).arg_true()
    if len(starts) * _SHORTEST_RUN >= len(place):
        return frame[place]
    ends = [*starts[1:], len(place)]
    runs = [frame.slice(place[start], end - start) for start, end in zip(starts, ends, strict=True)]
    return pl.concat(runs, rechunk=False)
