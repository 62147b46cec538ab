"""`kill -9` at any moment of the demo: the next run completes, and every table is as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from recsys_lineage.records.records import Records
from tests.platform.conftest import RECSYS, Shop

KILLS = int(os.environ.get("RECSYS_KILLS", "3"))
WHEN = {"recommendation_profiles"}
"""Tables that hold when another one was written."""


def committed(lake: Path) -> int:
    """How many tables have a version."""
    return len(list(lake.glob("*/_delta_log/00000000000000000000.json")))


def killed_run(shop: Shop, after_tables: int, and_seconds: float) -> bool:
    """Start the demo and kill it so many seconds after it has written so many tables; whether it was in time."""
    process = subprocess.Popen(
        [RECSYS, "demo", "--json"],
        env=shop.environment,
        cwd=shop.home.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and committed(shop.home / "lake") < after_tables:
        time.sleep(0.005)
    time.sleep(and_seconds)
    in_time = process.poll() is None
    if in_time:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return in_time


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_the_run_after_a_kill_completes_and_makes_the_same_tables(
    seed: int, original: Shop, new_shop: Shop
) -> None:
    luck = random.Random(seed)
    wanted = {name: table["fingerprint"] for name, table in original.tables().items() if name not in WHEN}
    # A third of the kills at the start, in the middle and towards the end of the graph.
    after = luck.randrange(seed % 3 * len(wanted) // 3, (seed % 3 + 1) * len(wanted) // 3)
    killed_run(new_shop, after, luck.random() ** 2)
    at_kill = committed(new_shop.home / "lake")

    finished = new_shop.process("demo", "--json")

    assert finished.returncode == 0, f"killed with {at_kill} tables: {finished.stderr}"
    found = new_shop.tables()
    same = {name: table["fingerprint"] for name, table in found.items() if name not in WHEN}
    assert same == wanted and found.keys() - same.keys() == WHEN, f"killed with {at_kill} tables"
    assert not [table["reason"] for table in found.values() if table["stale"]]
    assert Records(new_shop.lake).sync() == 0, "every version has its row among the records"
    if seed:
        return
    again = new_shop.process("demo", "--json")
    assert again.returncode == 0
    assert "Nothing changed" in again.stderr
