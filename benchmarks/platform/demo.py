"""What the demo costs: `recsys demo` on an empty home, and again when nothing changed."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.platform.child import Measured, measure, say

RECSYS = str(Path(sys.executable).with_name("recsys"))
TARGETS = {"first run (s)": 120.0, "first run, peak memory (GB)": 4.0, "second run (s)": 20.0}


def demo() -> dict[str, Any]:
    """Run the demo twice on a fresh home.

    Returns:
        What both runs cost, what the first one said, and whether the second one left every table as it was.

    Raises:
        SystemExit: when a run fails.
    """
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as name:
        folder = Path(name)
        settings = {"RECSYS_HOME": str(folder / "home")}

        def recsys(command: str) -> Measured:
            return measure([RECSYS, command, "--json"], settings, folder)

        first = recsys("demo")
        say(f"recsys demo, empty home: {first.seconds:.1f} s")
        made = json.loads(recsys("status").output)["assets"]
        second = recsys("demo")
        say(f"recsys demo again: {second.seconds:.1f} s")
        kept = json.loads(recsys("status").output)["assets"]
    moved = [name for name in made if (made[name]["version"], made[name]["fingerprint"])
             != (kept[name]["version"], kept[name]["fingerprint"])]  # fmt: skip
    said = json.loads(first.output)
    return {
        "runs": {
            "first run": _plain(first),
            "second run": _plain(second),
        },
        "tables_with_a_new_version": moved,
        "stale_after_the_second_run": [name for name, state in kept.items() if state["stale"]],
        "said": {
            name: said[name]
            for name in ("rows_read", "rows_accepted", "rows_rejected", "champion", "metrics")
        },
        "targets": {
            "first run (s)": [first.seconds, TARGETS["first run (s)"]],
            "first run, peak memory (GB)": [first.peak_gb, TARGETS["first run, peak memory (GB)"]],
            "second run (s)": [second.seconds, TARGETS["second run (s)"]],
            "tables with a new version in the second run": [float(len(moved)), 0.0],
        },
    }


def _plain(run: Measured) -> dict[str, float]:
    return {"seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "peak_gb": run.peak_gb}
