"""Seconds of a full-catalogue evaluation, where they go, and how they grow with the number of users.

    python benchmarks/evaluation.py [DIR] [--users N] [--dim 64 512] [--factors 1 4 16] [--repeats 3] [--json]

An embedding model of each length (the truncated spectrum of DIR's train and validation interactions) ranks every item
for all test users of DIR (at most N). `scoring` is the matrix product alone, `top 20` our ranking of these scores,
`torch.topk` that of PyTorch, which leaves open which of equal scores comes first; they take turns, block by block.
`evaluate` is everything: scores, mask, ranking and all metrics; `with AUC` also each user's area under the curve.
Factors are copies of the users, to see growth. The fastest of the repeats counts, by the clock and by the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from quality import PeakMemory, machine, read  # noqa: E402

from recsys_models import Interactions, Spectral, evaluate  # noqa: E402
from recsys_models.fitted.fitted_model import FitBasis  # noqa: E402
from recsys_models.kernels.top_items import block_rows, top_k  # noqa: E402

K = 20


@dataclass
class Clock:
    """Seconds by the clock and by the processor, of all blocks of one kind."""

    wall: float = 0.0
    cpu: float = 0.0
    result: Any = field(default=None, repr=False)

    def time(self, work: Callable[[], Any]) -> Any:
        """Add what this call takes."""
        started, busy = time.perf_counter(), time.process_time()
        self.result = work()
        self.wall += time.perf_counter() - started
        self.cpu += time.process_time() - busy
        return self.result


def copies(interactions: Interactions, factor: int) -> Interactions:
    """The same interactions for `factor` copies of the users; copy c of a user is c · n_users further on."""
    step = np.repeat(np.arange(factor) * interactions.n_users, len(interactions))
    return Interactions.from_arrays(
        np.tile(interactions.user, factor) + step,
        np.tile(interactions.item, factor),
        user_ids=np.arange(factor * interactions.n_users),
        item_ids=np.arange(interactions.n_items),
    )


def copied_model(model: Spectral, train: Interactions, factor: int) -> Spectral:
    """The model for copies of its users."""
    vectors = model.embeddings()
    state = {"user": np.tile(vectors.user, (factor, 1)), "item": vectors.item}
    return Spectral.restored(model.params(), {}, FitBasis.of(train), state)


def timed_steps(model: Spectral, users: np.ndarray) -> dict[str, Clock]:
    """Scoring, our ranking and PyTorch's, block by block."""
    clocks = {name: Clock() for name in ("scoring", f"top {K}", "torch.topk")}
    rows = model.rows(users)
    step = block_rows(model.n_items)
    for start in range(0, rows.size, step):
        part = rows[start : start + step]
        scores = clocks["scoring"].time(partial(model.scores, part))
        clocks[f"top {K}"].time(partial(top_k, scores, K))
        clocks["torch.topk"].time(partial(torch.topk, torch.from_numpy(scores), K, dim=1))
    return clocks


def measure(
    folder: Path, dim: int, factors: list[int], limit: int | None, repeats: int
) -> list[dict[str, Any]]:
    """One row a factor."""
    train, valid, test = read(folder)
    both = train.merged(valid)
    fitted = Spectral(rank=dim, ridge=4.0, item_scale=0.2, half_life_days=None).fit(both)
    if limit is not None:
        test = test.subset(test.user < limit)
    results: list[dict[str, Any]] = []
    for factor in factors:
        known, asked = copies(both, factor), copies(test, factor)
        model = copied_model(fitted, known, factor)
        users = np.unique(asked.user)
        found: dict[str, list[Clock]] = {}
        with PeakMemory() as memory:
            for _ in range(repeats):
                for name, clock in timed_steps(model, users).items():
                    found.setdefault(name, []).append(clock)
                for name, auc in (("evaluate", False), ("with AUC", True)):
                    clock = Clock()
                    clock.time(partial(evaluate, model, known, asked, k=K, auc=auc))
                    found.setdefault(name, []).append(clock)
        last = found["evaluate"][-1].result
        results.append(
            {
                "dim": dim,
                "factor": factor,
                "users": last.n_users,
                "items": last.n_items,
                "ndcg": round(last["ndcg"], 4),
                "peak_mb": round(memory.megabytes),
                **{
                    name: {"seconds": min(c.wall for c in clocks), "cpu_seconds": min(c.cpu for c in clocks)}
                    for name, clocks in found.items()
                },
            }
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ROOT.parent / "shared" / "data" / "gowalla"
    parser.add_argument("folder", type=Path, nargs="?", default=default, help="holds train.txt and test.txt")
    parser.add_argument("--users", type=int, help="only the first so many; by default all")
    parser.add_argument("--dim", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--factors", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args()
    if not (arguments.folder / "train.txt").exists():
        parser.error(f"{arguments.folder}: expected train.txt and test.txt, found none; give such a folder")
    names = ("scoring", f"top {K}", "torch.topk", "evaluate", "with AUC")
    if not arguments.json:
        heads = "".join(f"{name:>18}" for name in names)
        print(f"{'dim':>5}{'users':>9}{'items':>8}{heads}{'peak MB':>9}   seconds (processor)", flush=True)
    results: list[dict[str, Any]] = []
    for dim in arguments.dim:
        rows = measure(arguments.folder, dim, arguments.factors, arguments.users, arguments.repeats)
        results += rows
        for row in () if arguments.json else rows:
            cells = [f"{row[name]['seconds']:.2f} ({row[name]['cpu_seconds']:.2f})" for name in names]
            print(
                f"{dim:>5}{row['users']:>9,}{row['items']:>8,}"
                + "".join(f"{cell:>18}" for cell in cells)
                + f"{row['peak_mb']:>9,}",
                flush=True,
            )
    load = os.getloadavg()[0]
    if arguments.json:
        print(json.dumps({"machine": machine(), "load": load, "rows": results}))
        return
    print(f"{machine()}, {torch.get_num_threads()} threads; load of the last minute {load:.1f}")


if __name__ == "__main__":
    main()
