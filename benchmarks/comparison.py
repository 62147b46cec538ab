"""LightGCN and factorizations beside other libraries', on one folder of interaction lists, in one run.

    python benchmarks/comparison.py DIR [--steps 5] [--epochs 1] [--json]

Beside `torch-geometric`, `recbole` and `implicit`, installed by hand; one that is not there is left out and named. An
epoch of the published LightGCN (3 layers, 64 floats, BPR, batches of 2,048 pairs) is measured as a whole here, and by
the median of some steps in the other libraries, whose epochs take too long. Then implicit's ALS and BPR, with their own
defaults but 64 floats, and the families here that are their like, each fitted on train and valid and asked for the
test once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from quality import PeakMemory, machine, read  # noqa: E402

from recsys_models import IALS, Interactions, LightGCN, MatrixFactorization, evaluate  # noqa: E402
from recsys_models.embedding_recommender import EmbeddingRecommender  # noqa: E402
from recsys_models.training.fit_run import FitRun  # noqa: E402

BATCH, DIM, LAYERS = 2048, 64, 3


def our_epoch(train: Interactions, epochs: int) -> float:
    """Seconds of an epoch, between the ends of the first and the last of `epochs` + 1."""
    ends: list[float] = []
    model = LightGCN.paper(epochs=epochs + 1)
    model.fit(train, on_epoch=lambda *_: ends.append(time.perf_counter()))
    return (ends[-1] - ends[0]) / epochs


def batches(train: Interactions) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Users, their items and drawn items, as node numbers."""
    generator = np.random.default_rng(0)
    while True:
        at = generator.integers(0, len(train), BATCH)
        other = generator.integers(0, train.n_items, BATCH)
        columns = (train.user[at], train.item[at] + train.n_users, other + train.n_users)
        yield tuple(torch.from_numpy(column.astype(np.int64)) for column in columns)  # type: ignore[misc]


def median_step(step: Callable[[], None], steps: int) -> float:
    step()
    seconds = []
    for _ in range(steps):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def both_ways(train: Interactions) -> torch.Tensor:
    pairs = train.user_items().tocoo()
    left = np.concatenate([pairs.row, pairs.col + train.n_users])
    right = np.concatenate([pairs.col + train.n_users, pairs.row])
    return torch.from_numpy(np.stack([left, right]).astype(np.int64))


def geometric_step(train: Interactions, compiled: bool) -> Callable[[], None]:
    """A step of PyTorch Geometric's LightGCN, on an edge list, or on torch-sparse's SparseTensor."""
    from torch_geometric.nn import LightGCN as Geometric

    n_nodes = train.n_users + train.n_items
    edges: Any = both_ways(train)
    if compiled:
        from torch_sparse import SparseTensor

        edges = SparseTensor(row=edges[1], col=edges[0], sparse_sizes=(n_nodes, n_nodes))
    model = Geometric(n_nodes, DIM, LAYERS)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    drawn = batches(train)

    def step() -> None:
        user, item, other = next(drawn)
        asked = torch.cat([torch.stack([user, item]), torch.stack([user, other])], dim=1)
        optimiser.zero_grad()
        if compiled:
            vectors = model.get_embedding(edges)
            ranks = (vectors[asked[0]] * vectors[asked[1]]).sum(1)
        else:
            ranks = model(edges, asked)
        right, wrong = ranks.chunk(2)
        model.recommendation_loss(right, wrong, node_id=asked.unique()).backward()
        optimiser.step()

    return step


def recbole_step(train: Interactions) -> Callable[[], None]:
    """A step of RecBole's LightGCN; its model wants a config and a data set, of which it uses these parts."""
    import scipy.sparse as sp
    from recbole.model.general_recommender.lightgcn import LightGCN as RecBole

    class Config(dict):
        final_config_dict: ClassVar[dict[str, Any]] = {}

    class Data:
        def num(self, field: str) -> int:
            return train.n_users if field == "user_id" else train.n_items

        def inter_matrix(self, form: str = "coo") -> sp.coo_matrix:
            return sp.coo_matrix(train.user_items())

    if not hasattr(sp.dok_matrix, "_update"):  # SciPy 1.13 took away what RecBole 1.2 builds its matrix with
        sp.dok_matrix._update = lambda self, entries: self._dict.update(entries)  # type: ignore[attr-defined]
    config = Config(
        USER_ID_FIELD="user_id", ITEM_ID_FIELD="item_id", NEG_PREFIX="neg_", device=torch.device("cpu"),
        embedding_size=DIM, n_layers=LAYERS, reg_weight=1e-4, require_pow=False,
    )  # fmt: skip
    model = RecBole(config, Data())
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    drawn = batches(train)

    def step() -> None:
        user, item, other = next(drawn)
        optimiser.zero_grad()
        model.calculate_loss(
            {"user_id": user, "item_id": item - train.n_users, "neg_item_id": other - train.n_users}
        ).backward()
        optimiser.step()

    return step


