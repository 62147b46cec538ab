"""How cost grows: The Complete Journey with its users, and everything that they do, 1, 4 and 16 times.

Copy k of a user, basket or store is a user, basket or store with a new number. Products stay, as a larger shop
sells to more people and not other things. Promotions stay too, unless they are asked for: then each copy of a
store has its own, and all rows grow.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.platform.child import measure, say

GROUPS = ("raw", "clean", "features")
MODEL_GROUPS = ("graph", "model", "serving")
LARGEST_MEMORY_GB = 16.0
# Beyond every number that the data has: households end at 2,500, stores at 34,280, baskets below 10^11.
_STEP = {"household_id": 10_000_000, "store_id": 1_000_000, "basket_id": 10**12}


def growth(
    factors: Sequence[int], *, promotions: bool, models: bool, memory_limit: str, scratch: Path | None
) -> dict[str, Any]:
    """Run the platform on the data replicated by each factor, each time on an empty home.

    Args:
        factors: how many times.
        promotions: whether promotions grow too.
        models: go on to models and recommendations.
        memory_limit: what DuckDB may take before it spills, such as `2GB`.
        scratch: a folder on a disk with room; the system's temporary folder when None.

    Raises:
        SystemExit: when a run fails.
    """
    found: dict[str, dict[str, Any]] = {}
    for factor in factors:
        with tempfile.TemporaryDirectory(prefix="recsys-bench-", dir=scratch) as name:
            folder = Path(name)
            replicate(folder / "data", factor, promotions)
            say(f"{factor}x: data written, {_gigabytes(folder / 'data'):.2f} GB")
            settings = {
                "RECSYS_HOME": str(folder / "home"),
                "RECSYS_DATA": str(folder / "data"),
                "RECSYS_MEMORY_LIMIT": memory_limit,
                "TMPDIR": str(folder),
            }
            groups = [*GROUPS, *(MODEL_GROUPS if models else ())]
            cost = measure(
                [sys.executable, "-m", "benchmarks.platform.in_process", *groups], settings, folder
            )
            run = json.loads(cost.output)
            found[f"{factor}x"] = {
                "factor": factor,
                "seconds": run["seconds"],
                "cpu_seconds": run["cpu_seconds"],
                "peak_gb": cost.peak_gb,
                "lake_gb": _gigabytes(folder / "home" / "lake"),
                "events": run["rows"]["raw_events"],
                "promotions": run["rows"]["raw_promotions"],
                "rows": sum(
                    run["rows"][t] for t in ("raw_events", "raw_users", "raw_items", "raw_promotions")
                ),
                "tables": run["tables"],
                "tables_cpu": run["tables_cpu"],
                "table_rows": run["rows"],
            }
            say(f"{factor}x: {run['seconds']:.1f} s, {cost.peak_gb:.2f} GB")
    return {
        "runs": found,
        "exponents": _exponents(list(found.values())),
        "targets": {
            "peak memory of the largest (GB)": [
                max(run["peak_gb"] for run in found.values()),
                LARGEST_MEMORY_GB,
            ]
        },
    }


def replicate(folder: Path, factor: int, promotions: bool) -> None:
    """Write the source's files to `folder`, users and what they do `factor` times."""
    from recsys_assets.shop.loaded_source import load_source

    origin = load_source("complete-journey").data_folder()
    assert origin is not None
    folder.mkdir(parents=True)
    grown = {"transactions.parquet", "demographics.parquet", *(["promotions.parquet"] if promotions else [])}
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder)}) as connection:
        for path in sorted(origin.glob("*.parquet")):
            if path.name not in grown or factor == 1:
                shutil.copyfile(path, folder / path.name)
                continue
            names = [row[0] for row in connection.execute(f"DESCRIBE FROM '{path}'").fetchall()]
            moved = [f"{name}::BIGINT + copy * {_STEP[name]} AS {name}" for name in names if name in _STEP]
            connection.execute(
                f"""COPY (
                    SELECT * EXCLUDE (copy) REPLACE ({", ".join(moved)})
                    FROM '{path}' CROSS JOIN range({factor}) AS copies(copy)
                ) TO '{folder / path.name}' (FORMAT parquet, COMPRESSION zstd)"""
            ).fetchall()


def _exponents(runs: list[dict[str, Any]]) -> dict[str, float]:
    """For each table, the x of CPU seconds ~ factor^x between the two largest factors; 1 is linear, 0 constant."""
    if len(runs) < 2:
        return {}
    small, large = runs[-2], runs[-1]
    by = math.log(large["factor"] / small["factor"])
    times = {name: (small["tables_cpu"][name], large["tables_cpu"][name]) for name in large["tables_cpu"]}
    times["all"] = (small["cpu_seconds"], large["cpu_seconds"])
    return {name: math.log(after / before) / by for name, (before, after) in times.items() if before > 0}


def _gigabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9
