"""The raw group: `source_files` and the four raw tables, as the source's SQL maps them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa

from recsys_assets.assets.columns import RAW_ONLY, SOURCE_FILES
from recsys_assets.assets.reconciliation import CLEAN_OF
from recsys_assets.assets.source_files import SourceFolder, inputs_digest, inspect, loadable
from recsys_assets.source import NamedScan
from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request, Unchanged
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.code_version import by_module, code_version, reachable
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.assets.scanned_files import open_scan
from recsys_lineage.errors import FilesChanged, LineageError
from recsys_lineage.files import SourceFile, list_files
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lineage_asset import AssetLook, lineage_asset
from recsys_lineage.records.check_outcome import CheckOutcome
from recsys_lineage.records.materialization import Code
from recsys_lineage.sql.sql_text import SqlText

EVENT_DAYS_NAME = "event_days"
EVENT_DAYS = dg.DynamicPartitionsDefinition(name=EVENT_DAYS_NAME)
DAY = "_day"


class FaultyFiles(LineageError):
    """Files that hold the asked-for days cannot be read."""


def source_files_asset(folder: SourceFolder, look: AssetLook) -> dg.AssetsDefinition:
    """`source_files`: looks at the data folder, and registers the days that events have as partitions."""
    compute = partial(source_files, folder)
    known = {"source": _source_text(folder)}
    code = AssetCode(
        name="source_files",
        code=Code("python", _source_text(folder), str(folder.source.folder)),
        code_version=code_version(compute, known),
        covers=lambda: by_module(reachable(compute)),
        upstream=(),
        parameters={"source": folder.source.name},
        checks=(
            TableCheck(
                "every_file_can_be_read",
                "every file of the source can be read and has the columns that the source's SQL names",
                f"SELECT path, fault FROM {OUTPUT} WHERE status = 'faulty'",
            ),
            TableCheck(
                "no_file_twice",
                "no file has the content of another; a copy is not loaded",
                f"SELECT path, duplicate_of FROM {OUTPUT} WHERE status = 'duplicate'",
            ),
            TableCheck(
                "no_file_changed",
                "no file that was loaded before has another content now",
                function=_changed_files,
            ),
        ),
        column_descriptions=SOURCE_FILES,
        observe=folder.observe,
        compute=compute,
        opens=(folder.root,),
    )
    return lineage_asset(code, look)


def source_files(folder: SourceFolder, inputs: Inputs, request: Request) -> Output:
    """Every file of the data folder, read to its end."""
    before = inputs.previous()
    known = {} if before is None else dict(before.frame(["path", "days"]).iter_rows())
    files = inspect(folder, inputs, known, _tomorrow())
    counts = files.group_by("status").len()
    days = files.select(pl.col("days").explode().unique().sort()).to_series()
    return Output(
        files,
        statistics={f"{status} files": n for status, n in counts.iter_rows()},
        found_partitions=(EVENT_DAYS_NAME, [str(day) for day in days]),
    )


def raw_events_asset(folder: SourceFolder, look: AssetLook) -> dg.AssetsDefinition:
    """`raw_events`: every event line as it arrived, one partition an event day."""

    def takes(lake: Lake) -> dict[str, str]:
        files = lake.scan(lake.version("source_files")).collect()
        scans = folder.source.table_scans("raw_events")
        faulty = _faulty_days(files, scans)
        digests = _day_digests(files, scans, code.code_version)
        return {day: digest for day, digest in digests.items() if day not in faulty}

    compute = partial(raw_events, folder)
    code = _raw_code(folder, "raw_events", compute, takes)
    return lineage_asset(code, look)


def raw_events(folder: SourceFolder, inputs: Inputs, request: Request) -> Output | Unchanged:
    """The days of events that are asked for, or whose files changed."""
    files = inputs.frame("source_files")
    scans = folder.source.table_scans("raw_events")
    digests = _day_digests(files, scans, request.code_version)
    faulty = _faulty_days(files, scans)
    before = inputs.previous()
    known: dict[str, str] = dict(before.record.takes or {}) if before is not None else {}
    wanted = _wanted_days(request, digests, known, faulty)
    if not wanted and request.partitions is None and before is not None:
        return Unchanged()
    if not wanted and faulty:
        raise _faults(faulty)
    chosen = {
        named: frame.filter(pl.col("days").list.eval(pl.element().is_in(_dates(wanted))).list.any())
        for named, frame in loadable(files, scans).items()
    }
    _open(folder, inputs, chosen)
    inputs.register("file_days", _file_days(chosen))
    values: dict[str, Any] = {**folder.source.raw_parameters(_tomorrow()), "days": sorted(wanted)}
    sql = f"SELECT * FROM ({folder.source.query('raw_events')})"
    if set(wanted) != set(digests):
        sql += f" WHERE CAST({DAY} AS VARCHAR) IN (SELECT unnest($days))"
    failures = {day: _faults({day: texts}).args[0] for day, texts in faulty.items()}
    return Output(
        Query(sql, parameters_of(sql, values)),
        partition_by=DAY,
        partitions=sorted(wanted),
        statistics={"days": len(wanted), "days not loaded": len(failures)},
        takes={
            **{day: digest for day, digest in known.items() if day not in wanted},
            **{day: digests[day] for day in wanted if day in digests},
        },
        failures=failures,
    )


def raw_table_asset(folder: SourceFolder, table: str, look: AssetLook) -> dg.AssetsDefinition:
    """`raw_users`, `raw_items` or `raw_promotions`: every row as it arrived."""

    def takes(lake: Lake) -> str:
        files = lake.scan(lake.version("source_files")).collect()
        return _files_digest(loadable(files, folder.source.table_scans(table)), code.code_version)

    compute = partial(raw_table, folder, table)
    code = _raw_code(folder, table, compute, takes)
    return lineage_asset(code, look)


def raw_table(folder: SourceFolder, table: str, inputs: Inputs, request: Request) -> Output | Unchanged:
    """Every row of the files of one table."""
    files = inputs.frame("source_files")
    chosen = loadable(files, folder.source.table_scans(table))
    _refuse_to_lose(table, files, chosen)
    digest = _files_digest(chosen, request.code_version)
    before = inputs.previous()
    if request.reuse and before is not None and before.record.takes == digest:
        return Unchanged()
    _open(folder, inputs, chosen)
    return Output(Query(folder.source.query(table)), takes=digest)


def _raw_code(folder: SourceFolder, table: str, compute: Compute, takes: Callable[[Lake], Any]) -> AssetCode:
    query = folder.source.query(table)
    origin = folder.source.folder / f"{table}.sql"
    limits = folder.source.raw_parameters(date.max) if table == "raw_events" else {}
    return AssetCode(
        name=table,
        code=Code("sql", query, str(origin), "duckdb"),
        code_version=code_version(compute, {"sql": query, "limits": limits}),
        covers=lambda: by_module(reachable(compute)),
        compute=compute,
        upstream=("source_files",),
        parameters={"source": folder.source.name},
        takes=takes,
        opens=(folder.root,),
        column_descriptions=RAW_ONLY | SqlText(load_sql("clean", CLEAN_OF[table])).column_descriptions,
        checks=(
            TableCheck(
                "every_row_has_file_and_line",
                "every row says which file and line it came from",
                f"SELECT * FROM {OUTPUT} WHERE _file IS NULL OR _line IS NULL",
                blocking=True,
            ),
        ),
    )


def _open(folder: SourceFolder, inputs: Inputs, chosen: Mapping[NamedScan, pl.DataFrame]) -> None:
    """Open the files of each scan on the run's connection, sure that they are what `source_files` saw."""
    for named, frame in chosen.items():
        there = {file.path: file for file in list_files(folder.root, named.scan.pattern)}
        files: list[SourceFile] = []
        for path, sha in frame["path", "sha256"].iter_rows():
            file = there.get(path)
            if file is None or file.sha256 != sha:
                raise FilesChanged(
                    f"The file {path} is not what it was when source_files looked at it.",
                    expected=f"sha256 {sha[:16]}…",
                    found="no file" if file is None else f"sha256 {file.sha256[:16]}…",
                    where=str(folder.root / path),
                    advice="materialize source_files, then this asset again",
                )
            files.append(file)
        open_scan(
            inputs,
            folder.root,
            named.scan,
            files,
            named.relation,
            required_columns=named.required_columns,
        )


