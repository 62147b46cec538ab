"""What a user would write instead of `recsys serve`: implicit behind twenty lines of FastAPI, under the same load.

    python benchmarks/serving.py beside [--home .recsys] [--seconds 5] [--connections 1 8] [--json]

implicit is installed by hand (`pip install implicit`); it is no dependency of the project. Its ALS (64 factors, five
iterations, for what is measured is the answer, not the list) is fitted to what customers bought. A session is answered
as its documentation says, by a user's factors computed anew from the session's items (`recalculate_user`), top 20, by
orjson. There are no rules, reasons, versions, exposures, experiments or checks in it: it is what an answer costs so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from quality import machine
from serving_http import _busy, _load, copied, questions

APP = '''
import os
import implicit.als, numpy as np, orjson, scipy.sparse as sp
from fastapi import FastAPI, Request, Response

had = np.load(os.environ["HAD"], allow_pickle=False)
items, place = had["items"].tolist(), {item: at for at, item in enumerate(had["items"].tolist())}
users = {user: at for at, user in enumerate(had["users"].tolist())}
bought = sp.csr_matrix((np.ones(had["row"].size, np.float32), (had["row"], had["column"])))
model = implicit.als.AlternatingLeastSquares(factors=64, iterations=5, num_threads=1, random_state=0)
model.fit(bought, show_progress=False)
app = FastAPI()
def told(ids, scores):
    found = [{"item": items[at], "score": score} for at, score in zip(ids.tolist(), scores.tolist())]
    return Response(orjson.dumps({"model_version": 0, "record": "none", "items": found}), media_type="application/json")
@app.get("/recommendations/{user}")
async def of_user(user: str, k: int = 20):
    at = users[user]
    return told(*model.recommend(at, bought[at], N=k))
@app.post("/recommendations")
async def of_session(request: Request):
    asked = await request.json()
    at = sorted({place[item] for item in asked["items"] if item in place})
    row = sp.csr_matrix((np.ones(len(at), np.float32), ([0] * len(at), at)), shape=(1, len(items)))
    return told(*model.recommend(0, row, N=asked["k"], recalculate_user=True))
'''  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        "serving.py beside", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=Path(".recsys"), help="in which `recsys demo` ran")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    chosen = parser.parse_args(arguments)
    if find_spec("implicit") is None:
        raise SystemExit("implicit is not installed: pip install implicit")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lake = copied(chosen.home, folder, None)
        bought = lake.scan(lake.version("split")).filter("is_target").select("user_id", "item_id").collect()
        users, items = (bought[name].unique().sort() for name in bought.columns)
        codes = {
            name: np.searchsorted(known.to_numpy().astype(str), bought[column].to_numpy().astype(str))
            for name, column, known in (("row", "user_id", users), ("column", "item_id", items))
        }
        names = {"users": users.to_numpy().astype(str), "items": items.to_numpy().astype(str)}
        np.savez(folder / "had.npz", allow_pickle=False, **codes, **names)
        (folder / "beside.py").write_text(APP)
        told = _measured(folder, *questions(lake), chosen.connections, chosen.seconds)
    if chosen.json:
        print(json.dumps({"machine": machine(), **told}))
        return
    print(f"implicit and FastAPI; {machine()}; load {os.getloadavg()[0]:.1f}; start {told['start_seconds']:.1f} s, "
          f"memory {told['memory_mb']:,.0f} MB")  # fmt: skip
    print(
        f"{'asked':>10}{'connections':>13}{'answers/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'errors':>8}"
    )
    for row in told["rows"]:
        print(
            f"{row['asked']:>10}{row['connections']:>13}{row['answers_per_second']:>11,.0f}{row['p50_ms']:>9.1f}"
            f"{row['p99_ms']:>9.1f}{row['cpu_ms']:>9.2f}{row['errors']:>8}"
        )


def _measured(
    folder: Path, sessions: list[bytes], customers: list[bytes], connections: Sequence[int], seconds: float
) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "uvicorn", "beside:app", "--port", str(port), "--log-level", "warning"]
    variables = {"HAD": str(folder / "had.npz"), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--no-access-log", "--app-dir", str(folder)], env=os.environ | variables
    )
    try:
        while True:
            try:
                asyncio.run(_load(port, customers, 1, 0))
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit("it ended") from None
                time.sleep(0.05)
        start, answers = time.perf_counter() - began, psutil.Process(process.pid)
        rows: list[dict[str, Any]] = []
        for kind, requests in (("session", sessions), ("customer", customers)):
            for number in connections:
                busy = _busy(answers)
                found = asyncio.run(_load(port, requests, number, seconds))
                cost = 1e3 * (_busy(answers) - busy) / max(1, found["answers"])
                rows.append({"asked": kind, "connections": number, **found, "cpu_ms": cost})
        memory = answers.memory_full_info().pss / 2**20
        return {"start_seconds": start, "memory_mb": memory, "rows": rows}
    finally:
        process.terminate()
        process.wait()