def epochs(train: Interactions, steps: int, ours: int) -> dict[str, Any]:
    """Seconds of an epoch by library, and how many times faster ours is."""
    others: dict[str, tuple[str, Callable[[], Callable[[], None]]]] = {
        "PyTorch Geometric": ("torch_geometric", lambda: geometric_step(train, compiled=False)),
        "PyTorch Geometric, torch-sparse": ("torch_sparse", lambda: geometric_step(train, compiled=True)),
        "RecBole": ("recbole", lambda: recbole_step(train)),
    }
    count = round(train.user_items().nnz / BATCH)
    found: dict[str, Any] = {"recsys_models": {"epoch": our_epoch(train, ours)}}
    for name, (package, make) in others.items():
        if find_spec(package) is None:
            found[name] = {"missing": package}
            continue
        try:
            step = median_step(make(), steps)
        except Exception as error:  # another library's failure is a line of the table
            found[name] = {"failed": f"{type(error).__name__}: {error}"[:100]}
            continue
        found[name] = {"step": step, "epoch": step * count}
    found["recsys_models, again"] = {"epoch": our_epoch(train, ours)}
    mine = min(found["recsys_models"]["epoch"], found["recsys_models, again"]["epoch"])
    for row in found.values():
        if "epoch" in row:
            row["times slower"] = row["epoch"] / mine
    return found


class _Implicit(EmbeddingRecommender):
    """A model of implicit behind the contract, so that it is evaluated by the same code."""

    family = "implicit"

    def __init__(self, algorithm: str) -> None:
        super().__init__()
        self._algorithm = algorithm

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        import implicit.als
        import implicit.bpr
        import scipy.sparse as sp

        made: Any = {
            "ALS": implicit.als.AlternatingLeastSquares,
            "BPR": implicit.bpr.BayesianPersonalizedRanking,
        }[self._algorithm]
        model = made(factors=DIM, random_state=run.seed, num_threads=os.cpu_count() or 1, use_gpu=False)
        model.fit(sp.csr_matrix(self.seen), show_progress=False)
        self._user_vectors = np.ascontiguousarray(model.user_factors, np.float32)
        self._item_factors = np.ascontiguousarray(model.item_factors, np.float32)


def factorizations(train: Interactions, valid: Interactions, test: Interactions) -> dict[str, Any]:
    """Recall and NDCG at 20 on the test, seconds and peak memory of training."""
    both = train.merged(valid)
    makers: dict[str, Callable[[], Any]] = {
        "ials, 64 floats": lambda: IALS(dim=DIM).fit(both),
        "matrix_factorization, BPR": lambda: MatrixFactorization(dim=DIM).fit(both),
        "lightgcn, spectral start": lambda: LightGCN(dim=DIM).fit(both),
    }
    if find_spec("implicit"):
        makers["implicit ALS"] = lambda: _Implicit("ALS").fit(both)
        makers["implicit BPR"] = lambda: _Implicit("BPR").fit(both)
    found: dict[str, Any] = {}
    for name, make in makers.items():
        began, busy = time.perf_counter(), time.process_time()
        with PeakMemory() as memory:
            model = make()
        seconds, cpu = time.perf_counter() - began, time.process_time() - busy
        result = evaluate(model, both, test)
        found[name] = {
            "recall": result["recall"], "ndcg": result["ndcg"], "seconds": seconds, "cpu_seconds": cpu,
            "peak_mb": memory.megabytes,
        }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="holds train.txt, test.txt and perhaps valid.txt")
    parser.add_argument("--steps", type=int, default=5, help="of other libraries")
    parser.add_argument("--epochs", type=int, default=1, help="of ours")
    parser.add_argument("--only", choices=("epochs", "factorizations"))
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args()
    train, valid, test = read(arguments.folder)
    results: dict[str, Any] = {}
    if arguments.only != "factorizations":
        results["epochs"] = epochs(train, arguments.steps, arguments.epochs)
    if arguments.only != "epochs":
        results["factorizations"] = factorizations(train, valid, test)
    if arguments.json:
        print(json.dumps(results))
        return
    for part, rows in results.items():
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        print(f"\n{part:<34}" + "".join(f"{column:>14}" for column in columns))
        for name, row in rows.items():
            cells = [row.get(column, "") for column in columns]
            print(
                f"{name:<34}" + "".join(f"{c:>14.4g}" if isinstance(c, float) else f"{c:>14}" for c in cells)
            )
    print(machine())


if __name__ == "__main__":
    main()
