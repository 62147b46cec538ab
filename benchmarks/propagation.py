"""LightGCN's propagation at Gowalla's size against other kernels, forward and backward, in one run.

    python benchmarks/propagation.py [--repeats 7] [--json]

29,858 users, 40,981 items, 810,128 edges (each both ways), 64 floats, 3 layers. The kernels take turns, so that other
work on the machine slows all of them alike; the table shows the fastest run of each.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from quality import machine  # noqa: E402

from recsys_models.kernels.dgl_import import import_dgl  # noqa: E402
from recsys_models.kernels.propagation import propagate, propagation_graph  # noqa: E402

USERS, ITEMS, EDGES, DIM, LAYERS = 29_858, 40_981, 810_128, 64, 3


def edges(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs with Gowalla's sizes and popularity that falls as a power."""
    generator = np.random.default_rng(seed)
    pairs = np.empty(0, np.int64)
    while pairs.size < EDGES:
        user = (USERS * generator.random(EDGES) ** 1.8).astype(np.int64)
        item = (ITEMS * generator.random(EDGES) ** 2.2).astype(np.int64)
        pairs = np.unique(np.concatenate([pairs, user * ITEMS + item]))
    pairs = np.sort(generator.choice(pairs, EDGES, replace=False))
    return np.divmod(pairs, ITEMS)


def kernels() -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """Each computes one mean over layers."""
    dgl = import_dgl()
    user, item = edges()
    left = torch.from_numpy(np.concatenate([user, item + USERS]).astype(np.int32))
    right = torch.from_numpy(np.concatenate([item + USERS, user]).astype(np.int32))
    graph = dgl.graph((left, right), num_nodes=USERS + ITEMS, idtype=torch.int32)
    scale = graph.in_degrees().clamp(min=1).float().pow(-0.5).unsqueeze(1)
    weight = scale[left.long()] * scale[right.long()]
    order = torch.from_numpy(np.lexsort((left.numpy(), right.numpy())))
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), graph.in_degrees().cumsum(0)]).int()
    csr = torch.sparse_csr_tensor(starts, left[order], weight[order, 0], size=(USERS + ITEMS,) * 2)
    ours = {kernel: propagation_graph(user, item, USERS, ITEMS, kernel=kernel) for kernel in ("dgl", "torch")}

    def layers(step: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        def run(features: torch.Tensor) -> torch.Tensor:
            total = layer = features
            for _ in range(LAYERS):
                layer = step(layer)
                total = total + layer
            return total / (LAYERS + 1)

        return run

    return {
        "recsys_models, dgl": lambda x: propagate(ours["dgl"], x, LAYERS),
        "recsys_models, torch": lambda x: propagate(ours["torch"], x, LAYERS),
        "DGL u_mul_e_sum, edge weights": layers(lambda x: dgl.ops.u_mul_e_sum(graph, x, weight)),
        "DGL copy_u_sum, scaled nodes": layers(lambda x: dgl.ops.copy_u_sum(graph, x * scale) * scale),
        "torch CSR matmul, its own backward": layers(lambda x: csr @ x),
    }


def measure(repeats: int) -> dict[str, dict[str, float]]:
    """Fastest forward and backward of each kernel in seconds, and its largest difference from the first kernel's."""
    table = kernels()
    start = torch.randn(USERS + ITEMS, DIM, generator=torch.Generator().manual_seed(0))
    goal = torch.randn(start.shape, generator=torch.Generator().manual_seed(1))
    best: dict[str, dict[str, float]] = {
        name: {"forward": float("inf"), "backward": float("inf"), "difference": 0.0} for name in table
    }
    reference: tuple[torch.Tensor, torch.Tensor] | None = None
    for _ in range(repeats + 1):
        for name, kernel in table.items():
            features = start.clone().requires_grad_()
            begun = time.perf_counter()
            result = kernel(features)
            forward = time.perf_counter() - begun
            begun = time.perf_counter()
            (gradient,) = torch.autograd.grad(result, features, goal)
            backward = time.perf_counter() - begun
            row = best[name]
            row["forward"], row["backward"] = min(row["forward"], forward), min(row["backward"], backward)
            reference = reference or (result.detach(), gradient)
            row["difference"] = max(
                (result.detach() - reference[0]).abs().max().item(),
                (gradient - reference[1]).abs().max().item(),
            )
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results: dict[str, Any] = measure(arguments.repeats)
    totals = {name: row["forward"] + row["backward"] for name, row in results.items()}
    fastest = min(total for name, total in totals.items() if not name.startswith("recsys_models"))
    for name, row in results.items():
        row["ratio"] = totals[name] / fastest
    if arguments.json:
        print(json.dumps(results))
        return
    print(f"{'kernel':<38}{'forward s':>11}{'backward s':>11}{'to the best':>13}{'difference':>12}")
    for name, row in results.items():
        print(
            f"{name:<38}{row['forward']:>11.4f}{row['backward']:>11.4f}{row['ratio']:>12.2f}x{row['difference']:>12.1e}"
        )
    print(f"{machine()}, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
