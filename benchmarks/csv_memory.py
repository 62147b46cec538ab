"""Peak memory of loading CSV files of some gigabytes, against the limit that was set.

    python -m benchmarks.csv_memory                               0.5 and 2 GB, limits of 2 GB and 512 MB
    python -m benchmarks.csv_memory --gb 0.1 --limits 512MB       a quick look
    python -m benchmarks.csv_memory --sql joined distinct         SQL that joins a lookup, and SQL that is DISTINCT
    python -m benchmarks.csv_memory --files 6250 25000 100000     that many files of one line

Each line is one file, which `source_files` and `raw_events` read through Dagster, the lake and its records in a process
of their own with an empty home. The events of 28 days follow one another by time, as an export has them; `--mixed` has
the days in turns, so that all partitions are written at once. Quoted rows have every field in quotes, and now and then
a text of two lines. The peak is the resident memory of the process tree, sampled ten times a second, and is to be at
most the limit of DuckDB and 500 MB for all else: interpreter, libraries and the rows that are being read. `growth` is
the peak over that of the smallest file with the same rows and limit. Nothing of a run is to be left in the temporary
folder; `left` counts it.

Many files are loaded in three nights, each a process of its own on the same home: the first, one in which nothing
changed, and one with one more file. `exponent` is the x of CPU seconds ~ filesˣ, from the line before.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from benchmarks.platform.child import Measured, machine, measure, say

ALLOWANCE_GB = 0.5
_ROWS, _DAYS = 20_000, 28
_COLUMNS = "event_time, user_id, item_id, order_id, quantity, unit_price, _file, _line"
_SQL = f"""-- Every line of the export.
SELECT {_COLUMNS} FROM read_csv('*.csv')
"""
_LOOKUP = "lookup.txt"
SHAPES = {
    "plain": _SQL,
    "joined": "SELECT e.event_time, e.user_id, l.item AS item_id, e.order_id, e.quantity, e.unit_price, "
    f"e._file, e._line FROM read_csv('export.csv') AS e JOIN read_csv('{_LOOKUP}') AS l ON e.item_id = l.code",
    "distinct": f"SELECT DISTINCT {_COLUMNS} FROM read_csv('*.csv')",
    "grouped": "SELECT event_time, user_id, item_id, order_id, sum(quantity::INTEGER) AS quantity, "
    "max(unit_price::DOUBLE) AS unit_price, min(_file) AS _file, min(_line) AS _line FROM read_csv('*.csv') "
    "GROUP BY event_time, user_id, item_id, order_id",
}
"""The source's SQL, by what it does to the lines."""
_UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9}


@dataclass(frozen=True)
class Loaded:
    """What loading one file cost; gigabytes of 10^9 bytes."""

    gb: float
    quoted: bool
    shape: str
    limit: str
    rows: int
    peak_gb: float
    seconds: float
    cpu_seconds: float
    left: int

    @property
    def allowed_gb(self) -> float:
        """The limit and what is allowed besides."""
        return gigabytes(self.limit) + ALLOWANCE_GB


def gigabytes(limit: str) -> float:
    """A limit such as `512MB` in 10^9 bytes."""
    return float(limit[:-2]) * _UNITS[limit[-2:].upper()] / 1e9


