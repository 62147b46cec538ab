"""`recsys serve` under load: answers a second, latencies, memory, start, and swaps, on the champion of a home.

    python benchmarks/serving.py http [--home .recsys] [--family item_neighbours] [--seconds 10]
        [--connections 1 8 32] [--json]

The tables that serve are copied to a home of its own, in which `recsys serve` runs as it is shipped, with one process.
The load generator runs on the same machine, in another process, and asks over connections that are kept: top 20 for a
visitor's session of ten items drawn from what customers had, or for a customer of the table `split`; `search` is a
customer who looks for a title with two errors in it, where the home has `search_index`. Each answer's
exposure is on the disk before it goes out, unless `within 50 ms` is said. A swap is a new version of the champion,
written while the load runs. `CPU` is the time that the service computes for an answer, which a busy machine changes
less than the others. `start` is from starting the command to its first answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
import uvloop
from quality import machine
from search import misspelt

from recsys_lineage.lake.blobs import read_blobs, write_blobs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake

TABLES = ("champion", "split", "item_profiles", "search_index", "lineage_records", "lineage_texts")
K, SESSION = 20, 10


def copied(home: Path, folder: Path, family: str | None) -> Lake:
    """The tables that serve, in a home of their own."""
    for table in (*TABLES, *([f"candidate_{family}"] if family else [])):
        if (home / "lake" / table).exists():
            shutil.copytree(home / "lake" / table, folder / "lake" / table)
    lake = Lake(str(folder / "lake"), Engine())
    if family:
        again(lake, f"candidate_{family}", 1)
    return lake


def again(lake: Lake, table: str, night: int) -> int:
    """Write a model as the next version of the champion, with a record of its own."""
    record = {**lake.commit(table)["record"], "id": f"{night:032x}", "asset": "champion"}
    return write_blobs(lake, "champion", read_blobs(lake, lake.version(table)), record=record).version


def questions(lake: Lake, count: int = 2000) -> tuple[list[bytes], list[bytes]]:
    """Requests for sessions and for customers."""
    split = lake.scan(lake.version("split")).select("user_id", "item_id").collect()
    draw = np.random.default_rng(0)
    items = split["item_id"].to_numpy()
    sessions = [
        _request("POST", "/recommendations", {"items": draw.choice(items, SESSION).tolist(), "k": K})
        for _ in range(count)
    ]
    users = draw.choice(split["user_id"].unique().sort().to_numpy(), count).tolist()
    return sessions, [_request("GET", f"/recommendations/{user}?k={K}", None) for user in users]


def searches(lake: Lake, count: int = 2000) -> list[bytes]:
    """Requests of customers who look for a title, with an error in each of its two longest words."""
    if not lake.has("search_index"):
        return []
    draw = np.random.default_rng(0)
    titles = lake.scan(lake.version("item_profiles")).select("title").collect()["title"].to_numpy()
    users = lake.scan(lake.version("split")).select("user_id").unique().sort("user_id").collect()["user_id"]
    return [
        _request("GET", f"/search?q={quote(misspelt(title, draw))}&user={quote(user)}&k={K}", None)
        for title, user in zip(
            draw.choice(titles, count).tolist(), draw.choice(users.to_numpy(), count).tolist(), strict=True
        )
    ]


def _request(method: str, path: str, body: object) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


async def _load(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> dict[str, Any]:
    times: list[float] = []
    versions: dict[int, set[str]] = {}
    errors = 0
    end = time.perf_counter() + seconds

    async def ask(start: int) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        at = start
        while True:
            began = time.perf_counter()
            writer.write(requests[at % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", head)
            body = await reader.readexactly(int(found[1]) if found else 0)
            times.append(time.perf_counter() - began)
            if head[9:12] != b"200":
                errors += 1
            else:
                said = re.search(rb'"model_version":(\d+),"record":"(\w+)"', body)
                assert said
                versions.setdefault(int(said[1]), set()).add(said[2].decode())
            at += 1
            if time.perf_counter() > end:
                break
        writer.close()

    began = time.perf_counter()
    results = await asyncio.gather(*(ask(start * 37) for start in range(connections)), return_exceptions=True)
    errors += sum(isinstance(each, BaseException) for each in results)
    took = np.sort(np.array(times))
    return {
        "answers": int(took.size),
        "answers_per_second": took.size / (time.perf_counter() - began),
        "p50_ms": float(np.quantile(took, 0.5)) * 1e3,
        "p99_ms": float(np.quantile(took, 0.99)) * 1e3,
        "errors": errors,
        "mixed": sum(len(records) > 1 for records in versions.values()),
        "versions": len(versions),
    }


class Served:
    """`recsys serve` in a process of its own."""

    def __init__(self, home: Path, within_ms: int = 0) -> None:
        variables = {
            "RECSYS_HOME": str(home), "RECSYS_SERVICE_PORT": "0", "RECSYS_DURABLE_WITHIN_MS": str(within_ms),
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        began = time.perf_counter()
        recsys = str(Path(sys.executable).with_name("recsys"))
        self.process = subprocess.Popen(
            [recsys, "serve"], env=os.environ | variables, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if found := re.search(r"Listening on \S+:(\d+);", line):
                self.port = int(found[1])
                break
        else:
            raise SystemExit(f"recsys serve ended: {said}")
        first = self.asked([_request("GET", f"/recommendations/x?k={K}", None)], 1, 0)
        assert first["errors"] == 0
        self.start = time.perf_counter() - began

    def asked(self, requests: Sequence[bytes], connections: int, seconds: float) -> dict[str, Any]:
        """What a load found, with the CPU time of the service for each answer."""
        before = psutil.Process(self.process.pid).cpu_times()
        found = asyncio.run(_load(self.port, requests, connections, seconds))
        after = psutil.Process(self.process.pid).cpu_times()
        busy = after.user + after.system - before.user - before.system
        return {**found, "cpu_ms": 1e3 * busy / max(1, found["answers"])}

    @property
    def memory_mb(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        "serving.py http", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=Path(".recsys"), help="in which `recsys demo` ran")
    parser.add_argument("--family", help="serve its candidate instead of the champion")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    chosen = parser.parse_args(arguments)
    if not (chosen.home / "lake" / "champion").exists():
        raise SystemExit(f"There is no champion in {chosen.home}; run `recsys demo`, or name another --home.")
    uvloop.install()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        lake = copied(chosen.home, home, chosen.family)
        sessions, customers = questions(lake)
        family = lake.commit("champion")["record"]["statistics"]["family"]
        for within in (0, 50):
            service = Served(home, within)
            service.asked(sessions, 4, 1)
            for asked, requests in (
                ("session", sessions),
                ("customer", customers),
                ("search", searches(lake)),
            ):
                if not requests:
                    continue
                for connections in chosen.connections:
                    found = service.asked(requests, connections, chosen.seconds)
                    rows.append({"asked": asked, "durable": within, "connections": connections, **found})
            if within == 0:
                timer = threading.Thread(target=_swap, args=(lake, 3, chosen.seconds))
                timer.start()
                found = service.asked(sessions, 8, chosen.seconds + 6)
                timer.join()
                rows.append({"asked": "session, 3 swaps", "durable": 0, "connections": 8, **found})
            memory, start = service.memory_mb, service.start
            service.stop()
    told = {"family": family, "memory_mb": memory, "start_seconds": start, "load": os.getloadavg()[0]}
    if chosen.json:
        print(json.dumps({"machine": machine(), **told, "rows": rows}))
        return
    print(f"{family}; {machine()}; load generator on the same machine; load {told['load']:.1f}")
    print(f"start to first answer {start:.1f} s, memory {memory:,.0f} MB")
    heads = ("answers/s", "p50 ms", "p99 ms", "CPU ms", "errors", "mixed")
    print(f"{'asked':>18}{'durable':>10}{'connections':>13}" + "".join(f"{head:>11}" for head in heads))
    for row in rows:
        durable = f"{row['durable']} ms" if row["durable"] else "before"
        print(
            f"{row['asked']:>18}{durable:>10}{row['connections']:>13}{row['answers_per_second']:>11,.0f}"
            f"{row['p50_ms']:>11.1f}{row['p99_ms']:>11.1f}{row['cpu_ms']:>11.2f}{row['errors']:>11}{row['mixed']:>11}"
        )


def _swap(lake: Lake, times: int, seconds: float) -> None:
    for night in range(times):
        time.sleep(seconds / times)
        again(lake, "champion", 100 + night)
