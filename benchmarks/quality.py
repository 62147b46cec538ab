"""Quality and cost of every family on a folder of interaction lists.

    python benchmarks/quality.py DIR [--family NAME …] [--params JSON] [--json] [--seed N]

Fits on DIR/train.txt, chooses on DIR/valid.txt (a tenth of train, split off at random, where there is none), fits
what was chosen on both, and looks at DIR/test.txt once. Each family runs in a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recsys_models import Interactions, evaluate, families  # noqa: E402
from recsys_models.training.holdout import hold_out  # noqa: E402


class PeakMemory:
    """The highest resident memory of this process while the block runs, in MB, sampled every 20 ms."""

    def __enter__(self) -> PeakMemory:
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self._look()

    def _look(self) -> None:
        self.megabytes = max(self.megabytes, psutil.Process().memory_info().rss / 2**20)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()


def read(folder: Path) -> tuple[Interactions, Interactions, Interactions]:
    """Train, validation and test on one pair of id maps."""
    train = Interactions.from_lists(folder / "train.txt")
    if (folder / "valid.txt").exists():
        valid = Interactions.from_lists(folder / "valid.txt", like=train)
        train = Interactions.from_lists(folder / "train.txt", like=valid)
    else:
        train, valid = hold_out(train, share=0.1)
    test = Interactions.from_lists(folder / "test.txt", like=train)
    return train, valid, test


def measure(folder: Path, family: str, params: dict[str, Any], seed: int) -> dict[str, Any]:
    """Fit one family as described above. `seconds` are by the clock, `cpu_seconds` the processor's over all cores."""
    train, valid, test = read(folder)
    both = train.merged(valid)
    started, busy = time.perf_counter(), time.process_time()
    with PeakMemory() as memory:
        model = families[family](**params).fit(train, validation=valid, seed=seed)
        final = model.retrained(both, seed=seed)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    started = time.perf_counter()
    result = evaluate(final, both, test, k=20)
    return {
        "recall": round(result["recall"], 4),
        "ndcg": round(result["ndcg"], 4),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "evaluation_seconds": round(time.perf_counter() - started, 1),
        "peak_mb": round(memory.megabytes),
        "chosen": model.chosen,
    }


def machine() -> str:
    """One line for the table's foot."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "dgl", "numpy", "scipy", "lightgbm"))
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, Python {python}, {packages}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="holds train.txt, test.txt and perhaps valid.txt")
    parser.add_argument("--family", nargs="+", choices=sorted(families), help="by default all")
    parser.add_argument("--params", type=json.loads, default={}, help="of every family, as a JSON object")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name in ("train.txt", "test.txt"):
        if not (arguments.folder / name).exists():
            parser.error(
                f"{arguments.folder}: expected a file {name}, found none; give a folder of interaction lists"
            )
    chosen = arguments.family or list(families)
    if arguments.here:
        print(json.dumps(measure(arguments.folder, chosen[0], arguments.params, arguments.seed)))
        return
    results: dict[str, dict[str, Any]] = {}
    if not arguments.json:
        print(
            f"{'family':<22}{'recall@20':>10}{'ndcg@20':>10}{'seconds':>10}{'cpu s':>8}{'peak MB':>9}  chosen",
            flush=True,
        )
    for family in chosen:
        command = [sys.executable, __file__, str(arguments.folder), "--family", family, "--here"]
        command += ["--params", json.dumps(arguments.params), "--seed", str(arguments.seed)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (
                done.stderr.strip().splitlines()[-1]
                if done.stderr.strip()
                else f"exit code {done.returncode}"
            )
            results[family] = {"error": reason}
            if not arguments.json:
                print(f"{family:<22}{reason}", flush=True)
            continue
        row = results[family] = json.loads(done.stdout.splitlines()[-1])
        if not arguments.json:
            print(
                f"{family:<22}{row['recall']:>10.4f}{row['ndcg']:>10.4f}{row['seconds']:>10.1f}{row['cpu_seconds']:>8.1f}"
                f"{row['peak_mb']:>9}  {row['chosen']}",
                flush=True,
            )
    print(json.dumps(results) if arguments.json else machine())
    if any("error" in row for row in results.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
