"""What a thousand nights leave behind, and what the last of them costs.

    python benchmarks/nights.py                   1,000 nights, with the nightly upkeep
    python benchmarks/nights.py --nights 100      a quick look
    python benchmarks/nights.py --no-upkeep       the same nights without any upkeep

A night is a process of its own, as in production: one Dagster run on an instance with SQLite. One partition of events
changes, tables are computed from them by SQL, two models are written, of which some files stay as they were, then a
serving table, then the upkeep of the settings' defaults. Fits are stand-ins: random weights. The lake's clock jumps a
day with each night; Dagster's keeps its own time, so its runs older than 30 nights are named by the moment at which
that night began. Each process is forked from one that imported everything and did nothing, like Dagster's code server.
Memory is its peak (VmHWM). A Delta log names removed files for a week of its own time; here for a minute, which a few
nights take. The last ten nights are compared with the first ten of a new shop, a night of each in turn, so that other
work on the machine slows both.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import polars as pl

from recsys_assets.settings import Settings
from recsys_assets.upkeep import keep_up
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.blobs import blob_table
from recsys_lineage.lake.commits import draft
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.orchestration.sqlite_events import many_events
from recsys_lineage.retention.policy import Policies
from recsys_lineage.sql.sql_text import SqlText

WINDOW = 15
"""Nights up to the one that is shown, of which the median is taken."""
FIRST = 10
"""Nights of a new shop with which the last ones are compared."""
DAYS = 28
night = 0


def _clock() -> datetime:
    return datetime.now(timezone.utc) + timedelta(days=night)


class NightlyLake(LakeResource):
    """The lake whose clock jumps a day with each night."""

    def lake(self) -> Lake:
        """The lake."""
        opened = super().lake()
        opened.clock = _clock
        return opened


def events(inputs: Inputs) -> Output:
    """A month of events; the oldest day gives way to tonight's."""
    drawn = np.random.default_rng(night)
    days = [night % DAYS] if inputs.previous() else range(DAYS)
    rows = [
        (int(day), int(user), int(item)) for day in days for user, item in drawn.integers(0, 300, (400, 2))
    ]
    day, user, item = zip(*rows, strict=True)
    frame = pl.DataFrame({"day": day, "user_id": user, "item_id": item})
    return Output(frame, partition_by="day", partitions=[str(day) for day in days])


