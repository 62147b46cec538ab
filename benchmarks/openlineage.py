"""OpenLineage events: how fast records become events, and where the time goes.

    python benchmarks/openlineage.py translate                   20,000 records of nights, as a stream, into a file
    python benchmarks/openlineage.py translate --records 2000    a quick look

Nights of 60 assets with 5 reads of 10 columns each, every column with 6 edges (`benchmarks/records.py` makes them, and
this adds the edges). CPU seconds are those of one thread that reads records, translates them and writes the file;
what other threads of the engine take while records are read is told apart. The client's own classes and serialisation
are measured on the same events.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # This file is named like the client's package, which must not be looked for beside it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    # One core: before the engines are loaded.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import polars as pl

from benchmarks.records import ASSETS, night
from recsys_lineage.columns.column_edge import ColumnEdge, Subtype
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.translation.event_json import body_of
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.events import events
from recsys_lineage.openlineage.translation.shared_values import shared, shared_materialization
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records
from recsys_lineage.records.run_record import RunRecord
from recsys_lineage.records.table.record_table import RecordTable

_SUBTYPES: tuple[Subtype, ...] = ("IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "FILTER", "GROUP_BY")
_BY_CLIENT = 200


def nights(records: int) -> Iterator[list[Materialization | RunRecord]]:
    """The records of nights, each with that of its run, about so many in all."""
    for number in range(max(1, records // (ASSETS + 1))):
        made = [with_edges(record) for record in night(number)]
        run = replace(made[0].run, step=None)
        assert run.run_id is not None
        steps = {record.asset: "success" for record in made}
        yield [*made, RunRecord(run.run_id, "success", made[0].started, made[-1].ended, run, steps=steps)]


def with_edges(record: Materialization) -> Materialization:
    """The record with six edges for each of its columns, from the tables that it read."""
    lineage = {
        column.name: tuple(
            ColumnEdge(
                record.reads[place % len(record.reads)].name,
                column.name,
                "DIRECT" if place < 3 else "INDIRECT",
                subtype,
            )
            for place, subtype in enumerate(_SUBTYPES)
        )
        for column in record.schema
    }
    return replace(record, column_lineage=lineage)


def translate(records: int) -> dict[str, Any]:
    """Records of a lake as events in a file: events a second, and where the time goes."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(f"{folder}/lake", Engine(threads=1))
        count_of_records = _fill(lake, records)
        gc.collect()
        gc.freeze()  # what made the records is no part of the work
        wall, own, whole = time.perf_counter(), time.thread_time(), time.process_time()
        count = size = 0
        with Path(folder, "events.jsonl").open("wb") as file:
            for message in Stream(lake).after(None):
                assert message.fault is None, message.fault
                count, size = count + 1, size + file.write(message.body) + file.write(b"\n")
        wall, own, whole = time.perf_counter() - wall, time.thread_time() - own, time.process_time() - whole
        table = RecordTable(lake)
        rows, _ = table.frame(where=pl.col("kind") == "asset")
        read = [shared_materialization(data) for data in table.json(rows[:2_000], shared)]
    options = EventOptions(lake="/project/.recsys/lake")
    told = [event for record in read for event in events(record, options)]
    with tempfile.TemporaryFile() as file:
        began = time.process_time()
        for record in read:
            for event in events(record, options):
                file.write(body_of(event))
        seconds = time.process_time() - began
    return {
        "records": count_of_records,
        "events": count,
        "bytes an event": size // count,
        "events a CPU second, lake to file, this thread": round(count / own),
        "events a CPU second, lake to file, all threads": round(count / whole),
        "wall seconds": round(wall, 2),
        "events a CPU second, records to file": round(len(told) / seconds),
        "of an event, translating µs": _micros(lambda each: events(each, options), read, len(told)),
        "of an event, serialising µs": _micros(body_of, told, len(told)),
        "of an event, json.dumps µs": _micros(json.dumps, told, len(told)),
        "of an event, the client µs": round(_client_micros(told[:_BY_CLIENT])),
    }


def _fill(lake: Lake, records: int) -> int:
    made = [record for each in nights(records) for record in each]
    for start in range(0, len(made), 5_000):
        Records(lake).append(made[start : start + 5_000])
    return len(made)


def _micros(work: Callable[[Any], object], given: Sequence[object], events: int) -> float:
    """CPU microseconds an event; the better of two."""
    seconds: list[float] = []
    for _ in range(2):
        began = time.process_time()
        for each in given:
            work(each)
        seconds.append(time.process_time() - began)
    return round(min(seconds) / events * 1e6, 1)


def _client_micros(told: list[dict[str, Any]]) -> float:
    """CPU microseconds that the client takes to make an event of its classes and to serialise it."""
    from openlineage.client.serde import Serde

    from tests.lineage.openlineage.made_events import as_client_object

    objects = [as_client_object(event) for event in told]
    began = time.process_time()
    for each in objects:
        Serde.to_json(each)
    return (time.process_time() - began) / len(told) * 1e6


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("translate", help="records to events in a file")
    command.add_argument("--records", type=int, default=20_000)
    command.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = translate(given.records)
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"| {name} | {value:,} |" if isinstance(value, int | float) else f"| {name} | {value} |")


if __name__ == "__main__":
    main()
