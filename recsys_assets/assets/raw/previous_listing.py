"""PreviousListing: valid findings of the previous listing about files, which need not be read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from recsys_assets.assets.raw.file_contributions import EVENTS
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.changing_values import is_deterministic
from recsys_assets.shop.source import NamedScan
from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.reading.inputs import Previous
from recsys_lineage.files import KnownContent, SourceFile
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.engine_versions import engine_versions

AHEAD = "first day ahead"
"""The statistic with the first day of events too far in the future, which become valid when that day comes."""
Row = dict[str, Any]


def as_statistic(ahead: date | None) -> dict[str, int]:
    """The first day of events too far in the future as a number, because records keep numbers."""
    return {} if ahead is None else {AHEAD: int(f"{ahead:%Y%m%d}")}


def first_day_ahead(record: Materialization) -> date | None:
    """The first day of events too far in the future at a listing, from its record."""
    written = record.statistics.get(AHEAD)
    return None if written is None else datetime.strptime(str(written).replace("-", ""), "%Y%m%d").date()


@dataclass(frozen=True)
class PreviousListing:
    """Findings of the previous listing that are still valid; without arguments there are none, so all files are read.

    Attributes:
        columns: the columns of each file, by path.
        own: whether the number of rows that each file contributes to raw_events is valid too, while `shared` files are
            unchanged.
        last_day: no event can be later.
        ahead: the first day of events that were too far ahead.
    """

    folder: SourceFolder | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: bool = False
    last_day: date = date.max
    ahead: date | None = None

    @classmethod
    def of(
        cls, folder: SourceFolder, before: Previous | None, request: Request, last_day: date
    ) -> PreviousListing:
        """The findings of a previous listing that still hold.

        There are none if the code, the source's SQL, its settings or a library has changed since, or if everything is
        to be made again.

        Args:
            folder: the source and its folder.
            before: the previous listing.
            request: of the current listing.
            last_day: no event can be later.
        """
        if before is None or not request.reuse:
            return cls()
        record = before.record
        same_code = record.code_version == request.code_version
        if not same_code or dict(record.engine) != dict(engine_versions()):
            return cls()
        columns: dict[str, tuple[str, ...]] = {}
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        for read in record.reads:
            if read.kind == "file":
                names = tuple(column.name for column in read.schema)
                columns[read.name] = shared.setdefault(names, names)
        ahead = first_day_ahead(record)
        own = is_deterministic(folder.source.queries[EVENTS].sql) and (ahead is None or ahead > last_day)
        return cls(folder, columns, own, last_day, ahead if own else None)

    def known(
        self,
        listed: Mapping[NamedScan, Collection[SourceFile]],
        rows: Mapping[tuple[str, str], Row],
    ) -> dict[NamedScan, dict[tuple[str, str], KnownContent]]:
        """Known contents of files that need not be read again, by scan, each with path and sha256.

        A file is read again if its content changed, if it could not be read or was not loaded, if several scans read
        it, or if every row may depend on it. If one of the latter changed, all files of events are read again.

        Args:
            listed: the current files of each scan.
            rows: the previous `source_files`, by path and pattern.
        """
        if self.folder is None:
            return {}
        own = self.folder.scans_by_file(EVENTS)
        events = frozenset(self.folder.source.table_scans(EVENTS))
        own_hold = self.own and _contents(listed, events - own) == _contents_before(rows, events - own)
        places = Counter(file.path for files in listed.values() for file in files)
        known: dict[NamedScan, dict[tuple[str, str], KnownContent]] = {}
        for named, files in listed.items():
            if named in events and not (named in own and own_hold):
                continue
            known[named] = {
                (file.path, file.sha256): KnownContent(row["rows"], row["malformed"], self.columns[file.path])
                for file in files
                if places[file.path] == 1
                and (row := rows.get((file.path, named.scan.described()))) is not None
                and self._holds(file, row)
            }
        return known

    def _holds(self, file: SourceFile, row: Row) -> bool:
        """Whether a row of `source_files` still describes the file, and completely."""
        return (
            row["status"] == "loaded"
            and row["sha256"] == file.sha256
            and row["rows"] is not None
            and bool(self.columns.get(file.path))
            and all(day <= self.last_day for day in row["days"])
        )


def _contents(
    listed: Mapping[NamedScan, Collection[SourceFile]], scans: Collection[NamedScan]
) -> set[tuple[str, ...]]:
    return {(file.path, named.scan.described(), file.sha256) for named in scans for file in listed[named]}


def _contents_before(
    rows: Mapping[tuple[str, str], Row], scans: Collection[NamedScan]
) -> set[tuple[str, ...]]:
    patterns = {named.scan.described() for named in scans}
    return {
        (path, pattern, row["sha256"])
        for (path, pattern), row in rows.items()
        if pattern in patterns and row["status"] != "gone"
    }