def model(inputs: Inputs) -> Output:
    """A model whose weights are new tonight and whose item vectors are new each seventh night."""
    users = inputs.frame("users").height
    new, weekly = np.random.default_rng(night), np.random.default_rng(night // 7)
    return Output(
        blob_table(
            {
                "weights": new.bytes(400 * users),
                "item_vectors": weekly.bytes(300_000),
                "config.json": json.dumps({"users": users}).encode(),
            }
        )
    )


def champion(inputs: Inputs) -> Output:
    """The candidate, as it is."""
    return Output(inputs.arrow("model"))


SQL = {
    "users": "SELECT user_id, count(*) AS events FROM events GROUP BY user_id",
    "split": "SELECT *, day % 7 = 0 AS held_out FROM events",
    "recommendations": "SELECT user_id, item_id, rank() OVER (PARTITION BY user_id ORDER BY n DESC, item_id) AS place "
    "FROM users, (SELECT item_id, count(*) AS n FROM split GROUP BY ALL ORDER BY n DESC, item_id LIMIT 10) "
    "SEMI JOIN champion ON true",
}
GROUPS = {
    "events": "raw", "users": "clean", "split": "model", "model": "model", "champion": "model",
    "recommendations": "serving",
}  # fmt: skip


def assets() -> list[dg.AssetsDefinition]:
    """The small shop's assets."""
    made = [
        frame_asset(events, look=AssetLook(group="raw")),
        frame_asset(model, reads=["users", "split"], look=AssetLook(group="model")),
        frame_asset(champion, reads=["model"], look=AssetLook(group="model")),
    ]
    return [*made, *(sql_asset(SqlText(text, f"{name}.sql"), name=name) for name, text in SQL.items())]


class Shop:
    """A shop in a folder of its own, night after night.

    Attributes:
        found: what each night cost, and of every tenth one what lay on the disk after it.
    """

    def __init__(self, folder: Path, upkeep: bool) -> None:
        self.folder, self.upkeep = folder, upkeep
        self.settings = Settings(home=folder, lake=str(folder / "lake"))
        (folder / "dagster").mkdir(parents=True)
        self.found: list[dict[str, float]] = []
        self._began: list[datetime] = []
        self._assets = assets()

    def next_night(self, look: bool) -> None:
        """Run it in a process of its own; with `look` the disk is looked at afterwards too."""
        number = len(self.found)
        self._began.append(datetime.now(timezone.utc))
        before = self._began[max(number - self.settings.dagster_keep_days, 0)] if self.upkeep else None
        fork = multiprocessing.get_context("fork")
        costs, told = fork.Pipe(duplex=False)
        process = fork.Process(target=_one_night, args=(number, self._assets, self.settings, before, told))
        process.start()
        told.close()
        process.join()
        if process.exitcode != 0:
            raise SystemExit(f"night {number + 1} ended with {process.exitcode}")
        self.found.append({**costs.recv(), **(_disk(self.folder) if look else {})})


def measured(
    folder: Path, nights: int, upkeep: bool, say: Callable[[str], None]
) -> tuple[Shop, list[dict[str, float]]]:
    """Run the nights; what each cost, and what lay on the disk after it.

    The machine may be another one, or have other work, after half an hour. So while the shop's last nights run, a new
    shop runs its first ones, a night of each in turn.

    Returns:
        the shop, and the first nights of the new one.
    """
    draft._CONFIGURATION = {
        **draft._CONFIGURATION,
        "delta.deletedFileRetentionDuration": "interval 1 minutes",
    }
    old, new = Shop(folder / "old", upkeep), Shop(folder / "new", upkeep)
    for number in range(1, nights + 1):
        old.next_night(look=number % 10 == 0 or number == nights)
        if number > nights - FIRST:
            new.next_night(look=False)
        if number % 50 == 0 or number == FIRST:
            row = _around(old.found, number)
            say(f"night {number}: {json.dumps({name: round(value, 2) for name, value in row.items()})}")
    return old, new.found


def _one_night(
    number: int,
    made: Sequence[dg.AssetsDefinition],
    settings: Settings,
    runs_before: datetime | None,
    told: Connection,
) -> None:
    """Materialize everything, then the upkeep unless `runs_before` is None; tells what it cost."""
    global night
    night = number
    wall, cpu = time.perf_counter(), time.process_time()
    lake = NightlyLake(uri=settings.lake_url, threads=1, memory_limit="500MB")
    # around the upkeep too, which is an asset of the nightly job
    with dg.DagsterInstance.local_temp(str(settings.home / "dagster")) as instance, many_events():
        assert dg.materialize(made, instance=instance, resources={"lake": lake}).success
        if runs_before is not None:
            keep_up(lake.lake(), settings, GROUPS, instance, runs_before=runs_before)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    told.send(
        {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "rss_mb": int(status["VmHWM"].split()[0]) * 1024 / 1e6,
        }
    )


def _disk(folder: Path) -> dict[str, float]:
    lake = {"lake_mb": 0.0, "lake_files": 0.0, "parquet_files": 0.0, "log_files": 0.0}
    for path in (folder / "lake").rglob("*"):
        if path.is_file():
            lake["lake_mb"] += path.stat().st_size / 1e6
            lake["lake_files"] += 1
            lake["log_files" if "_delta_log" in path.parts else "parquet_files"] += 1
    dagster = sum(path.stat().st_size for path in (folder / "dagster").rglob("*") if path.is_file())
    return lake | {"dagster_mb": dagster / 1e6}


def bounds(shop: Shop) -> dict[str, tuple[float, float]]:
    """What lies on the disk at the end, and the most that the policy allows.

    A table may have as many versions as the policy names nights, weeks and months, the newest, and those that wait for
    the end of the grace period; each of them no more files and bytes than the largest that is there. Dagster's storage
    may have a quarter more than once all nights were there that it keeps, because it is only shrunk when a fifth of it
    is free.
    """
    lake, settings = Lake(shop.settings.lake_url), shop.settings
    policies = Policies.parse(settings.retention)
    waiting = 1 + settings.retention_grace_hours / 24
    found: dict[str, tuple[float, float]] = {}
    sums = dict.fromkeys(("versions", "files", "MB"), (0.0, 0.0))
    for table, group in GROUPS.items():
        latest, policy = lake.version(table), policies.of(group)
        numbers = [n for each in lake.pruned(table).all().others(latest.version) for n in each]
        there = [lake.version(table, number) for number in numbers]
        most = policy.nights + policy.weeks + policy.months + 3 + waiting
        held = [path for path in Path(lake.table_uri(table)).rglob("part-*.parquet")]
        stored = sum(path.stat().st_size for path in held)
        for name, is_, may in (
            ("versions", len(there), most),
            ("files", len(held), most * max(each.files for each in there)),
            ("MB", stored / 1e6, most * max(each.bytes for each in there) / 1e6),
        ):
            sums[name] = sums[name][0] + is_, sums[name][1] + may
    found |= {f"{name} of the tables": pair for name, pair in sums.items()}
    full = [one["dagster_mb"] for one in shop.found[settings.dagster_keep_days :][:30] if "dagster_mb" in one]
    if full:
        found["MB of Dagster's storage"] = shop.found[-1]["dagster_mb"], 1.25 * max(full)
    return found


def _around(found: list[dict[str, float]], number: int, window: int = WINDOW) -> dict[str, float]:
    """What a night costs, as medians of those up to it, and what lay on the disk after it."""
    before = found[max(number - window, 1) : number]
    costs = {
        name: statistics.median(one[name] for one in before) for name in ("seconds", "cpu_seconds", "rss_mb")
    }
    return found[number - 1] | costs


def shown(found: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Some nights, from the tenth to the last."""
    numbers = sorted({n for n in (FIRST, 100, 300, 500, 700, 1000, len(found)) if n <= len(found)})
    return {f"night {number}": _around(found, number) for number in numbers}


def machine() -> dict[str, str]:
    """Where the figures come from."""
    return {
        "machine": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when this began",
        "versions": f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, "
        f"deltalake {version('deltalake')}, dagster {dg.__version__}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=1000, help=f"at least {FIRST}")
    parser.add_argument("--no-upkeep", action="store_true", help="leave everything where it is")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    logging.disable(logging.INFO)
    where = machine()
    with tempfile.TemporaryDirectory(prefix="recsys-nights-") as name:
        shop, first = measured(
            Path(name),
            asked.nights,
            not asked.no_upkeep,
            lambda text: print(text, file=sys.stderr, flush=True),
        )
        found, within = shop.found, bounds(shop)
    table: dict[str, Any] = shown(found)
    last = f"night {len(found)}"
    table[f"new, {FIRST}"] = early = _around(first, FIRST)
    late = _around(found, len(found), FIRST - 1)
    ratios: dict[str, float] = {
        f"{name}, {last} / night {FIRST} of a new shop, in turns": late[name] / early[name]
        for name in ("seconds", "cpu_seconds", "rss_mb")
    }
    if asked.json:
        print(json.dumps({**where, "nights": table, "ratios": ratios, "bounds": within}))
        return
    print("\n".join(f"{name}: {text}" for name, text in where.items()))
    names = list(dict.fromkeys(key for row in table.values() for key in row))
    print(f"\n{'':16}" + "".join(f"{key:>15}" for key in names))
    for label, row in table.items():
        print(f"{label:16}" + "".join(f"{row[key]:>15,.2f}" if key in row else f"{'':>15}" for key in names))
    for label, ratio in ratios.items():
        print(f"{'met' if ratio <= 1.1 else 'MISSED':<8}{label}: {ratio:.2f} (target ≤ 1.1)")
    for label, (there, most) in within.items():
        print(
            f"{'met' if there <= most else 'MISSED':<8}{label}: {there:,.1f} (the policy's bound {most:,.1f})"
        )


if __name__ == "__main__":
    main()
