"""Trial: a source tested on the first rows of some of its files; nothing is written."""

from __future__ import annotations

import codecs
import gzip
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq

from recsys_assets.assets.clean.ids_in_one_way import alike_in_events, in_words
from recsys_assets.assets.clean.reconciliation import CLEAN_OF
from recsys_assets.assets.clean.rejections import rejections
from recsys_assets.assets.raw.file_contributions import EVENTS, file_contributions, tomorrow
from recsys_assets.assets.raw.named_day import named_day
from recsys_assets.assets.raw.raw_shape import require_plain, rounded_ids
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.sql_doubts import sql_doubts
from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.errors import did_you_mean
from recsys_lineage.files import FailingRows, FileScan, failing_rows, list_files, open_scan, unreadable
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.versions.table_version import Column

HEAD_BYTES = 4 << 20
"""The first bytes of a text file that are read."""
HEAD_ROWS = 20_000
"""The first rows of a Parquet file that are read."""
FILES_OF_A_SCAN = 3
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),  # a mark of UTF-32 begins with one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)
"""Byte order marks of encodings with several bytes per character."""


@dataclass(frozen=True)
class TriedScan:
    """A scan of the source: the number of files that match its pattern, the sampled ones, and their faults."""

    scan: str
    files: int
    looked_at: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """Rows rejected for one reason: their number, an example with its file and line, and an expression that would parse
    them."""

    rows: int
    example: str
    hint: str = ""


@dataclass(frozen=True)
class TriedTable:
    """A raw table and the clean one made of it.

    Attributes:
        table: the raw table.
        read: number of its rows, from the sampled rows.
        accepted: number of these that the clean table holds or has merged.
        rejected: reason → the rows rejected for it, most rows first.
        sample: up to three clean rows.
        stopped: rows at which the SQL of the table fails, with the value; they do not count as read.
        doubts: about ids that have lost digits or are written in several ways, and states that the SQL does not name,
            in sentences.
    """

    table: str
    read: int
    accepted: int
    rejected: Mapping[str, Refused]
    sample: pl.DataFrame
    stopped: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """Result of testing a source.

    Attributes:
        scans: those of its SQL.
        tables: the raw tables that it has.
        days: number of days with events.
        overlooked: file that matches no pattern → the file with a similar name that is read.
        target: fault of the target behaviour in the settings, in words; empty if there is none.
    """

    scans: tuple[TriedScan, ...]
    tables: tuple[TriedTable, ...]
    days: int
    overlooked: Mapping[str, str] = field(default_factory=dict)
    target: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every scan has files without a fault, the SQL fails at no row, and some events are accepted."""
        events = next(table for table in self.tables if table.table == "raw_events")
        all_read = all(scan.files and not scan.faults for scan in self.scans)
        return bool(events.accepted) and all_read and not any(table.stopped for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        tables = {
            table.table: {
                "read": table.read,
                "accepted": table.accepted,
                "stopped": list(table.stopped),
                "doubts": list(table.doubts),
                "rejected": {reason: asdict(refused) for reason, refused in table.rejected.items()},
            }
            for table in self.tables
        }
        return {
            "good": self.is_good,
            "days": self.days,
            "scans": [asdict(s) for s in self.scans],
            "overlooked": dict(self.overlooked),
            "target": self.target,
            "tables": tables,
        }


def try_source(folder: SourceFolder) -> Trial:
    """Load the first rows of the first, a middle and the last file of each scan, up to the clean tables, in memory.

    Raises:
        NoFiles: the data folder is missing, or holds no file of the source.
        LineageError: the source's SQL fails.
    """
    with tempfile.TemporaryDirectory() as place:
        heads = Path(place, "data")
        listed = folder.paths()
        if not any(listed.values()):
            raise folder.no_files()
        chosen = {named: _spread(paths) for named, paths in listed.items()}
        unread: dict[str, str] = {}
        for path in {path for paths in chosen.values() for path in paths}:
            if fault := unreadable(folder.root / path, path, folder.root.resolve()):
                unread[path] = str(fault)
            else:
                _copy_head(folder.root / path, heads / path)
        heads.mkdir(exist_ok=True)
        with Engine(temp_folder=place).connect(folders=[heads]) as connection:
            scans = []
            for named, paths in chosen.items():
                files = [file for file in list_files(heads, named.scan.pattern) if file.path in paths]
                opened = open_scan(
                    connection,
                    heads,
                    named.scan,
                    files,
                    named.relation,
                    named.required_columns,
                    named_at=named.named_at,
                )
                faults = (
                    *(unread[path] for path in paths if path in unread),
                    *(str(fault).replace(str(heads), str(folder.root)) for fault in opened.faults),
                )
                scans.append(TriedScan(str(named.scan), len(listed[named]), tuple(paths), faults))
            days = _register_days(connection, folder, {path for paths in chosen.values() for path in paths})
            tables = tuple(_tables(connection, folder, heads))
            target = _target_in_words(connection, folder)
            return Trial(tuple(scans), tables, days, folder.overlooked(), target)


def _failing(
    connection: duckdb.DuckDBPyConnection, folder: SourceFolder, table: str, error: duckdb.Error
) -> FailingRows:
    """The rows at which the SQL of a raw table fails.

    Raises:
        SqlFailed: it is the SQL itself that is wrong.
    """
    source = folder.source
    own = [named.scan for named in folder.scans_by_file(table)]
    failing = failing_rows(connection, source.queries[table], source.relations(table), own, error)
    if not failing:
        raise source.written(table).failed(error, connection) or error from None
    return failing


def _register_days(connection: duckdb.DuckDBPyConnection, folder: SourceFolder, paths: Iterable[str]) -> int:
    """Create `file_days`, as loading does; returns the number of days with events."""
    source = folder.source

    query = partial(_queried, connection)
    try:
        contributions = file_contributions(source, query, tomorrow())
    except duckdb.Error as error:
        failing = _failing(connection, folder, EVENTS, error)
        contributions = file_contributions(
            source, query, tomorrow(), failing.without(source.relations(EVENTS))
        )
    days = {path: each.days or [_day_of(folder.root, path)] for path, each in contributions.items()}
    first = {path: days[path][0] if path in days else _day_of(folder.root, path) for path in paths}
    frame = pl.DataFrame(
        {"_file": list(first), "day": list(first.values())}, schema={"_file": pl.String, "day": pl.Date}
    )
    connection.register("file_days", frame)
    counted = (
        days.values() if folder.source.settings.undated else (each.days for each in contributions.values())
    )
    return len({day for each in counted for day in each})


def _day_of(root: Path, path: str) -> date:
    """Day of rows without times: the day in the path, or else of the file's last modification."""
    if (named := named_day(path)) is not None:
        return named
    try:
        return datetime.fromtimestamp((root / path).stat().st_mtime, timezone.utc).date()
    except OSError:  # a link that leads nowhere has no rows either
        return datetime.now(timezone.utc).date()


