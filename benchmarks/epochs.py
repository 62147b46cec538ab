"""How the cost of LightGCN's epochs grows with the edges: 1, 4 and 16 times a million, in one run.

    python benchmarks/epochs.py [--factors 1 4 16] [--dim 64] [--epochs 2] [--device auto] [--json]

Users and items grow with the edges, as they do in a larger shop. Each size is trained in a process of its own, so that
its peak memory is its own; an epoch is timed between the ends of the first and of the last one.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
from quality import PeakMemory, machine  # noqa: E402

from recsys_models import Interactions, LightGCN  # noqa: E402

EDGES, USERS, ITEMS = 1_000_000, 36_000, 50_000


def interactions(factor: int, seed: int = 0) -> Interactions:
    """Distinct pairs of users and items whose popularity falls as a power; about `factor` times `EDGES`."""
    generator = np.random.default_rng(seed)
    users, items = USERS * factor, ITEMS * factor
    n = int(EDGES * factor * 1.1)
    user = (users * generator.random(n) ** 1.8).astype(np.int64)
    item = (items * generator.random(n) ** 2.2).astype(np.int64)
    pairs = np.unique(user * items + item)
    pairs = np.sort(generator.choice(pairs, min(pairs.size, EDGES * factor), replace=False))
    return Interactions.from_arrays(*np.divmod(pairs, items))


def measure(factor: int, dim: int, epochs: int, device: str) -> dict[str, Any]:
    """Edges, seconds of preparation and of an epoch, peak memory, and the loss of each epoch."""
    data = interactions(factor)
    ends: list[float] = []
    losses: list[float] = []

    def on_epoch(_: int, metrics: dict[str, float]) -> None:
        ends.append(time.perf_counter())
        losses.append(metrics["loss"])

    began = time.perf_counter()
    with PeakMemory() as memory:
        LightGCN(dim=dim, epochs=epochs, start="normal", learning_rate=0.003).fit(
            data, device=device, on_epoch=on_epoch
        )
    epoch = (ends[-1] - ends[0]) / (epochs - 1)
    return {
        "edges": len(data),
        "users": data.n_users,
        "items": data.n_items,
        "epoch_seconds": epoch,
        "prepare_seconds": ends[0] - began - epoch,
        "peak_mb": memory.megabytes,
        "losses": losses,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2, help="at least 2")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        found = measure(arguments.factors[0], arguments.dim, max(2, arguments.epochs), arguments.device)
        print(json.dumps(found))
        return
    rows: dict[int, dict[str, Any]] = {}
    for factor in sorted(arguments.factors):
        command = [sys.executable, __file__, "--here", "--factors", str(factor), "--dim", str(arguments.dim)]
        command += ["--epochs", str(arguments.epochs), "--device", arguments.device]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{factor} times: {done.stderr.strip()[-500:]}")
        rows[factor] = json.loads(done.stdout.splitlines()[-1])
    if arguments.json:
        print(json.dumps({str(factor): row for factor, row in rows.items()}))
        return
    print(
        f"{'edges':>12}{'users':>10}{'items':>10}{'epoch s':>10}{'exponent':>10}{'prepare s':>11}{'peak MB':>9}"
    )
    before: dict[str, Any] | None = None
    for row in rows.values():
        exponent = ""
        if before is not None:
            grown = math.log(row["edges"] / before["edges"])
            exponent = f"{math.log(row['epoch_seconds'] / before['epoch_seconds']) / grown:.2f}"
        print(
            f"{row['edges']:>12,}{row['users']:>10,}{row['items']:>10,}{row['epoch_seconds']:>10.1f}{exponent:>10}"
            f"{row['prepare_seconds']:>11.1f}{row['peak_mb']:>9.0f}"
        )
        before = row
    print(f"{arguments.dim} floats, 3 layers; exponent: x of seconds ~ edges^x against the line above")
    print(machine())


if __name__ == "__main__":
    main()
