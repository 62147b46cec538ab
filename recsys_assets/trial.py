"""Trial: a source tried on the first rows of some of its files; nothing is written."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq

from recsys_assets.assets.reconciliation import CLEAN_OF
from recsys_assets.assets.rejections import rejections
from recsys_assets.assets.source_files import given_rows, tomorrow
from recsys_assets.assets.source_folder import SourceFolder
from recsys_assets.source import Source
from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.files import list_files, open_scan
from recsys_lineage.lake.engine import Engine

HEAD_BYTES = 4 << 20
"""How much of a text file is looked at."""
HEAD_ROWS = 20_000
"""How many rows of a Parquet file are looked at."""
FILES_OF_A_SCAN = 3


@dataclass(frozen=True)
class TriedScan:
    """A scan of the source: how many files its pattern fits, which were looked at, and what is wrong with them."""

    scan: str
    files: int
    looked_at: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """Rows refused for one reason: how many, an example with its file and line, and what would read them."""

    rows: int
    example: str
    hint: str = ""


@dataclass(frozen=True)
class TriedTable:
    """A raw table and the clean one made of it.

    Attributes:
        table: the raw table.
        read: rows of it, of the rows that were looked at.
        accepted: how many of them the clean table holds or has put together.
        rejected: reason → the rows refused for it, most rows first.
        sample: up to three clean rows.
    """

    table: str
    read: int
    accepted: int
    rejected: Mapping[str, Refused]
    sample: pl.DataFrame


@dataclass(frozen=True)
class Trial:
    """What came of trying a source."""

    scans: tuple[TriedScan, ...]
    tables: tuple[TriedTable, ...]
    days: int

    @property
    def is_good(self) -> bool:
        """Whether every scan has files without a fault and some events are accepted."""
        events = next(table for table in self.tables if table.table == "raw_events")
        return bool(events.accepted) and all(scan.files and not scan.faults for scan in self.scans)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        tables = {
            table.table: {
                "read": table.read,
                "accepted": table.accepted,
                "rejected": {reason: asdict(refused) for reason, refused in table.rejected.items()},
            }
            for table in self.tables
        }
        return {
            "good": self.is_good,
            "days": self.days,
            "scans": [asdict(s) for s in self.scans],
            "tables": tables,
        }


def try_source(folder: SourceFolder) -> Trial:
    """Loads the first rows of the first, a middle and the last file of each scan, up to the clean tables, in memory.

    Raises:
        NoFiles: the data folder is missing, or holds no file of the source.
        LineageError: the source's SQL fails.
    """
    source = folder.source
    with tempfile.TemporaryDirectory() as place:
        heads = Path(place, "data")
        listed = folder.paths()
        if not any(listed.values()):
            raise folder.no_files()
        chosen = {named: _spread(paths) for named, paths in listed.items()}
        for path in {path for paths in chosen.values() for path in paths}:
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
                faults = tuple(str(fault).replace(str(heads), str(folder.root)) for fault in opened.faults)
                scans.append(TriedScan(str(named.scan), len(listed[named]), tuple(paths), faults))
            days = _register_days(connection, source, {path for paths in chosen.values() for path in paths})
            return Trial(tuple(scans), tuple(_tables(connection, source)), days)


def _register_days(connection: duckdb.DuckDBPyConnection, source: Source, paths: Iterable[str]) -> int:
    """Makes `file_days`, as loading does; returns how many days the events are of."""

    ask = partial(_ask, connection)
    found = {path: given.days for path, given in given_rows(source, ask, tomorrow()).items()}
    first = {path: (found.get(path) or [date.today()])[0] for path in paths}
    frame = pl.DataFrame(
        {"_file": list(first), "day": list(first.values())}, schema={"_file": pl.String, "day": pl.Date}
    )
    connection.register("file_days", frame)
    return len({day for days in found.values() for day in days})


def _ask(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> pl.DataFrame:
    return connection.sql(sql, params=parameters_of(sql, values)).pl()


def _tables(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterable[TriedTable]:
    values = source.raw_parameters(tomorrow())
    for raw in CLEAN_OF:
        sql = source.query(raw)
        connection.execute(f"CREATE TEMP TABLE {raw} AS {sql}", parameters_of(sql, values))
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
            each.reason: each.hint for each in rejections(raw, partial(_ask, connection), source.parameters())
        }
        rejected = {
            reason: Refused(count, example, hints.get(reason, "")) for reason, count, example in reasons
        }
        sample = connection.sql(f"SELECT * FROM {clean} LIMIT 3").pl()
        accepted = read - sum(each.rows for each in rejected.values())
        yield TriedTable(raw, read, accepted, rejected, sample)


def _spread(paths: list[str]) -> list[str]:
    """The first, the middle and the last."""
    last = len(paths) - 1
    return [paths[place] for place in sorted({0, last // 2, last})][:FILES_OF_A_SCAN] if paths else []


def _copy_head(source: Path, target: Path) -> None:
    """The first rows of a file: of text up to a line's end, of Parquet whole rows. What cannot be cut is copied."""
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
    head = head[: head.rfind(b"\n") + 1] if len(head) == HEAD_BYTES else head
    target.write_bytes(gzip.compress(head, 1) if packed else head)


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