def _files_digest(chosen: Mapping[NamedScan, pl.DataFrame], code_version: str) -> str:
    """A hash of the files that a table is made of."""
    pairs = [pair for frame in chosen.values() for pair in frame["path", "sha256"].iter_rows()]
    return inputs_digest(pairs, code_version)


def _day_digests(files: pl.DataFrame, scans: tuple[NamedScan, ...], code_version: str) -> dict[str, str]:
    """For each day, a hash of the files that hold it."""
    by_day: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for frame in loadable(files, scans).values():
        for path, sha, days in frame["path", "sha256", "days"].iter_rows():
            for day in days:
                by_day[str(day)].append((path, sha))
    return {day: inputs_digest(pairs, code_version) for day, pairs in by_day.items()}


def _faulty_days(files: pl.DataFrame, scans: tuple[NamedScan, ...]) -> dict[str, list[str]]:
    """For each day that a faulty file holds, as far as one can tell, what is wrong with the file."""
    patterns = [str(named.scan) for named in scans]
    faulty: dict[str, list[str]] = defaultdict(list)
    rows = files.filter((pl.col("status") == "faulty") & pl.col("pattern").is_in(patterns))
    for fault, days in rows["fault", "days"].iter_rows():
        for day in days:
            faulty[str(day)].append(fault)
    return dict(faulty)


