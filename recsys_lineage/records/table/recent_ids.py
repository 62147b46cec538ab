"""Recent ids: what this process knows of the newest records in a table, so that an append need not look again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone

import polars as pl

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.table_files import scan_files
from recsys_lineage.lake.versions.table_version import TableVersion

_MOST = 100_000
_MOST_COMMITS = 64
_LATEST = datetime(9999, 12, 31, tzinfo=timezone.utc)


@dataclass
class _Known:
    """All ids in a version of the table whose records started at a moment or later."""

    version: TableVersion
    since: datetime
    ids: set[str]


_known: dict[str, _Known] = {}
"""By lake. It is only looked at for a version that it was read from or grew to, so it can miss nothing."""


class RecentIds:
    """The ids of a table's records, looked up by the start of the records.

    A record has one start, and rows are roughly ordered by it. Files whose records all started earlier are not opened,
    so the cost does not depend on the number of records; and what this process itself has added, it knows.
    """

    def __init__(self, lake: Lake, id_: str, started: str) -> None:
        self._lake, self._id, self._started = lake, id_, started

    def present(self, version: TableVersion, frame: pl.DataFrame) -> Collection[str]:
        """Those ids of a frame that a version of the table has."""
        earliest = frame[self._started].min()
        assert isinstance(earliest, datetime), "every record has a start"
        known = _known.get(self._lake.uri)
        if known is None or earliest < known.since or not self._brought_to(known, version):
            known = _Known(version, earliest, set(self._ids(self._from(version, earliest), earliest)))
            _known[self._lake.uri] = known
        return [id_ for id_ in frame[self._id] if id_ in known.ids]

    def added(self, before: int, version: TableVersion, frame: pl.DataFrame) -> None:
        """Note the rows that a commit of this process added to version `before`."""
        known = _known.get(self._lake.uri)
        if known is not None and known.version.version == before and len(known.ids) + frame.height <= _MOST:
            known.ids.update(frame[self._id])
            known.version = version
        else:
            _ = _known.pop(self._lake.uri, None)

    def _brought_to(self, known: _Known, version: TableVersion) -> bool:
        """Whether what is known could be brought to a version, by reading what other processes added since."""
        then = known.version
        if (then.version, then.write_id) == (version.version, version.write_id):
            return True
        log = self._lake.log(version.table)
        commits = version.version - then.version
        if not 0 < commits <= _MOST_COMMITS or not log.has_write(then.version, then.write_id):
            return False
        added = [
            action["add"]["path"]
            for _, actions in log.actions(then.version + 1, version.version)
            for action in actions
            if "add" in action and action["add"]["dataChange"]
        ]
        root = self._lake.table_uri(version.table)
        files = [f"{root}/{path}" for path in added]
        if not set(files) <= {*self._lake.files(version)}:  # joined with others meanwhile
            return False
        if files:
            scan = scan_files(files, version.schema, None, self._lake.storage)
            known.ids.update(self._ids(scan, known.since))
        known.version = version
        return True

    def _from(self, version: TableVersion, earliest: datetime) -> pl.LazyFrame | None:
        return self._lake.scan_between(version, self._started, earliest, _LATEST)

    def _ids(self, scan: pl.LazyFrame | None, earliest: datetime) -> list[str]:
        if scan is None:
            return []
        recent = scan.select(self._id, self._started).filter(pl.col(self._started) >= earliest)
        return recent.collect()[self._id].to_list()
