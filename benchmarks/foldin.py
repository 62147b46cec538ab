"""Folding in: how near it comes to the fit, and how many customers a second are answered.

    python benchmarks/serving.py foldin [--shop complete-journey online-retail] [--family NAME …] [--customers 500]
        [--answers 2000] [--session 10] [--data ../shared/data/online-retail] [--judged] [--json]

Each family is fitted on all purchases of a shop with its own settings, without validation. `overlap@20` is the mean
number of items that the lists of 20 have in common when customers are listed by the fit and when the history that they
were fitted with is folded in; `same` is the share of lists that are equal in order too. `answers` are lists of 20 for
one customer at a time, each with a made-up session of items drawn by popularity and left out of the list, on one
thread; `of CPU` counts CPU seconds instead of wall seconds, which other work on the machine lengthens;
`first` is the first of them, which prepares what the others use. `folded` are customers a second in blocks.

With `--judged` it says instead how good the lists are: NDCG@20 of the last weeks, by what was bought before, of the
lists of the fit and of those of the folded histories, of new items and with repeat purchases.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
from models_shop import SHOPS, WEEKS, Shop, compact, unfitted  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from quality import machine  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from recsys_models import (  # noqa: E402
    History,
    Interactions,
    Recommender,
    evaluate,
    families,
    time_split,
)
from recsys_models.kernels.top_items import mask_items, top_k  # noqa: E402

K = 20
BLOCK = 32


def histories(interactions: Interactions, users: NDArray[np.integer]) -> list[History]:
    """What each of the users, given by row, did, in the order of the interactions."""
    order = np.argsort(interactions.user, kind="stable")
    starts = np.searchsorted(interactions.user[order], np.arange(interactions.n_users + 1))
    found: list[History] = []
    for user in users.tolist():
        rows = order[starts[user] : starts[user + 1]]
        moment = interactions.timestamp
        found.append(
            History(
                interactions.item[rows],
                timestamps=None if moment is None else moment[rows],
                weights=interactions.weight[rows],
            )
        )
    return found


def parity(model: Recommender, interactions: Interactions, users: NDArray[np.integer]) -> dict[str, float]:
    """How much the lists of the fit and the folded ones have in common, and customers folded in a second."""
    common, same, seconds = 0, 0, 0.0
    for start in range(0, users.size, BLOCK):
        rows = users[start : start + BLOCK]
        given = histories(interactions, rows)
        began = time.perf_counter()
        folded = model.fold_in(given)
        seconds += time.perf_counter() - began
        lists: list[NDArray[np.int32]] = []
        for scores in (model.scores(rows), folded):
            mask_items(scores, model.seen, rows)
            lists.append(top_k(scores, K)[0])
        common += sum(np.intersect1d(a, b).size for a, b in zip(*lists, strict=True))
        same += int((lists[0] == lists[1]).all(1).sum())
    return {"overlap": common / users.size, "same": same / users.size, "folded": users.size / seconds}


def speed(model: Recommender, answers: int, session: int) -> dict[str, float]:
    """Lists for one customer at a time: how many a second, and how long the slow ones take."""
    luck = np.random.default_rng(1)
    owned = model.seen.indices
    sessions = owned[luck.integers(0, owned.size, (answers + 1, session))].astype(np.int32)
    moments: list[float] = []
    busy: list[float] = []
    for items in sessions:
        began, worked = time.perf_counter(), time.process_time()
        model.answer(History(items), K, exclude=items)
        moments.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
    taken = np.array(moments[1:]) * 1e3
    return {
        "answers": 1e3 / taken.mean(),
        "answers_cpu": 1 / np.mean(busy[1:]),
        "p50_ms": float(np.quantile(taken, 0.5)),
        "p99_ms": float(np.quantile(taken, 0.99)),
        "first_ms": moments[0] * 1e3,
    }


def measure(shop: Shop, name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """A family on a shop, whose catalogue holds all described items."""
    bought = shop.interactions
    interactions = Interactions.from_arrays(
        bought.user_ids[bought.user],
        bought.item_ids[bought.item],
        timestamp=bought.timestamp,
        item_ids=shop.items.ids,
    )
    began = time.perf_counter()
    model = unfitted(name).with_features(users=shop.users, items=shop.items).fit(interactions)
    seconds = time.perf_counter() - began
    warm = np.flatnonzero(np.diff(model.seen.indptr))
    users = np.random.default_rng(0).permutation(warm)[: arguments.customers]
    import torch

    torch.set_num_threads(1)
    with threadpool_limits(1, "blas"):
        quick = speed(model, arguments.answers, arguments.session)
        near = parity(model, interactions, np.sort(users))
    return {"family": name, "fit_seconds": seconds, **near, **quick}


def judged(shop: Shop, name: str, seed: int) -> dict[str, Any]:
    """NDCG@20 of a family's lists for the last weeks, of the fit and of the same histories folded in."""
    train, valid, test = time_split(shop.interactions, valid_days=WEEKS, test_days=WEEKS)
    both, train = compact(train.merged(valid)), compact(train)
    model = unfitted(name).with_features(users=shop.users, items=shop.items)
    model.fit(train, validation=valid.within(train), seed=seed)
    final = model.retrained(both, seed=seed)
    given = histories(both, np.arange(both.n_users))
    scores = np.vstack([final.fold_in(given[at : at + BLOCK]) for at in range(0, len(given), BLOCK)])
    folded = copy.copy(final)
    folded.score_block = lambda user_rows: scores[user_rows]  # type: ignore[method-assign]
    found: dict[str, Any] = {"family": name, "seed": seed}
    for kind, exclude_seen in (("new", True), ("repeat", False)):
        for who, lists in (("fit", final), ("folded", folded)):
            found[f"{who}_{kind}"] = evaluate(lists, both, test.within(both), exclude_seen=exclude_seen)[
                "ndcg"
            ]
    return found