def _wanted_days(
    request: Request, digests: Mapping[str, str], known: Mapping[str, str], faulty: Mapping[str, list[str]]
) -> list[str]:
    """The days to write now: those asked for, or those whose files changed; never one with a faulty file."""
    if request.partitions is not None:
        if len(request.partitions) == 1 and (broken := set(request.partitions) & set(faulty)):
            raise _faults({day: faulty[day] for day in broken})
        return [day for day in request.partitions if day not in faulty]
    gone = set(known) - set(digests)
    if request.reuse:
        changed = {day for day, digest in digests.items() if known.get(day) != digest}
        return sorted((changed | gone) - set(faulty))
    return sorted((set(digests) | gone) - set(faulty))


def _faults(faulty: Mapping[str, list[str]]) -> FaultyFiles:
    texts = sorted({text for day in faulty.values() for text in day})
    days = sorted(faulty)
    shown = ", ".join(days[:5]) + (f" and {len(days) - 5} more days" if len(days) > 5 else "")
    return FaultyFiles(
        f"The events of {shown} cannot be loaded.\n  " + "\n  ".join(texts),
        where=shown,
        advice="mend or remove the file, materialize source_files, then these days of raw_events; "
        "all other days are loaded",
    )


def _refuse_to_lose(table: str, files: pl.DataFrame, chosen: Mapping[NamedScan, pl.DataFrame]) -> None:
    """Raises FaultyFiles where all files of a scan are faulty: an empty table would take the place of a good one."""
    for named, frame in chosen.items():
        faults = files.filter((pl.col("pattern") == str(named.scan)) & (pl.col("status") == "faulty"))
        if frame.is_empty() and not faults.is_empty():
            raise FaultyFiles(
                f"{table} cannot be loaded.\n  " + "\n  ".join(faults["fault"].unique().sort()),
                where=", ".join(faults["path"].unique().sort()[:5]),
                advice=f"mend the file, materialize source_files, then {table}; readers still see what it held before",
            )


def _file_days(chosen: Mapping[NamedScan, pl.DataFrame]) -> pa.Table:
    firsts = {path: days[0] for frame in chosen.values() for path, days in frame["path", "days"].iter_rows()}
    return pa.table(
        {"_file": pa.array(list(firsts), pa.string()), "day": pa.array(firsts.values(), pa.date32())}
    )


def _changed_files(inputs: Inputs) -> CheckOutcome:
    name = "no_file_changed"
    before = inputs.previous()
    if before is None:
        return CheckOutcome(name, True, "nothing was loaded before")
    inputs.register("files_before", before.frame(["path", "pattern", "sha256"]))
    paths = inputs.query(
        f"""SELECT DISTINCT now.path FROM {OUTPUT} AS now JOIN files_before AS before
        ON now.path = before.path AND now.pattern = before.pattern WHERE now.sha256 <> before.sha256 ORDER BY 1"""
    )["path"].to_list()
    if not paths:
        return CheckOutcome(name, True, "no file changed")
    found = f"{len(paths)} files changed after they were loaded: {', '.join(paths[:5])}; their new content is loaded"
    return CheckOutcome(name, False, found, counts={"files": len(paths)}, where=tuple(paths[:100]))


def _source_text(folder: SourceFolder) -> str:
    parts = [f"{table}: {query.sql}" for table, query in sorted(folder.source.queries.items())]
    return "\n".join([*parts, repr(folder.source.settings)])


def _dates(days: list[str]) -> list[date]:
    return [date.fromisoformat(day) for day in days]


def _tomorrow() -> date:
    return datetime.now(timezone.utc).date() + timedelta(days=1)