def _queried(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> pl.DataFrame:
    return connection.sql(sql, params=parameters_of(sql, values)).pl()


def _tables(connection: duckdb.DuckDBPyConnection, folder: SourceFolder, heads: Path) -> Iterable[TriedTable]:
    source = folder.source
    made = {raw: _make_raw(connection, folder, raw) for raw in CLEAN_OF}
    for clean in (*CLEAN_OF.values(), "rejected_rows"):
        sql = load_sql("clean", clean)
        connection.execute(f"CREATE TEMP TABLE {clean} AS {sql}", parameters_of(sql, source.parameters()))
    for raw, clean in CLEAN_OF.items():
        if raw not in source.queries:
            continue
        read = connection.execute(f"SELECT count(*) FROM {raw}").fetchall()[0][0]
        reasons = connection.execute(
            """SELECT reason, count(*), min(detail || ', in ' || _file || ':' || _line) FROM rejected_rows
            WHERE table_name = $table GROUP BY reason ORDER BY count(*) DESC, reason""",
            {"table": raw},
        ).fetchall()
        hints = {
            each.reason: each.hint
            for each in rejections(raw, partial(_queried, connection), source.parameters())
        }
        rejected = {
            reason: Refused(count, example, hints.get(reason, "")) for reason, count, example in reasons
        }
        sample = connection.sql(f"SELECT * FROM {clean} LIMIT 3").pl()
        accepted = read - sum(each.rows for each in rejected.values())
        stopped, doubts = made[raw]
        if raw == EVENTS:
            alike = alike_in_events(clean, lambda sql: connection.execute(sql).fetchall())
            doubts = (*doubts, *(in_words(*each) for each in alike))
        words = tuple(text.replace(str(heads), str(folder.root)) for text in stopped)
        yield TriedTable(raw, read, accepted, rejected, sample, words, doubts)


def _target_in_words(connection: duckdb.DuckDBPyConnection, folder: SourceFolder) -> str:
    """Fault of the target behaviour in the settings; empty if there is none."""
    target = folder.source.settings.target_behaviour
    found = connection.execute(
        "SELECT behaviour, count(*) FROM events GROUP BY behaviour ORDER BY count(*) DESC, behaviour"
    ).fetchall()
    counts = dict(found)
    if target is None or target in counts or not counts:
        return ""
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    words = f"target_behaviour of source.toml is {target!r}, and the sampled rows have {shown}."
    return f"{words} {did_you_mean(target, counts)}".strip()


def _make_raw(
    connection: duckdb.DuckDBPyConnection, folder: SourceFolder, raw: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Create a raw table from the rows at which its SQL does not fail; returns the others, in words, and doubts."""
    source = folder.source
    values = source.raw_parameters(tomorrow())

    def make(relations: Mapping[FileScan, str] | None = None) -> tuple[str, ...]:
        sql = source.query(raw, relations)
        connection.execute(f"CREATE TEMP TABLE {raw} AS {sql}", parameters_of(sql, values))
        described = connection.execute(f"DESCRIBE {raw}").fetchall()
        columns = [Column(name, type_) for name, type_, *_ in described]
        require_plain(raw, columns, source.file_of(raw))
        doubts = [*rounded_ids(f"FROM {raw}", columns, lambda sql: connection.execute(sql).fetchall()[0])]
        if raw == EVENTS:
            statement = source.written(raw, relations).statement
            no_value = source.settings.rule_parameters()["no_value"]
            doubts += sql_doubts(
                statement, no_value, lambda sql: connection.execute(sql).fetchall(), shown=True
            )
        return (*doubts,)

    try:
        return (), make()
    except duckdb.Error as error:
        failing = _failing(connection, folder, raw, error)
    doubts = make(failing.without(source.relations(raw)))
    stopped = (
        f"{value} (at {fault.where})" for value, fault in zip(failing.values(), failing.errors(), strict=True)
    )
    return (*stopped,), doubts


def _spread(paths: list[str]) -> list[str]:
    """The first, the middle and the last."""
    last = len(paths) - 1
    return [paths[place] for place in sorted({0, last // 2, last})][:FILES_OF_A_SCAN] if paths else []


def _copy_head(source: Path, target: Path) -> None:
    """Copy the first rows of a file: text up to the end of a line, whole rows of Parquet; other files are copied
    whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        if magic == b"PAR1":
            _copy_rows(source, target)
            return
        if source.stat().st_size <= HEAD_BYTES:
            shutil.copy(source, target)
            return
        packed = magic[:2] == b"\x1f\x8b"
        with gzip.open(stream) if packed else stream as text:
            head = text.read(HEAD_BYTES)
    head = whole_records(head) if len(head) == HEAD_BYTES else head
    target.write_bytes(gzip.compress(head, 1) if packed else head)


def whole_records(head: bytes) -> bytes:
    """The beginning of a text file up to the end of its last complete record: a line end outside of quotes."""
    wide = next((each for each in _WIDE if head.startswith(each[0])), None)
    if wide is not None:
        # one character for each letter's bytes: what the places of marks are counted in
        _, codec, width = wide
        text = head[: len(head) // width * width].decode(codec, "replace")
        marks = "".join(each if each in '"\n\r' else "x" for each in text).encode()
        return head[: width * len(_whole_lines(marks))] if len(marks) == len(head) // width else head
    return _whole_lines(head)


def _whole_lines(head: bytes) -> bytes:
    last = end = _line_start(head, len(head))
    is_open = head.count(b'"', 0, end) % 2 == 1
    while is_open and end > 0:
        before = _line_start(head, end - 1)
        is_open ^= head.count(b'"', before, end) % 2 == 1
        end = before
    return head[: end or last or len(head)]


def _line_start(head: bytes, end: int) -> int:
    """Start of the line that contains position `end`; lines end with either mark."""
    return max(head.rfind(b"\n", 0, end), head.rfind(b"\r", 0, end)) + 1


def _copy_rows(source: Path, target: Path) -> None:
    try:
        file = pq.ParquetFile(source)
        if file.metadata.num_rows > HEAD_ROWS:
            batch = next(file.iter_batches(HEAD_ROWS))
            with pq.ParquetWriter(target, file.schema_arrow) as writer:
                writer.write_batch(batch)
            return
    except Exception:  # a damaged file is copied as it is: opening it names what is wrong
        pass
    shutil.copy(source, target)
