"""Records in bulk: reading a million into columns, reading what is new, and what a night's records cost.

    python benchmarks/records.py                 a lake of a million records in a temporary folder
    python benchmarks/records.py --records 60000

Nights of 60 assets with 5 reads each, appended by the code that keeps every record, 50,000 in a commit. Most of them
are the rows of 100 nights with new ids, times, versions and fingerprints, so that making them does not take hours.
Reading all is measured in a process of its own, its memory as the kernel counted it (VmHWM). CPU seconds are those of
all threads, and medians. Wall seconds are of a machine with whatever else runs on it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import polars as pl

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.records.materialization import (
    FORMAT,
    Code,
    Materialization,
    Statement,
    Written,
    WrittenColumn,
    WrittenPartition,
)
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.engine_versions import engine_versions
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import Records
from recsys_lineage.records.table.record_row import SCHEMA, split
from recsys_lineage.records.table.record_table import TABLE, RecordTable
from recsys_lineage.records.table.texts import TABLE as TEXTS_TABLE

ASSETS, READS, NEW = 60, 5, 100
_NIGHTS, _AT_ONCE, _REPEATS = 100, 50_000, 3
_BEGAN = datetime(2000, 1, 1, 3, tzinfo=timezone.utc)
_CODE_LINES = 70
_RELEASE = 7
"""Nights after which an asset's code is another."""
_SCHEMA = tuple(Column(f"column_{number}", "VARCHAR" if number % 3 else "BIGINT") for number in range(10))


def night(number: int) -> list[Materialization]:
    """The records of one night: 60 assets, each with a text of code of about 3,600 characters and 5 reads."""
    began = _BEGAN + timedelta(days=number)
    return [_record(number, asset, began + timedelta(seconds=asset)) for asset in range(ASSETS)]


