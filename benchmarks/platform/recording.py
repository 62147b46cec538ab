"""What recording costs: the same assets with their records, and with a double that records next to nothing.

Two runs of the same assets differ by some percent of CPU seconds on a shared machine, always upwards, so each table's
lowest of the repeats is taken, too, and the seconds inside what records are counted, in one run.

Run as `python -m benchmarks.platform.recording WAY GROUP...` it is a child: with the double, or `timed`.
"""

from __future__ import annotations

import inspect
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.platform.child import measure, say

GROUPS = ("raw", "clean", "features", "graph")
DEMO = (*GROUPS, "model", "serving")
LARGEST_SHARE = 0.05


def recording(repeats: int, groups: Sequence[str] = GROUPS) -> dict[str, Any]:
    """Materialize some groups with records and with the double, by turns, each on an empty home.

    Returns:
        Medians of CPU seconds and of seconds, the paired ratios, the sum of each table's lowest CPU seconds, the CPU
        seconds inside what records by its name, and whether the target holds by each.
    """
    runs: dict[str, list[dict[str, Any]]] = {"with records": [], "with a double": []}
    for repeat in range(repeats):
        order = list(runs) if repeat % 2 == 0 else list(reversed(runs))
        for way in order:
            module = "in_process" if way == "with records" else "recording"
            arguments = [*(["double"] if way == "with a double" else []), *groups]
            with tempfile.TemporaryDirectory(prefix="recsys-bench-") as name:
                command = [sys.executable, "-m", f"benchmarks.platform.{module}", *arguments]
                done = measure(command, {"RECSYS_HOME": str(Path(name) / "home")}, Path(name))
            runs[way].append(json.loads(done.output.splitlines()[-1]))
            say(f"{way}: {runs[way][-1]['cpu_seconds']:.1f} CPU seconds")
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as name:
        command = [sys.executable, "-m", "benchmarks.platform.recording", "timed", *groups]
        done = measure(command, {"RECSYS_HOME": str(Path(name) / "home")}, Path(name))
    inside = json.loads(done.output.splitlines()[-1])
    counted = sum(inside["recording"].values()) / inside["cpu_seconds"]
    say(f"inside what records: {counted:.1%} of {inside['cpu_seconds']:.1f} CPU seconds")
    pairs = zip(runs["with records"], runs["with a double"], strict=True)
    shares = [with_["cpu_seconds"] / without["cpu_seconds"] - 1 for with_, without in pairs]
    lowest = {
        way: sum(min(run["tables_cpu"][table] for run in found) for table in found[0]["tables_cpu"])
        for way, found in runs.items()
    }
    return {
        "lowest": lowest,
        "medians": {
            way: {name: statistics.median(run[name] for run in found) for name in ("cpu_seconds", "seconds")}
            for way, found in runs.items()
        },
        "shares": shares,
        "inside": inside["recording"],
        "targets": {
            "recording, share of CPU": [statistics.median(shares), LARGEST_SHARE],
            "recording, share of CPU, each table's lowest": [
                lowest["with records"] / lowest["with a double"] - 1,
                LARGEST_SHARE,
            ],
            "recording, share of CPU, counted in one run": [counted, LARGEST_SHARE],
        },
    }


def record_next_to_nothing() -> None:
    """Have this process note which versions are read, for nothing works without, and keep nothing else.

    What a commit carries then has neither lineage nor tags of columns, statement, bytes nor distinct values; no text
    is looked through for cells of tables.
    """
    for holder, name, double in doubles():
        setattr(holder, name, double)


def time_recording() -> dict[str, float]:
    """Have this process count the CPU seconds inside what records; returns them by name, as they grow."""
    spent: dict[str, float] = {}
    for holder, name, _ in doubles():
        original = getattr(holder, name)
        # by its module and file it is the code around which it stands: assets' code may not call what records
        around = {
            "__name__": original.__module__,
            "original": original,
            "spent": spent,
            "name": name,
            "now": _now,
        }
        exec(compile(_TIMED, inspect.unwrap(original).__code__.co_filename, "exec"), around)
        setattr(holder, name, around["timed"])
    return spent


_TIMED = """
def timed(*args, **kwargs):
    if spent.get("within"):
        return original(*args, **kwargs)
    began, spent["within"] = now(), 1
    try:
        return original(*args, **kwargs)
    finally:
        spent["within"] = 0
        spent[name] = spent.get(name, 0.0) + now() - began
"""
_now = time.process_time


def doubles() -> list[tuple[Any, str, Callable[..., Any]]]:
    """Whatever records: the class or module that has it, its name there, and what takes its place."""
    from recsys_lineage.assets.attempts import attempt
    from recsys_lineage.assets.columns.column_origins import ColumnOrigins
    from recsys_lineage.assets.columns.tagged_columns import CHECK
    from recsys_lineage.assets.reading import seen_part
    from recsys_lineage.assets.vocabulary import Vocabulary
    from recsys_lineage.lake import lake
    from recsys_lineage.orchestration import recorded_runs
    from recsys_lineage.records.parts.check_outcome import CheckOutcome
    from recsys_lineage.records.records import Records
    from recsys_lineage.sql.sql_text import SqlText

    return [
        (Records, "append", lambda self, records: None),
        (SqlText, "columns_read", lambda self, columns: dict.fromkeys(columns)),
        (recorded_runs, "record_runs", lambda *_: 0),
        (Vocabulary, "plain", lambda self, value, numbers=(): value),
        (Vocabulary, "outcome", lambda self, found, counts=(): found),
        (Vocabulary, "training_data", lambda self, data: data),
        (Vocabulary, "recorded_statement", lambda self, statement: None),
        (
            attempt,
            "origins_of",
            lambda *_: ColumnOrigins(checks=(CheckOutcome(CHECK, True, "not looked at"),)),
        ),
        (seen_part, "_bytes_read", lambda *_: 0),
        (lake, "with_distinct_counts", lambda connection, root, written: written),
    ]


if __name__ == "__main__":
    from benchmarks.platform.in_process import run

    if sys.argv[1] == "timed":
        spent = time_recording()
        done = run(sys.argv[2:])
        del spent["within"]
        print(json.dumps({**done, "recording": spent}), flush=True)
    else:
        record_next_to_nothing()
        print(json.dumps(run(sys.argv[2:])), flush=True)
    os._exit(0)
