"""Raw to features of The Complete Journey: the platform, bare DuckDB and pandas, in turn in one run."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.platform.child import measure, say

GROUPS = ("raw", "clean", "features")
TARGETS = {"pandas / platform": 5.0, "platform / bare": 1.25}
PANDAS = {"pandas": "numpy", "pandas, Arrow": "arrow"}


def features(repeats: int, with_pandas: bool) -> dict[str, Any]:
    """Run the platform and the bare statements alternately, and pandas once with each kind of column types.

    Every run is a process of its own that starts with an empty folder. `seconds` counts from the first statement
    to the last, without starting Python; `process_seconds` counts that too.

    Raises:
        SystemExit: when a run fails.
    """
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ("platform", "bare", *PANDAS)}
    for name in PANDAS if with_pandas else ():
        runs[name].append(_run(name))
        say(f"{name}: {runs[name][0]['seconds']:.1f} s")
    for number in range(repeats):
        for name in ("platform", "bare") if number % 2 == 0 else ("bare", "platform"):
            runs[name].append(_run(name))
            say(f"{name} {number + 1} of {repeats}: {runs[name][-1]['seconds']:.1f} s")
    medians = {name: _medians(found) for name, found in runs.items() if found}
    ours, bare = medians["platform"], medians["bare"]
    rows = runs["platform"][0]["rows"]
    found = {
        "medians": medians,
        "spread": {name: [one["seconds"] for one in found] for name, found in runs.items() if found},
        "ratios": {
            f"platform / bare, {unit}": ours[unit] / bare[unit]
            for unit in ("seconds", "cpu_seconds", "process_seconds")
        },
        "tables": _tables(runs),
        "rows": rows,
        "other_rows": {
            name: {table: count for table, count in found[0]["rows"].items() if rows.get(table) != count}
            for name, found in runs.items()
            if found and name != "platform"
        },
        "fingerprints_differ": _differing([one["fingerprints"] for one in runs["platform"]]),
        "targets": {"platform / bare": [ours["seconds"] / bare["seconds"], TARGETS["platform / bare"]]},
    }
    for name in PANDAS if with_pandas else ():
        for unit in ("seconds", "cpu_seconds"):
            found["ratios"][f"{name} / platform, {unit}"] = medians[name][unit] / ours[unit]
        ratio = medians[name]["seconds"] / ours["seconds"]
        found["targets"][f"{name} / platform"] = [ratio, TARGETS["pandas / platform"]]
    return found


def _run(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as scratch:
        folder = Path(scratch)
        settings = {"RECSYS_HOME": str(folder / "home")}
        (folder / "out").mkdir()
        if name in PANDAS:
            command = ["benchmarks.platform.pandas_steps", str(_data()), str(folder / "out"), PANDAS[name]]
        elif name == "bare":
            command = ["benchmarks.platform.bare", str(folder / "out")]
        else:
            command = ["benchmarks.platform.in_process", *GROUPS]
        cost = measure([sys.executable, "-m", *command], settings, folder)
        return {
            **json.loads(cost.output),
            "process_seconds": cost.seconds,
            "process_cpu_seconds": cost.cpu_seconds,
            "peak_gb": cost.peak_gb,
        }


def _data() -> Path:
    from recsys_assets.shop.loaded_source import load_source

    folder = load_source("complete-journey").data_folder()
    assert folder is not None
    return folder


def _medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    names = ("seconds", "cpu_seconds", "process_seconds", "process_cpu_seconds", "peak_gb")
    return {name: statistics.median(run[name] for run in runs) for name in names}


def _tables(runs: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Median seconds of each table by each way; what lies between the platform's assets has a line of its own."""
    names = list(runs["platform"][0]["tables"])
    tables = {
        name: {
            way: statistics.median(run["tables"][name] for run in found)
            for way, found in runs.items()
            if found and name in found[0]["tables"]
        }
        for name in names
    }
    between = [run["seconds"] - sum(run["tables"].values()) for run in runs["platform"]]
    tables["(events, between assets)"] = {"platform": statistics.median(between)}
    return tables


def _differing(runs: list[dict[str, str]]) -> list[str]:
    return [name for name, value in runs[0].items() if any(run[name] != value for run in runs)]
