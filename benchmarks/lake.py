"""What a lake costs: against bare DuckDB and delta-rs's own writer, as rows, versions and writers grow.

Run `python benchmarks/lake.py`; `--rows`, `--versions` and `--json` are there for a quicker look.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pyarrow as pa

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.fingerprint import partition_fingerprints
from recsys_lineage.lake.lake import Lake

ENGINE = Engine(memory_limit="4GB", threads=2)
# What a day of shop events looks like: ids, a price, a time, a short text; 365 days.
EVENTS = """
SELECT i AS event_id, (hash(i) % 100000)::BIGINT AS user_id, (hash(i + 1) % 90000)::BIGINT AS item_id,
       (hash(i + 2) % 10000 / 100)::DECIMAL(8,2) AS price, 'store ' || (i % 300) AS store,
       TIMESTAMP '2017-01-01' + to_seconds(i % 31536000) AS bought, (i * 365) // {rows} AS day
FROM range({rows}) t(i)
"""


PARQUET = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd"


def seconds(work: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(work: Callable[[], Any], times: int = 3) -> float:
    """The shortest of several calls, in seconds."""
    return min(seconds(work) for _ in range(times))


def writing_and_reading(folder: Path, rows: int, partitioned: bool, with_deltalake: bool) -> dict[str, float]:
    """Seconds to write, fingerprint and read a table of events, by each writer and reader."""
    lake = Lake(str(folder / "lake"), ENGINE)
    by = "day" if partitioned else None
    found: dict[str, float] = {}
    with lake.connect() as db:
        db.execute(f"CREATE TABLE events AS {EVENTS.format(rows=rows)}")
        layout = ", PARTITION_BY (day), OVERWRITE_OR_IGNORE" if by else ""
        target = folder / ("copy" if by else "copy.parquet")
        found["write: DuckDB COPY"] = best(
            lambda: db.execute(f"COPY events TO '{target}' ({PARQUET}{layout})").fetchall()
        )
        found["write: Lake.write"] = best(
            lambda: lake.write("events", "FROM events", connection=db, partition_by=by)
        )
        if with_deltalake:
            found["write: write_deltalake"] = seconds(
                lambda: deltalake.write_deltalake(
                    str(folder / "delta"),
                    db.sql("FROM events").to_arrow_reader(),
                    mode="overwrite",
                    partition_by=[by] if by else None,
                )
            )
        latest = lake.version("events")
        relation = lake.relation(latest)
        source = f"read_parquet('{target}/**/*.parquet')" if by else f"read_parquet('{target}')"
        total = "SELECT sum(price), sum(user_id), count(DISTINCT store), max(bought) FROM"
        found["of which fingerprint"] = best(lambda: partition_fingerprints(db, relation, latest.schema, by))
        found["read: bare Parquet"] = best(lambda: db.sql(f"{total} {source}").fetchall())
        found["read: Lake.relation"] = best(lambda: db.sql(f"{total} {lake.relation(latest)}").fetchall())
    shutil.rmtree(folder)
    return found


def versions(folder: Path, commits: int, partitions: int) -> dict[str, float]:
    """Milliseconds a call on a table of many versions."""
    lake = Lake(str(folder / "lake"), ENGINE)
    by = "day" if partitions else None
    took: list[float] = []
    with lake.connect() as db:
        if by:
            lake.write(
                "t", f"SELECT i AS n, i AS day FROM range({partitions}) t(i)", connection=db, partition_by=by
            )
        for number in range(commits):
            day = number % (partitions or 1)
            query = f"SELECT {number}::BIGINT AS n, {day}::BIGINT AS day"
            keys = [str(day)] if by else None
            start = time.perf_counter()
            lake.write("t", query, connection=db, partition_by=by, partitions=keys)
            took.append(time.perf_counter() - start)
    latest = lake.version("t")
    found = {
        "write, first 50": statistics.median(took[:50]),
        "write, last 50": statistics.median(took[-50:]),
        "version()": best(lambda: lake.version("t")),
        "version(n)": best(lambda: lake.version("t", commits // 2)),
        "latest()": best(lambda: lake.latest("t")),
        "versions()": best(lambda: lake.versions("t")),
        "relation()": best(lambda: lake.relation(latest)),
    }
    shutil.rmtree(folder)
    return {name: took * 1000 for name, took in found.items()}


def _commit(uri: str, writer: int, commits: int, ready: Any) -> None:
    lake = Lake(uri, Engine(memory_limit="500MB", threads=1))
    ready.wait()
    for number in range(commits):
        key = f"{writer}-{number}"
        with lake.connect() as db:
            lake.write("t", f"SELECT 1 AS i, '{key}' AS p", connection=db, partition_by="p", partitions=[key])


def concurrency(folder: Path, writers: int, commits: int) -> float:
    """Commits a second when several processes write partitions of one table; fails when one is lost."""
    uri = str(folder / "lake")
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(writers + 1)
    running = [spawn.Process(target=_commit, args=(uri, n, commits, ready)) for n in range(writers)]
    for process in running:
        process.start()
    ready.wait()

    def finish() -> None:
        for process in running:
            process.join()

    took = seconds(finish)
    found = Lake(uri, ENGINE).version("t")
    assert found.rows == len(found.partitions) == writers * commits, "a commit was lost"
    shutil.rmtree(folder)
    return writers * commits / took


def machine() -> dict[str, str]:
    """Where the figures come from."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GiB, {model}",
        "load": f"{os.getloadavg()[0]:.1f} when this began",
        "versions": f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, "
        f"deltalake {version('deltalake')}, PyArrow {pa.__version__}",
    }


def table(title: str, unit: str, columns: dict[str, dict[str, float]]) -> None:
    """Print measurements, one column a setting."""
    names = list(dict.fromkeys(name for found in columns.values() for name in found))
    print(f"\n{title} ({unit})")
    print(f"{'':26}" + "".join(f"{column:>16}" for column in columns))
    for name in names:
        cells = (f"{found[name]:>16.3f}" if name in found else f"{'':>16}" for found in columns.values())
        print(f"{name:26}" + "".join(cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of the comparison of writers")
    parser.add_argument("--growth", type=int, default=1_000_000, help="rows at 1x; 4x and 16x follow")
    parser.add_argument("--versions", type=int, default=1000, help="versions of one table")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "bench")

        def events(rows: int, partitioned: bool, with_deltalake: bool) -> dict[str, float]:
            folder.mkdir()
            return writing_and_reading(folder, rows, partitioned, with_deltalake)

        found = {
            f"{asked.rows:,} rows (s)": {
                "one file": events(asked.rows, False, True),
                "365 partitions": events(asked.rows, True, True),
            },
            "Growth (s)": {
                f"{asked.growth * times / 1e6:g}M rows": events(asked.growth * times, False, False)
                for times in (1, 4, 16)
            },
            "Versions of a small table (ms a call)": {
                f"{asked.versions} versions": versions(folder, asked.versions, 0),
                "365 partitions": versions(folder, min(asked.versions, 200), 365),
            },
            "Processes committing partitions of one table (commits a second)": {
                f"{writers} writers": {"commits": concurrency(folder, writers, 20)}
                for writers in (1, 2, 4, 6)
            },
        }
    where = machine()
    if asked.json:
        print(json.dumps({**where, **found}))
        return
    print("\n".join(f"{name}: {text}" for name, text in where.items()))
    for title, columns in found.items():
        name, unit = title.rsplit(" (", 1)
        table(name, unit.rstrip(")"), columns)


if __name__ == "__main__":
    main()
