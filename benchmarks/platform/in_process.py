"""Some asset groups in this process, through Dagster, the lake and its records, as `recsys demo` runs them.

Run as `python -m benchmarks.platform.in_process GROUP...` with the `RECSYS_*` settings of the run; prints one JSON
object. With `--reuse` before the groups, as a nightly run does, which keeps what is up to date.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def run(groups: list[str], *, reuse: bool = False) -> dict[str, Any]:
    """Materialize the assets of some groups, on an empty or a used home.

    Returns:
        Seconds and CPU seconds of the run, seconds of the imports before it, and for each asset its seconds from
        start to end (`tables`), its CPU seconds, its rows and its fingerprint.

    Raises:
        SystemExit: when an asset failed.
    """
    began = time.perf_counter()
    from recsys_assets.cli.session import set_apart
    from recsys_assets.instance import open_instance
    from recsys_assets.runs.platform import Platform
    from recsys_assets.settings import load_settings
    from recsys_lineage.progress import Progress, listening

    settings = load_settings()
    with set_apart() as loaded, open_instance(settings) as instance:
        platform = Platform(settings, instance)
        loaded()
        names = platform.names(" or ".join(f"group:{group}" for group in groups))
        imported, cpu = time.perf_counter(), time.process_time()
        started: dict[str, tuple[float, float]] = {}
        tables: dict[str, float] = {}
        tables_cpu: dict[str, float] = {}

        def listen(moment: Progress) -> None:
            if moment.kind == "start":
                started[moment.asset] = time.perf_counter(), time.process_time()
            elif moment.kind in ("done", "kept", "failed"):
                wall, used = started[moment.asset]
                tables[moment.asset] = time.perf_counter() - wall
                tables_cpu[moment.asset] = time.process_time() - used

        with listening(listen):
            outcome = platform.run(names, reuse=reuse)
        if not outcome.success:
            raise SystemExit("\n".join(f"{step}: {text}" for step, text in outcome.errors.items()))
        seconds, cpu_seconds = time.perf_counter() - imported, time.process_time() - cpu
        statuses = platform.statuses()
        return {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "import_seconds": imported - began,
            "tables": tables,
            "tables_cpu": tables_cpu,
            "rows": {name: statuses[name].rows for name in tables},
            "fingerprints": {name: statuses[name].fingerprint for name in tables},
        }


if __name__ == "__main__":
    asked = sys.argv[1:]
    print(
        json.dumps(run([name for name in asked if name != "--reuse"], reuse="--reuse" in asked)), flush=True
    )
    # Leave without the interpreter's slow farewell to torch and Dagster; everything is on disk.
    os._exit(0)