def write_export(path: Path, gb: float, *, quoted: bool, mixed: bool = False) -> None:
    """A CSV file of about that size: the same 20,000 events again and again, on another day."""
    n = pl.int_range(_ROWS, eager=True)
    note = pl.Series([f"left at the door, number {i * 7919 % _ROWS}" for i in range(_ROWS)])
    if quoted:
        note[_ROWS // 2] = "two\nlines"
    frame = pl.DataFrame(
        {
            "event_time": "@day@ " + (n % 24).cast(pl.String).str.zfill(2) + ":30:15",
            "user_id": "customer-" + (n * 31 % 5_021).cast(pl.String),
            "item_id": "article-" + (n * 17 % 997).cast(pl.String),
            "order_id": "order-" + n.cast(pl.String),
            "quantity": n % 5 + 1,
            "unit_price": (n % 997) / 100,
            "note": note if quoted else note.str.replace(",", ""),
        }
    )
    style = "always" if quoted else "necessary"
    lines = frame.write_csv(include_header=False, quote_style=style).encode()
    days = [lines.replace(b"@day@", f"2024-02-{day:02}".encode()) for day in range(1, _DAYS + 1)]
    with path.open("wb") as file:
        file.write(frame.clear().write_csv(quote_style=style).encode())
        number = 0
        while (done := file.tell() / (gb * 1e9)) < 1:
            file.write(days[number % _DAYS if mixed else int(done * _DAYS)])
            number += 1


def loaded(
    folder: Path, gb: float, quoted: bool, shape: str, limits: list[str], *, mixed: bool
) -> Iterator[Loaded]:
    """What loading one file costs, with each limit."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        data, source = Path(name) / "data", Path(name) / "source"
        data.mkdir()
        source.mkdir()
        (source / "raw_events.sql").write_text(SHAPES[shape])
        items = "".join(f"article-{n},product-{n}\n" for n in range(997))
        (data / _LOOKUP).write_text(f"code,item\n{items}")
        write_export(data / "export.csv", gb, quoted=quoted, mixed=mixed)
        for limit in limits:
            say(f"{gb:g} GB, {'quoted' if quoted else 'plain'}, {shape}, {limit}")
            with tempfile.TemporaryDirectory(dir=folder) as home:
                spilled = Path(home) / "tmp"
                spilled.mkdir()
                settings = {
                    "RECSYS_HOME": f"{home}/home",
                    "RECSYS_SOURCE": str(source),
                    "RECSYS_DATA": str(data),
                    "RECSYS_MEMORY_LIMIT": limit,
                    "TMPDIR": str(spilled),
                }
                command = [sys.executable, "-m", "benchmarks.platform.in_process", "raw"]
                cost = measure(command, settings, Path(home))
                found = json.loads(cost.output.splitlines()[-1])
                left = sum(path.is_file() for path in spilled.glob("duckdb-*/**/*"))
                yield Loaded(
                    gb,
                    quoted,
                    shape,
                    limit,
                    found["rows"]["raw_events"],
                    cost.peak_gb,
                    cost.seconds,
                    cost.cpu_seconds,
                    left,
                )


def write_lines(folder: Path, files: range) -> None:
    """Files of one event each, over three months."""
    for n in files:
        day = f"2024-{1 + n % 3:02}-{1 + n // 3 % 28:02} 10:00:{n % 60:02}"
        (folder / f"e-{n:06}.csv").write_text(
            f"event_time,user_id,item_id,order_id,quantity,unit_price\n{day},u{n % 5021},i{n % 997},o{n},1,2.5\n"
        )


def many_files(folder: Path, files: int, limit: str) -> Iterator[tuple[str, Measured]]:
    """What three nights with many files cost, each by its name."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        data, source = Path(name) / "data", Path(name) / "source"
        data.mkdir()
        source.mkdir()
        (source / "raw_events.sql").write_text(_SQL)
        write_lines(data, range(files))
        settings = {
            "RECSYS_HOME": f"{name}/home",
            "RECSYS_SOURCE": str(source),
            "RECSYS_DATA": str(data),
            "RECSYS_MEMORY_LIMIT": limit,
        }
        command = [sys.executable, "-m", "benchmarks.platform.in_process", "--reuse", "raw"]
        for night in ("first", "nothing changed", "one file more"):
            say(f"{files:,} files, {night}")
            if night == "one file more":
                write_lines(data, range(files, files + 1))
            yield night, measure(command, settings, Path(name))


def print_many_files(folder: Path, counts: list[int], limit: str) -> None:
    """Print the table of many files."""
    print("| files | night | peak | seconds | CPU s | exponent |")
    print("|---|---|---|---|---|---|", flush=True)
    before: dict[str, tuple[int, float]] = {}
    for files in sorted(counts):
        for night, cost in many_files(folder, files, limit):
            exponent = ""
            if night in before:
                fewer, cpu = before[night]
                exponent = f"{math.log(cost.cpu_seconds / cpu) / math.log(files / fewer):.2f}"
            before[night] = files, cost.cpu_seconds
            print(
                f"| {files:,} | {night} | {cost.peak_gb:.2f} GB | {cost.seconds:.0f} | {cost.cpu_seconds:.0f} "
                f"| {exponent} |",
                flush=True,
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--gb", type=float, nargs="+", default=[0.5, 2.0], help="sizes of the file, 10^9 bytes"
    )
    parser.add_argument("--limits", nargs="+", default=["2GB", "512MB"], help="of RECSYS_MEMORY_LIMIT")
    parser.add_argument(
        "--folder", type=Path, help="where files are made; the temporary folder when left out"
    )
    parser.add_argument("--mixed", action="store_true", help="the days in turns")
    parser.add_argument("--sql", nargs="+", default=["plain"], choices=SHAPES, help="of the source")
    parser.add_argument("--files", type=int, nargs="+", help="this many files of a line instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    asked = parser.parse_args()
    where = machine()
    folder = asked.folder or Path(tempfile.gettempdir())
    if not asked.json:
        print("\n".join(f"{name}: {value}" for name, value in where.items()), end="\n\n")
    if asked.files:
        print_many_files(folder, asked.files, asked.limits[-1])
        return
    if not asked.json:
        print("| file | rows | limit | peak | at most | growth | seconds | CPU s | left |")
        print("|---|---|---|---|---|---|---|---|---|", flush=True)
    every: list[Loaded] = []
    for gb in sorted(asked.gb):
        for quoted, shape in [(quoted, shape) for quoted in (False, True) for shape in asked.sql]:
            for one in loaded(folder, gb, quoted, shape, asked.limits, mixed=asked.mixed):
                every.append(one)
                small = next(
                    o for o in every if (o.quoted, o.shape, o.limit) == (one.quoted, one.shape, one.limit)
                )
                if not asked.json:
                    print(
                        f"| {gb:g} GB {'quoted' if quoted else 'plain'} {shape} | {one.rows:,} | {one.limit} "
                        f"| {one.peak_gb:.2f} GB | {one.allowed_gb:.2f} GB | {one.peak_gb / small.peak_gb:.2f} "
                        f"| {one.seconds:.0f} | {one.cpu_seconds:.0f} | {one.left} |",
                        flush=True,
                    )
    if asked.json:
        print(json.dumps({**where, "loaded": [asdict(one) for one in every]}))


if __name__ == "__main__":
    main()