def _record(number: int, asset: int, began: datetime) -> Materialization:
    release = number // _RELEASE if asset % 10 == number // _RELEASE % 10 else asset
    code = "\n".join(
        f"    column_{line} = asset_{asset}(release={release}, line={line})" for line in range(_CODE_LINES)
    )
    fingerprint, day = _hex(number, asset), f"{began:%Y-%m-%d}"
    return Materialization(
        id=_hex(number, asset, "id"),
        asset=f"asset_{asset}",
        partitions=(day,) if asset % 4 == 0 else (),
        status="success",
        started=began,
        ended=began + timedelta(seconds=1.5),
        code_version=_hex(release, asset)[:16],
        code=Code("sql", code, f"/project/sql/asset_{asset}.sql:1", "duckdb"),
        reads=tuple(_read(number, (asset + other) % ASSETS, day) for other in range(1, READS + 1)),
        version=number,
        fingerprint=fingerprint,
        rows=100_000 + number,
        schema=_SCHEMA,
        parameters={"days": 30, "until": began},
        statistics={"rows before": 99_000 + number, "share": number / 7},
        statement=Statement(code, {"days": 30}),
        written=Written(
            bytes=1_000_000 + number,
            files=1,
            partition_column="day" if asset % 4 == 0 else None,
            partitions={day: WrittenPartition(1_000, 50_000, fingerprint, number)} if asset % 4 == 0 else {},
            columns={column.name: WrittenColumn(10_000 + number, 0) for column in _SCHEMA},
            hashed_by="sum of DuckDB 1.5 hashes",
        ),
        checks=(CheckOutcome("has_rows", True, f"{100_000 + number} rows", True, "it has rows"),),
        run=Run(
            _hex(number, "run"),
            "nightly",
            f"asset_{asset}",
            code_location="shop",
            started=began,
            schedule="night",
        ),
        lake="/project/.recsys/lake",
        engine=engine_versions(),
        git_commit=_hex(number // _RELEASE)[:40],
        git_dirty=False,
        format=FORMAT,
    )


def _read(number: int, asset: int, day: str) -> Read:
    return Read(
        "table",
        f"asset_{asset}",
        _hex(number, asset),
        version=number,
        schema=_SCHEMA,
        columns=("column_0", "column_1", "column_4", "column_7") if asset % 2 else None,
        partitions=(day,) if asset % 4 == 0 else None,
        rows=100_000 + number,
        bytes=1_000_000 + number,
        hashed_by="sum of DuckDB 1.5 hashes",
    )


def _hex(*parts: object) -> str:
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def grow(table: RecordTable, have: int, until: int) -> None:
    """Append rows until the table has had `until` of them by this function, which has appended `have` before."""
    rows = [split(record.to_json()) for number in range(_NIGHTS) for record in night(number)]
    texts = {hash_: text for row in rows for hash_, text in row.texts.items()}
    base = pl.DataFrame([row.values for row in rows], schema=SCHEMA)
    while have < until:
        upto = min(have + _AT_ONCE, until)
        place = pl.Series("place", range(have, upto))
        frame = base[place % base.height].with_columns((place // base.height).alias("copy"))
        prefix = pl.col("copy").cast(pl.String).str.zfill(6)
        nights = pl.col("copy").cast(pl.Int64) * _NIGHTS
        frame = frame.with_columns(
            (prefix + pl.col("id").str.slice(6)).alias("id"),
            (prefix + pl.col("fingerprint").str.slice(6)).alias("fingerprint"),
            (pl.col("version") + nights).alias("version"),
            *((pl.col(time_) + pl.duration(days=nights)).alias(time_) for time_ in ("started", "ended")),
        )
        reads = (
            frame.select("copy", "reads", pl.int_range(pl.len()).alias("row"))
            .explode("reads")
            .with_columns(
                pl.col("reads").struct.with_fields(
                    (prefix + pl.field("fingerprint").str.slice(6)).alias("fingerprint"),
                    (pl.field("version") + nights).alias("version"),
                )
            )
            .group_by("row", maintain_order=True)
            .agg("reads")
        )
        frame = frame.with_columns(reads["reads"]).drop("copy")
        table.append_rows(frame.select(list(SCHEMA)), texts)
        have = upto


def cpu_seconds(what: Callable[[], object]) -> float:
    """CPU seconds of all threads that a call takes."""
    began = time.process_time()
    what()
    return time.process_time() - began


def night_costs(lakes: Sequence[tuple[Lake, int]]) -> list[float]:
    """CPU seconds of appending the records of one night to each of some lakes.

    Record by record and by turns, for the machine is not as busy in one second as in another.

    Args:
        lakes: each lake, and the night's number in it.
    """
    costs = [0.0] * len(lakes)
    for records in zip(*(night(number) for _, number in lakes), strict=True):
        for place, record in enumerate(records):
            costs[place] += cpu_seconds(partial(Records(lakes[place][0]).append, [record]))
    return costs


def looked_up(lake: Lake, number: int) -> None:
    """Look up what a night does: the last runs of ten assets, a version at a time, known runs, and decisions.

    Args:
        lake: the lake of the records.
        number: the night after which it is.
    """
    now = _BEGAN + timedelta(days=number)
    lake.clock = lambda: now
    records = Records(lake)
    for asset in range(10):
        records.history(f"asset_{asset}", 30)
    records.id_at("asset_0", now)
    records.ids_since("run", now - timedelta(days=30))
    records.decisions()


def read_all(folder: str) -> dict[str, float]:
    """Read all records into columns; to be called in a fresh process."""
    began, cpu = time.perf_counter(), time.process_time()
    frame, _ = Records(Lake(folder)).table()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert frame["reads"].list.len().sum() >= frame.height * (READS - 1)
    return {
        "records": frame.height,
        "seconds": seconds,
        "cpu": cpu,
        "peak_gb": int(status["VmHWM"].split()[0]) * 1024 / 1e9,
    }


def in_process(folder: str) -> dict[str, float]:
    """`read_all` in a process of its own."""
    command = [sys.executable, __file__, "--read-all", folder]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(folder: Path, most: int) -> Iterator[str]:
    """The lines of the table of figures, as they are found."""
    lake, young = Lake(str(folder / "lake")), Lake(str(folder / "young"))
    table, records = RecordTable(lake), Records(lake)
    grow(RecordTable(young), 0, 10 * ASSETS)
    have = 0
    for size in sorted({*(10**power for power in range(3, 7) if 10**power <= most), most}):
        grow(table, have, size)
        records.compact()
        have = size
        next_ = size // ASSETS
        costs = [night_costs([(lake, next_ + n), (young, size + n)]) for n in range(_REPEATS)]
        cost, tenth = (statistics.median(way) for way in zip(*costs, strict=True))
        yield (
            f"| a night of {ASSETS} records after {size:,} | {cost:.2f} s CPU; in turns the tenth night {tenth:.2f}: "
            f"{cost / tenth:.2f} times |"
        )
        _, cursor = records.table(columns=["id"])
        last = next_ + _REPEATS
        records.append([record for number in (last, last + 1) for record in night(number)][:NEW])
        new = statistics.median(cpu_seconds(partial(records.read, cursor)) for _ in range(_REPEATS))
        assert len(records.read(cursor)[0]) == NEW
        yield f"| {NEW} new records after {size:,} | {new * 1e3:.0f} ms CPU |"
        asks = [
            [cpu_seconds(partial(looked_up, *each)) for each in ((lake, last + 1), (young, size + _REPEATS))]
            for _ in range(_REPEATS)
        ]
        cost, tenth = (statistics.median(way) for way in zip(*asks, strict=True))
        yield (
            f"| what a night looks up after {size:,} | {cost * 1e3:.0f} ms CPU; in turns after the tenth "
            f"{tenth * 1e3:.0f} ms |"
        )
        idle = statistics.median(cpu_seconds(records.sync) for _ in range(_REPEATS))
        yield f"| sync with nothing new after {size:,} | {idle * 1e3:.1f} ms CPU |"
    found = in_process(lake.uri)
    size = sum(lake.version(name).bytes for name in (TABLE, TEXTS_TABLE)) / 1e6
    yield (
        f"| {found['records']:,} records into columns | {found['seconds']:.1f} s, {found['cpu']:.1f} s CPU, "
        f"peak {found['peak_gb']:.2f} GB |"
    )
    yield f"| their files | {lake.version(TABLE).files} of {size:.0f} MB |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000, help="how many")
    parser.add_argument("--read-all", metavar="LAKE", help="only read the records of a lake; prints JSON")
    parser.add_argument(
        "--folder", type=Path, help="where the lake is made; a temporary folder when left out"
    )
    arguments = parser.parse_args()
    if arguments.read_all:
        print(json.dumps(read_all(arguments.read_all)))
        return
    versions = ", ".join(f"{name} {version}" for name, version in engine_versions().items())
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {versions}\n")
    print("| what | cost |\n|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as name:
        for line in measured(arguments.folder or Path(name), arguments.records):
            print(line, flush=True)


if __name__ == "__main__":
    main()