def main(given: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="serving.py foldin",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shop", nargs="+", choices=sorted(SHOPS), default=sorted(SHOPS))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "online-retail")
    parser.add_argument("--family", nargs="+", default=list(families))
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--session", type=int, default=10, help="number of items of a session")
    parser.add_argument("--judged", action="store_true", help="say how good the lists are")
    parser.add_argument("--seed", type=int, default=0, help="of the fits that are judged")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args(given)
    for variant in arguments.family:
        try:
            unfitted(variant)
        except ValueError as error:
            parser.error(str(error))
    results: list[dict[str, Any]] = []
    for name in arguments.shop:
        shop = SHOPS[name](arguments.data)
        if arguments.judged:
            for family in arguments.family:
                results.append({"shop": name, **judged(shop, family, arguments.seed)})
                if not arguments.json:
                    print(results[-1], flush=True)
            continue
        sizes = f"{shop.interactions.n_users:,} customers, {shop.items.ids.size:,} items"
        heads = (
            "fit s",
            "overlap",
            "same",
            "folded/s",
            "answers/s",
            "of CPU",
            "p50 ms",
            "p99 ms",
            "first ms",
        )
        if not arguments.json:
            print(f"\n{name}: {sizes}\n{'family':<22}" + "".join(f"{head:>11}" for head in heads), flush=True)
        for family in arguments.family:
            row = {"shop": name, **measure(shop, family, arguments)}
            results.append(row)
            if not arguments.json:
                cells = (
                    f"{row['fit_seconds']:.1f}",
                    f"{row['overlap']:.2f}",
                    f"{row['same']:.3f}",
                    f"{row['folded']:.0f}",
                    f"{row['answers']:.0f}",
                    f"{row['answers_cpu']:.0f}",
                    f"{row['p50_ms']:.2f}",
                    f"{row['p99_ms']:.2f}",
                    f"{row['first_ms']:.0f}",
                )
                print(f"{family:<22}" + "".join(f"{cell:>11}" for cell in cells), flush=True)
    load = os.getloadavg()[0]
    if arguments.json:
        print(json.dumps({"machine": machine(), "load": load, "rows": results}))
        return
    print(f"{machine()}; load {load:.1f}")
