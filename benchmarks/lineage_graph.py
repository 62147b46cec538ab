"""The graph of what was made of which: a million table versions and five million reads, against networkx.

    python benchmarks/lineage_graph.py                  a thousand nights of a thousand assets, in a temporary folder
    python benchmarks/lineage_graph.py --nights 50      a quick look

Each night every asset is made of 5 others among the 20 before it, so the last one is made of nearly all; assets of the
first layer read a file. 10 columns each, with a column lineage. The records are appended by the code that keeps every
record. Building and asking are measured in a process of their own for each way, memory as the kernel counted it
(VmHWM). `whole` is a lake whose versions are written whole; in `by day` the assets of the first layer are divided by
day, each night writes one, and the next layer reads that one, so that every walk minds partitions.

networkx is given the same edges, read from the same table of records. Building is in wall seconds, of a machine with
whatever else runs on it, and CPU seconds of all threads; asking in CPU milliseconds, which are those of a quiet
machine. A night more is what `extend` takes for the records of one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

import networkx as nx
import polars as pl

from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.closure import upstream
from recsys_lineage.graph.questions.columns import columns
from recsys_lineage.graph.questions.impact import impact
from recsys_lineage.graph.version_part import Part
from recsys_lineage.graph.walk import walk
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.records.materialization import FORMAT, Code, Materialization, Statement
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import Records
from recsys_lineage.records.table.record_row import SCHEMA, split
from recsys_lineage.records.table.record_table import RecordTable

ASSETS, READS, NEAR, COLUMNS = 1_000, 5, 20, 10
ASKED = 300
_BEGAN = datetime(2020, 1, 1, 3, tzinfo=timezone.utc)
_AT_ONCE = 50
_SCHEMA = tuple(Column(f"c{number}", "BIGINT") for number in range(COLUMNS))
_FIRST = 10
"""Assets of the first layer."""


def night(by_day: bool) -> list[dict]:
    """The records of the first night, as JSON objects."""
    chance = random.Random(7)
    return [_record(asset, by_day, chance) for asset in range(ASSETS)]


def _record(asset: int, by_day: bool, chance: random.Random) -> dict:
    near = range(max(0, asset - NEAR), asset)
    inputs = [] if asset < _FIRST else sorted(chance.sample(near, min(READS, len(near))))
    days = ("day",) if by_day and asset < _FIRST else ()
    reads = [
        Read(
            "table", f"asset_{other}", "f" * 32, version=0, schema=_SCHEMA, rows=1_000,
            partitions=("day",) if by_day and other < _FIRST else None,
        )
        for other in inputs
    ]  # fmt: skip
    if not inputs:
        reads = [Read("file", f"file_{asset}.csv", "0" * 64, root="/data", bytes=1_000)]
    edges = [
        [
            f"asset_{other}",
            f"c{chance.randrange(COLUMNS)}",
            chance.choice(["IDENTITY", "TRANSFORMATION", "FILTER"]),
        ]
        for _ in _SCHEMA
        for other in inputs
    ]
    width = len(inputs)
    places = {column.name: [*range(n * width, (n + 1) * width)] for n, column in enumerate(_SCHEMA)}
    lineage = {"edges": edges, "columns": places}
    code = f"SELECT * FROM asset_{asset}"
    began = _BEGAN + timedelta(seconds=asset)
    made = Materialization(
        id=f"{asset:032}", asset=f"asset_{asset}", partitions=days, status="success", started=began,
        ended=began + timedelta(milliseconds=500), code_version="1", code=Code("sql", code, f"asset_{asset}.sql"),
        reads=tuple(reads), version=0, fingerprint=f"{asset:032}", rows=1_000, schema=_SCHEMA,
        statement=Statement(code), run=Run("0" * 32, "nightly", code_location="shop"), lake="/lake", format=FORMAT,
    ).to_json()  # fmt: skip
    return made | {"column_lineage": lineage}


def grow(lake: Lake, nights: Sequence[int], by_day: bool) -> None:
    """Append the records of some nights."""
    rows = [split(record) for record in night(by_day)]
    texts = {hash_: text for row in rows for hash_, text in row.texts.items()}
    base = pl.DataFrame([row.values for row in rows], schema=SCHEMA)
    for start in range(0, len(nights), _AT_ONCE):
        frames = [_shifted(base, number) for number in nights[start : start + _AT_ONCE]]
        RecordTable(lake).append_rows(pl.concat(frames), texts)


def _shifted(base: pl.DataFrame, number: int) -> pl.DataFrame:
    """The rows of a night, which are those of the first with other ids, times, versions, days and contents of files."""
    prefix = pl.lit(f"{number:06}")
    later = pl.duration(days=number)
    read = pl.element().struct
    is_file = read.field("kind") == "file"
    day = pl.lit([f"day {number}"], pl.List(pl.String))
    reads = read.with_fields(
        pl.when(is_file).then(None).otherwise(pl.lit(number, pl.Int64)).alias("version"),
        pl.when(is_file).then(prefix + read.field("fingerprint").str.slice(6)).otherwise(read.field("fingerprint"))
        .alias("fingerprint"),
        pl.when(read.field("partitions").list.len() > 0).then(day).otherwise(read.field("partitions"))
        .alias("partitions"),
    )  # fmt: skip
    return base.with_columns(
        *((prefix + pl.col(name).str.slice(6)).alias(name) for name in ("id", "run_id", "fingerprint")),
        pl.col("started", "ended") + later,
        pl.lit(number, pl.Int64).alias("version"),
        pl.when(pl.col("partitions").list.len() > 0)
        .then(day)
        .otherwise(pl.col("partitions"))
        .alias("partitions"),
        pl.col("reads").list.eval(reads),
    )


def of_graph(folder: str) -> dict[str, float]:
    """Build the graph of a lake and ask it; to be called in a fresh process."""
    lake = Lake(folder)
    began, cpu = time.perf_counter(), time.process_time()
    graph = LineageGraph.of(Records(lake))
    found: dict[str, float] = {
        "build": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "build_gb": _peak(),
    }
    found |= {"nodes": len(graph), "edges": graph.edges.num_edges()}
    nights = len(graph.versions(graph.named("asset_0")[0]))
    last = graph.named(f"asset_{ASSETS - 1}")[0]
    chance = random.Random(1)
    asked = [chance.randrange(nights) for _ in range(ASKED)]
    nodes = [graph.version(last, number) or 0 for number in asked]
    sources = [graph.version(graph.named("asset_3")[0], number) or 0 for number in asked]
    column = f"c{max(range(COLUMNS), key=lambda number: _reach(graph, sources[0], number))}"
    source = graph.columns.bits(graph.named("asset_3")[0], (column,))
    goal = graph.columns.bits(last, ("c1",))
    _ = graph.views
    found |= _timed("up", lambda place: len(walk(graph, {nodes[place]: Part()}, "up")))
    found |= _timed("down", lambda place: len(walk(graph, {sources[place]: Part()}, "down")))
    found |= _timed("columns_up", lambda p: len(walk(graph, {nodes[p]: Part(goal)}, "up", by_column=True)))
    found |= _timed(
        "columns_down", lambda p: len(walk(graph, {sources[p]: Part(source)}, "down", by_column=True))
    )
    names = [f"asset_{ASSETS - 1}@{number}" for number in asked]
    _ = graph.records
    found |= _timed("upstream", lambda place: len(upstream(graph, names[place]).nodes))
    names_down = [f"asset_3@{number}.{column}" for number in asked]
    found |= _timed("impact", lambda place: len(impact(graph, names_down[place]).assets), 30)
    found |= _timed("column_links", lambda p: len(columns(graph, names_down[p], "down").columns), 10)
    found["peak_gb"] = _peak()
    grow(lake, [nights], by_day=not graph.is_whole)
    began = time.perf_counter()
    assert graph.extend() == ASSETS
    found["extend"] = time.perf_counter() - began
    began = time.perf_counter()
    graph.asof(_BEGAN + timedelta(days=nights // 2))
    found["asof"] = time.perf_counter() - began
    return found


def _reach(graph: LineageGraph, node: int, number: int) -> int:
    """How many versions a column of a version came into."""
    bits = graph.columns.bits(graph.views.table[node], (f"c{number}",))
    return len(walk(graph, {node: Part(bits)}, "down", by_column=True))


def of_networkx(folder: str) -> dict[str, float]:
    """The same edges in networkx, and the same closures."""
    began, cpu = time.perf_counter(), time.process_time()
    frame, _ = Records(Lake(folder)).table(columns=["asset", "version", "reads"])
    graph = nx.DiGraph()
    reads = frame.explode("reads").unnest("reads", separator=".").select(
        source=pl.concat_str("reads.name", pl.coalesce("reads.version", "reads.fingerprint"), separator="@"),
        target=pl.concat_str("asset", "version", separator="@"),
    )  # fmt: skip
    graph.add_edges_from(reads.iter_rows())
    found: dict[str, float] = {
        "build": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "build_gb": _peak(),
    }
    found |= {"nodes": len(graph), "edges": graph.number_of_edges()}
    nights = frame["version"].n_unique()
    chance = random.Random(1)
    asked = [chance.randrange(nights) for _ in range(ASKED)]
    found |= _timed("up", lambda place: len(nx.ancestors(graph, f"asset_{ASSETS - 1}@{asked[place]}")))
    found |= _timed("down", lambda place: len(nx.descendants(graph, f"asset_3@{asked[place]}")))
    return found | {"peak_gb": _peak()}


def _timed(name: str, ask: Callable[[int], int], times: int = ASKED) -> dict[str, float]:
    """Median and 99th percentile of CPU milliseconds of asking, and the mean size of the answers."""
    took, sizes = [], []
    for place in range(times):
        began = time.thread_time()
        sizes.append(ask(place))
        took.append((time.thread_time() - began) * 1e3)
    took.sort()
    return {
        f"{name}_ms": statistics.median(took),
        f"{name}_p99": took[min(len(took) - 1, int(len(took) * 0.99))],
        f"{name}_size": statistics.mean(sizes),
    }


def _peak() -> float:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024 / 1e9


def in_process(way: str, folder: str) -> dict[str, float]:
    """One way to build and ask, in a process of its own."""
    command = [sys.executable, __file__, way, folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


_QUESTIONS = {
    "up": "upstream closure",
    "down": "downstream closure",
    "columns_up": "columns upstream of one",
    "columns_down": "columns downstream of one",
    "upstream": "`upstream` with its nodes and links in words",
    "impact": "`impact` of a column of a version, with the order to rebuild",
    "column_links": "`columns` downstream of one, with their links in words",
}


def measured(folder: Path, nights: int) -> Iterator[str]:
    """The lines of the table of figures, as they are found."""
    for kind, by_day in (("whole", False), ("by day", True)):
        uri = str(folder / kind.replace(" ", "_"))
        grow(Lake(uri), range(nights), by_day)
        Records(Lake(uri)).compact()
        ways = {"rustworkx": in_process("--graph", uri)} | (
            {} if by_day else {"networkx": in_process("--networkx", uri)}
        )
        for way, found in ways.items():
            yield (
                f"| {kind}, {way} | {found['nodes']:,.0f} nodes, {found['edges']:,.0f} edges built | "
                f"{found['build']:.1f} s, {found['cpu']:.1f} s CPU, peak {found['build_gb']:.2f} GB |"
            )
            for name, words in _QUESTIONS.items():
                if f"{name}_ms" in found:
                    yield (
                        f"| {kind}, {way} | {words}, {found[f'{name}_size']:,.0f} | "
                        f"{found[f'{name}_ms']:.2f} ms, p99 {found[f'{name}_p99']:.2f} |"
                    )
            if "extend" in found:
                yield f"| {kind}, {way} | a night more, {ASSETS:,} records | {found['extend'] * 1e3:.0f} ms |"
                yield f"| {kind}, {way} | as of half the nights | {found['asof']:.1f} s |"
            yield f"| {kind}, {way} | peak with all questions | {found['peak_gb']:.2f} GB |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=1_000, help=f"how many nights of {ASSETS:,} assets")
    parser.add_argument(
        "--folder", type=Path, help="where the lakes are made; a temporary folder when left out"
    )
    parser.add_argument("--graph", metavar="LAKE", help="only build and ask the graph; prints JSON")
    parser.add_argument("--networkx", metavar="LAKE", help="only build and ask networkx; prints JSON")
    arguments = parser.parse_args()
    if arguments.graph or arguments.networkx:
        print(json.dumps(of_graph(arguments.graph) if arguments.graph else of_networkx(arguments.networkx)))
        return
    names = ("rustworkx", "networkx", "polars", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
          f"{platform.python_version()}, {versions}\n")  # fmt: skip
    print("| lake | what | cost |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as name:
        for line in measured(arguments.folder or Path(name), arguments.nights):
            print(line, flush=True)


if __name__ == "__main__":
    main()
