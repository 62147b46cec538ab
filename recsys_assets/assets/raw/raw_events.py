"""`raw_events`: every event line as it arrived, by day; only days whose files changed are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import duckdb
import polars as pl

from recsys_assets.assets.raw.day_plan import (
    FORGET,
    RENAMED,
    REPLACED,
    DayPlan,
    EventScans,
    day_plan,
    days_shown,
    refused_days,
)
from recsys_assets.assets.raw.file_contributions import tomorrow
from recsys_assets.assets.raw.file_rows import (
    DAY,
    MOST_SHOWN,
    FaultyFiles,
    columns_for_both,
    failing_advice,
    failing_of,
    open_files,
    rows_failed,
    rows_with_retained,
    wide_columns,
)
from recsys_assets.assets.raw.found_files import EVENT_DAYS_NAME, as_found, with_status, without_files
from recsys_assets.assets.raw.lost_rows import lost_rows, smaller_days, unsplit_lines
from recsys_assets.assets.raw.raw_shape import fitted, misfits, require_plain, rounded_ids
from recsys_assets.assets.raw.service_events import DAYS as SERVICE_DAYS
from recsys_assets.assets.raw.service_events import READ, ServiceEvents
from recsys_assets.assets.raw.service_events import TABLE as SERVICE_TABLE
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.source import FORMER, NamedScan
from recsys_assets.shop.sql_doubts import sql_doubts
from recsys_assets.sql import parameters_of
from recsys_lineage.assets.asset_code import Output, Query, Request, Unchanged
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import sql_failed
from recsys_lineage.errors import LineageError
from recsys_lineage.files import FailingRows, FileScan
from recsys_lineage.files.failing_rows import rows_where
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.progress import Progress, tell
from recsys_lineage.sql.names import quote

TABLE = "raw_events"
_FILE_DAYS = """WITH file_days AS (
    SELECT path AS _file, min(days[1]) AS day FROM source_files WHERE status = 'loaded' GROUP BY path
)
"""
"""Relation with the day of each file, for rows without a time; read in SQL, so that the record covers everything that
the rows depend on."""
_IN_DAYS = f"CAST({DAY} AS VARCHAR) IN (SELECT unnest($days))"


def raw_events(
    folder: SourceFolder, service: ServiceEvents | None, inputs: Inputs, request: Request
) -> Output | Unchanged:
    """Every event line as it arrived, with the file and line that it came from; one partition a day.

    It holds the events received by the service as well as those of the source's files.
    """
    load = _Load(folder, service, inputs, request.code_version)
    if request.reuse and request.partitions is None:
        load.require_files()
    wanted = load.wanted(request)
    if not wanted and request.partitions is None and load.before is not None:
        return Unchanged()
    if not wanted and load.refused:
        raise refused_days(load.refused)
    return load.output(wanted)


@dataclass(frozen=True)
class _Made:
    """SELECT of the rows of existing files for some days, with its columns."""

    days: list[str]
    query: str
    columns: tuple[Column, ...]
    former: str
    """The query with the column `_former_hashes`."""


class _Load:
    """One load of raw_events."""

    def __init__(
        self, folder: SourceFolder, service: ServiceEvents | None, inputs: Inputs, code_version: str
    ) -> None:
        self._folder, self._inputs, self._service = folder, inputs, service
        self._code_version = code_version
        self._files = as_found(inputs.frame("source_files"))
        self._scans = EventScans.of(folder)
        self.before = inputs.previous()
        known = self.before.record.takes if self.before is not None else {}
        self._service_days = self._days_of_service()
        self._plan: DayPlan = day_plan(self._files, self._scans, code_version, known, self._service_days)
        self.refused: dict[str, tuple[str, ...]] = dict(self._plan.refused)
        self._held = (
            frozenset(inputs.version(TABLE, (), ()).partitions) if self.before is not None else frozenset()
        )
        self._left_out: dict[FileScan, str] | None = None
        self._gone = with_status(self._files, self._scans.own, "gone")

    def _days_of_service(self) -> dict[str, str]:
        """Day → hash of the events that the service has received."""
        if self._service is None or not self._inputs.exists(SERVICE_DAYS):
            return {}
        days = {
            str(day): content
            for day, content in self._inputs.frame(SERVICE_DAYS, ("day", "content")).iter_rows()
        }
        contents = self._service.days(self._inputs.version(SERVICE_TABLE, (), ()), tomorrow())
        return {day: content for day, content in contents.items() if day in days}

    def require_files(self) -> None:
        """Refuse to empty the days of files where no file fits the patterns of the SQL, as after a slip of the pen.

        Raises:
            FaultyFiles: there are such days.
        """
        days = self._held.difference(self._service_days)
        if days and (lost := without_files(self._files, self._scans.own)):
            raise FaultyFiles(
                f"{TABLE} cannot be loaded.",
                found=lost,
                where=self._folder.source.file_of(TABLE),
                expected=f"files for {len(days):,} days that have events",
                advice=f"{RENAMED} {TABLE}",
            )

    def wanted(self, request: Request) -> list[str]:
        """The days to write: the requested ones, or those whose files changed; never one that is refused."""
        if request.partitions is None:
            days = self._without_lost(self._plan.changed if request.reuse else self._plan.days)
            return self._without_replaced(days)
        requested = [day for day in request.partitions if day not in self.refused]
        requested = self._without_lost([] if self._plan.hindered else requested)
        if len(request.partitions) == 1 and (broken := set(request.partitions) & set(self.refused)):
            raise refused_days({day: self.refused[day] for day in broken})
        return requested

    def output(self, wanted: list[str]) -> Output:
        """Output with those days written, including the rows kept of deleted files.

        If the source's SQL fails at a row, the days of such rows are refused, and the others are written without them.
        """
        try:
            made = self._output(wanted)
        except duckdb.Error as error:
            if (other := self._without_failing(wanted, error)) is None:
                raise self._explained(error) or error from None
            return other
        return replace(made, otherwise=partial(self._without_failing, wanted))

    def _without_failing(self, wanted: list[str], error: Exception) -> Output | None:
        """SELECT without the rows at which the SQL fails; None if the error is not about rows.

        Raises:
            FaultyFiles: nothing is left.
        """
        failing = failing_of(self._folder, self._inputs, TABLE, error)
        if not failing:
            return None
        stopped = self._days_of(failing, wanted)
        left = [day for day in wanted if day not in stopped]
        if not left:
            raise rows_failed(
                f"The events of {days_shown(stopped)} cannot be loaded.", failing, days_shown(stopped)
            )
        self.refused |= stopped
        tell(Progress(TABLE, "note", "; ".join(failing.values()[:MOST_SHOWN])))
        self._left_out = failing.without(self._folder.source.relations(TABLE))
        return self._output(left)

    def _days_of(self, failing: FailingRows, wanted: list[str]) -> dict[str, tuple[str, ...]]:
        """Requested days with failing rows → these rows, in words."""
        own = with_status(self._files, self._scans.own, "loaded")
        stopped: dict[str, list[str]] = {}
        for path in failing.files:
            held = own.filter(pl.col("path") == path)["days"].explode().drop_nulls().cast(pl.String).to_list()
            if path in failing.failed_files or not held:
                for day in held or wanted:
                    stopped.setdefault(day, []).extend(failing.of_file(path).places())
                continue
            for line in failing.rows[path]:
                row = failing.of_row(path, line)
                stopped.setdefault(self._day_of(row) or held[0], []).extend(row.places())
        advice = failing_advice(failing.values())
        return {
            day: (f"{'; '.join(dict.fromkeys(words))}. What to do: {advice}",)
            for day, words in stopped.items()
            if day in wanted
        }

    def _day_of(self, row: FailingRows) -> str | None:
        """The day of a failing row; None if that cannot be read either."""
        source = self._folder.source
        only = {
            scan: rows_where(name, f"NOT ({row.condition()})")
            for scan, name in source.relations(TABLE).items()
        }
        only |= {named.scan: quote(named.relation) for named in self._scans.shared}
        rows = source.query(TABLE, only)
        sql = f"{_FILE_DAYS}SELECT CAST({DAY} AS VARCHAR) FROM ({rows}) WHERE _fault IS NULL LIMIT 1"
        try:
            days = self._inputs.query(sql, parameters_of(sql, self._values([]))).to_series().to_list()
        except duckdb.Error:
            return None
        return days[0] if days else None

    def _explained(self, error: Exception) -> LineageError | None:
        return sql_failed(self._inputs, self._folder.source.written(TABLE), error)

    def _output(self, wanted: list[str]) -> Output:
        made = self._made(wanted)
        warnings: list[str] = []
        schema = self.before.record.schema if self.before is not None else ()
        if self._retains(made.days) and (changed := misfits(made.columns, schema)):
            # What stays in the lake has other types: whatever can be is made anew.
            warnings.append(f"all days are loaded anew, for another type: {', '.join(changed)}")
            made = self._made(self._without_lost(sorted({*self._plan.days, *wanted})))
        retained = self._retained(made.days)
        staying = self._held - set(made.days)
        columns = wide_columns(made.columns)
        partitions: list[str] | None = made.days
        if retained or staying:
            columns = fitted(made.columns, schema) or columns_for_both(made.columns, schema)
        if self.before is not None and columns != schema:
            partitions = None
            if staying:
                retained |= {f"{TABLE} WHERE NOT {_IN_DAYS}": schema}
        if retained:
            self._inputs.view(TABLE, None if partitions is None else sorted(self._held & set(made.days)))
            warnings += self._retained_message(made.days)
        if emptied := [day for day in made.days if day in self._held and day not in self._plan.digests]:
            warnings.append(f"no file has events of {len(emptied)} days any more: {', '.join(emptied[:5])}")
        doubts = [*self._cut_times(made), *rounded_ids(made.query, made.columns, partial(self._row, made))]
        doubts += [*self._sql_doubts(), *self._lost(made)]
        for doubt in doubts:
            tell(Progress(TABLE, "note", doubt))
        warnings += doubts
        sql = rows_with_retained(made.query, made.columns, columns, retained)
        if retained and self._has_former_hashes(made):
            gone = self._retained(made.days)
            named = {
                _with_hash_of_now(source) if source in gone else source: retained[source]
                for source in retained
            }
            rows = rows_with_retained("SELECT * FROM __made", made.columns, columns, named)
            sql = f"WITH __made AS MATERIALIZED ({made.former})\n{rows}"
        failures = {day: "; ".join(why) for day, why in self.refused.items()}
        return Output(
            Query(sql, parameters_of(sql, self._values(made.days)), self._explained),
            partition_by=DAY,
            partitions=partitions,
            statistics={"days": len(made.days), "days not loaded": len(failures)},
            takes=self._plan.taken(made.days),
            failures=failures,
            partition_files=self._files_by_day(made.days),
            found_partitions=(EVENT_DAYS_NAME, made.days),
            warnings=warnings,
        )

    def _files_by_day(self, days: Collection[str]) -> dict[str, list[str]]:
        """Day → existing files that its rows may come from."""
        own = with_status(self._files, self._scans.own, "loaded").select("path", "days").explode("days")
        shared = with_status(self._files, self._scans.shared, "loaded")["path"].to_list()
        found: dict[str, list[str]] = {day: list(shared) for day in days}
        for path, day in own.drop_nulls().iter_rows():
            if str(day) in found:
                found[str(day)].append(path)
        return found

    def _made(self, days: list[str]) -> _Made:
        """Open the files of some days; files that every row may depend on are always opened."""
        chosen: dict[NamedScan, pl.DataFrame] = {}
        for named in (*self._scans.own, *self._scans.shared):
            frame = with_status(self._files, [named], "loaded")
            chosen[named] = _of_days(frame, days) if named in self._scans.own else frame
        open_files(self._folder, self._inputs, chosen)
        self._inputs.view("source_files", columns=["path", "status", "days"])
        query, former = (
            f"{_FILE_DAYS}SELECT * FROM ({self._folder.source.query(TABLE, self._left_out, former=more)}) "
            f"WHERE {_IN_DAYS}"
            for more in (False, True)
        )
        columns = self._inputs.columns_of(query, parameters_of(query, self._values(days)))
        require_plain(TABLE, columns, self._folder.source.file_of(TABLE))
        of_service = sorted(set(days) & set(self._service_days))
        if self._service is not None and of_service:
            self._inputs.view(SERVICE_TABLE, of_service, READ)
            taken = self._service.query(columns)
            query = f"{query}\nUNION ALL\n{taken}"
            former = f"{former}\nUNION ALL\nSELECT *, NULL AS {FORMER} FROM ({taken})"
            columns = self._inputs.columns_of(query, parameters_of(query, self._values(days)))
        return _Made(days, query, columns, former)

    def _cut_times(self, made: _Made) -> list[str]:
        """A warning of times finer than a microsecond, which a table truncates."""
        if not any(column.name == "event_time" and column.type == "TIMESTAMP_NS" for column in made.columns):
            return []
        sql = f"SELECT count(*) FROM ({made.query}) WHERE epoch_ns(event_time) % 1000 <> 0"
        (cut,) = self._row(made, sql)
        return [f"{cut:,} times were cut to the microsecond"] if cut else []

    def _sql_doubts(self) -> list[str]:
        source = self._folder.source
        statement = source.written(TABLE, self._left_out).statement
        no_value = source.settings.rule_parameters()["no_value"]
        return sql_doubts(statement, no_value, lambda sql: self._inputs.query(sql, {}).rows(), shown=False)

    def _lost(self, made: _Made) -> list[str]:
        """Warnings of lines that are no rows, and of rows that days have no longer, though the SQL is the same."""
        values = self._values(made.days)

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return self._inputs.query(sql, parameters_of(sql, values)).rows()

        lost = [*unsplit_lines(made.query, ask)]
        if self.before is None or self.before.record.code_version != self._code_version:
            return lost
        if self._scans.shared:
            own = [named.relation for named in self._scans.own]
            lost += lost_rows(TABLE, made.query, own, _IN_DAYS, ask)
        if self._held.intersection(made.days):
            lost += smaller_days(TABLE, made.query, _IN_DAYS, ask)
        return lost

    def _row(self, made: _Made, sql: str) -> tuple[int, ...]:
        """The only row of a SELECT over the query of some days."""
        return self._inputs.query(sql, parameters_of(sql, self._values(made.days))).row(0)

    def _has_former_hashes(self, made: _Made) -> bool:
        """Whether a kept row has a hash that an earlier version of the code gave to a row of today's files."""
        sql = (
            f"SELECT count(*) FROM {TABLE} WHERE {_IN_DAYS} AND _file IN (SELECT unnest($gone)) AND _row_hash IN "
            f"(SELECT former FROM (SELECT unnest({FORMER}) AS former, _row_hash FROM ({made.former})) "
            "WHERE former <> _row_hash)"
        )
        return bool(self._row(made, sql)[0])

    def _values(self, days: list[str]) -> dict[str, Any]:
        limits = self._folder.source.raw_parameters(tomorrow())
        of_service = (
            {} if self._service is None else self._service.parameters(set(days) & set(self._service_days))
        )
        gone = sorted(set(self._gone["path"]))
        settings = [value for value in (*limits.values(), *of_service.values()) if isinstance(value, str)]
        self._inputs.vouch_for(
            [*settings, *limits.get("behaviours", ()), *gone]
        )  # no cells: a record keeps them
        return {**limits, **of_service, "days": sorted(days), "gone": gone}

    def _retains(self, days: list[str]) -> bool:
        """Whether rows of the previous version stay when some days are written."""
        return bool(self._retained(days) or self._held - set(days))

    def _retained(self, days: list[str]) -> dict[str, tuple[Column, ...]]:
        """Rows of deleted files in the written days: their location and columns."""
        if self.before is None or _of_days(self._gone, days).is_empty():
            return {}
        return {f"{TABLE} WHERE {_IN_DAYS} AND _file IN (SELECT unnest($gone))": self.before.record.schema}

    def _retained_message(self, days: list[str]) -> list[str]:
        paths = sorted(set(_of_days(self._gone, days)["path"]))
        if not paths:
            return []
        return [
            f"the rows of {len(paths)} files that are gone were kept as they were: {', '.join(paths[:5])}"
        ]

    def _without_lost(self, days: list[str]) -> list[str]:
        """The days without those that need rows of a deleted file that the table never had; these are refused."""
        gone = _of_days(self._gone.filter(pl.col("given") > 0), days)
        if gone.is_empty():
            return days
        there: set[tuple[str, str]] = set()
        if self.before is not None:
            found = self._inputs.query(
                f"SELECT DISTINCT _file, CAST({DAY} AS VARCHAR) AS day FROM {TABLE} "
                "WHERE _file IN (SELECT unnest($gone))",
                {"gone": sorted(set(gone["path"]))},
            )
            there = set(found.iter_rows())
        lost: dict[str, list[str]] = {}
        for path, held in gone.select("path", "days").iter_rows():
            for day in map(str, held):
                if day in days and (path, day) not in there:
                    reason = f"{path}: the file is gone, and was never loaded. What to do: "
                    lost.setdefault(day, []).append(reason + FORGET.format(path=path))
        self.refused |= {day: tuple(reasons) for day, reasons in lost.items()}
        return [day for day in days if day not in lost]

    def _without_replaced(self, days: list[str]) -> list[str]:
        """The days without those that only the former content of a file had which is still there under its name: their
        rows stay until somebody asks for the day. One before the file's first day is what a window that moves on leaves
        behind, as in an export of the last thirty days; any other is refused."""
        scans = self._scans.own | self._scans.shared
        filled = with_status(self._files, scans, "loaded", "gone").filter(pl.col("given") > 0)
        full = {*filled["days"].explode().cast(pl.String), *self._service_days}
        left = sorted(self._held.intersection(days) - full)
        loaded = with_status(self._files, self._scans.own, "loaded")
        starts = dict(loaded.select("path", pl.col("days").list.min().cast(pl.String)).iter_rows())
        if self.before is None or not left or not starts:
            return days
        found = self._inputs.query(
            f"SELECT DISTINCT CAST({DAY} AS VARCHAR) AS day, _file FROM {TABLE} WHERE {_IN_DAYS}",
            {"days": left},
        )
        kept = [(day, path) for day, path in found.sort("day", "_file").iter_rows() if path in starts]
        for day, path in kept:
            if (first := starts[path]) is None or day >= first:
                self.refused[day] = (*self.refused.get(day, ()), f"{path}: {REPLACED}{day}")
        stays = {day for day, _ in kept}
        return [day for day in days if day not in stays]


def _with_hash_of_now(source: str) -> str:
    """FROM clause of kept rows, with today's hash for those that `__made` has under an earlier version's hash."""
    return (
        f"(SELECT kept.* REPLACE (coalesce(again.now, kept._row_hash) AS _row_hash) FROM (SELECT * FROM {source}) "
        "AS kept LEFT JOIN (SELECT former, min(_row_hash) AS now FROM "
        f"(SELECT unnest({FORMER}) AS former, _row_hash FROM __made) GROUP BY former) AS again "
        "ON again.former = kept._row_hash)"
    )


def _of_days(files: pl.DataFrame, days: Iterable[str]) -> pl.DataFrame:
    wanted = pl.Series([date.fromisoformat(day) for day in days], dtype=pl.Date)
    return files.filter(pl.col("days").list.eval(pl.element().is_in(wanted.implode())).list.any())
