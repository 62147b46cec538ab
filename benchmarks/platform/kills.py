"""`kill -9` at random moments of the demo on real data: does the next run make the same tables as without?"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.platform.child import measure, say

RECSYS = str(Path(sys.executable).with_name("recsys"))


def kills(count: int, source: str, data: Path | None, seed: int = 0) -> dict[str, Any]:
    """Run the demo undisturbed, then `count` times: kill it at a random moment, run it again and compare.

    Args:
        count: how many kills.
        source: `complete-journey`, `online-retail` or another source.
        data: its files, where they are not a package.
        seed: of the moments.

    Returns:
        One row a kill: the second of the kill, tables committed then, seconds of the run after it, and the tables whose
        fingerprint differs or that are stale.

    Raises:
        SystemExit: when a run that was not killed fails.
    """
    luck = random.Random(seed)
    given = {"RECSYS_SOURCE": source, **({"RECSYS_DATA": str(data.resolve())} if data else {})}
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as name:
        folder = Path(name)
        undisturbed = {**given, "RECSYS_HOME": str(folder / "undisturbed")}
        whole = measure([RECSYS, "demo", "--json"], undisturbed, folder)
        say(f"undisturbed: {whole.seconds:.1f} s")
        wanted = _tables(undisturbed, folder)
        longest = whole.seconds
        for number in range(1, count + 1):
            home = folder / f"killed-{number}"
            settings = {**given, "RECSYS_HOME": str(home)}
            while not _killed(settings, folder, moment := luck.uniform(2, longest)):
                # the run was faster than the undisturbed one and ended by itself: no kill
                longest = moment
                shutil.rmtree(home)
            committed = len(list(home.glob("lake/*/_delta_log/00000000000000000000.json")))
            after = measure([RECSYS, "demo", "--json"], settings, folder)
            found = _tables(settings, folder)
            differ = [
                table
                for table, state in wanted.items()
                if found.get(table, {}).get("fingerprint") != state["fingerprint"] or found[table]["stale"]
            ]
            rows[f"kill {number}"] = {
                "killed at (s)": moment,
                "tables then": committed,
                "run after (s)": after.seconds,
                "tables that differ": len(differ),
            }
            say(
                f"kill {number} of {count} at {moment:.1f} s, {committed} tables: {differ or 'all as wanted'}"
            )
            shutil.rmtree(home)
    differing = sum(row["tables that differ"] for row in rows.values())
    return {
        "source": source,
        "tables": len(wanted),
        "rows": rows,
        "targets": {"tables that differ from the undisturbed run's": [float(differing), 0.0]},
    }


def _killed(settings: dict[str, str], folder: Path, moment: float) -> bool:
    """Start the demo and kill it and its children after so many seconds; False when it was done before."""
    with subprocess.Popen(
        [RECSYS, "demo", "--json"],
        env={**os.environ, **settings},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        time.sleep(moment)
        running = process.poll() is None
        if running:
            os.killpg(process.pid, signal.SIGKILL)
    return running


def _tables(settings: dict[str, str], folder: Path) -> dict[str, dict[str, Any]]:
    return json.loads(measure([RECSYS, "status", "--json"], settings, folder).output)["assets"]
