"""`recsys serve` under load: answers a second, latencies, memory, start, and swaps, on the champion of a home.

    python benchmarks/serving.py http [--home .recsys] [--family item_neighbours] [--seconds 10]
        [--workers 1] [--connections 1 8 32] [--json]

The tables that serve are copied to a home of its own, in which `recsys serve` runs as it is shipped, with as many
processes as are asked for. The load generator runs on the same machine, in another process, and asks over connections
that are kept: top 20 for a visitor's session of ten items drawn from what customers had, or for a customer of the table
`split`; `search` is a customer who looks for a title with two errors in it, where the home has `search_index`;
`prepared` is what a customer is answered where no list is computed (RECSYS_MOST_WAITING=0): the night's list, by every
rule. Each answer's exposure is on the disk before it goes out, unless `50 ms` is said. A swap is a new version of the
champion, written while the load runs. `CPU` is the time that the service computes for an answer, which a busy machine
changes less than the others, and `load` that of the generator; `busiest` is the part of it that one worker had.
`prepared` is the share of answers that say so. `start` is from starting the command to its first answer.
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
from typing import Any, cast
from urllib.parse import quote

import numpy as np
import psutil
import uvloop
from quality import machine
from search import misspelt

from recsys_lineage.lake.blobs import read_blobs, write_blobs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake

TABLES = (
    "champion", "split", "item_profiles", "search_index", "recommendations", "lineage_records", "lineage_texts",
)  # fmt: skip
K, SESSION = 20, 10
_LENGTH = re.compile(rb"content-length: (\d+)")
_MADE_BY = re.compile(rb'"model_version":(\d+),"record":"(\w+)"')


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


class _Asking(asyncio.Protocol):
    """One kept connection, which asks the next question as soon as the one before is answered."""

    def __init__(self, requests: Sequence[bytes], at: int, end: float, seen: _Seen) -> None:
        self._requests, self._at, self._end, self._seen = requests, at, end, seen
        self._answer = bytearray()
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        self._began, self._whole = time.perf_counter(), None
        self._transport.write(self._requests[self._at % len(self._requests)])

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._whole is None and (head := self._answer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._answer, 0, head)
            self._whole = head + 4 + (int(found[1]) if found else 0)
        if self._whole is None or len(self._answer) < self._whole:
            return
        now = time.perf_counter()
        self._seen.answered(now - self._began, self._answer)
        self._answer.clear()
        self._at += 1
        if now > self._end:
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._seen.errors += time.perf_counter() <= self._end
        self.ended.set_result(None)


class _Seen:
    """What a load found out."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.versions: dict[int, set[bytes]] = {}
        self.errors = self.prepared = 0

    def answered(self, seconds: float, answer: bytearray) -> None:
        self.times.append(seconds)
        if answer[9:12] != b"200":
            self.errors += 1
            return
        said = _MADE_BY.search(answer)
        assert said
        self.versions.setdefault(int(said[1]), set()).add(bytes(said[2]))
        self.prepared += b'"degraded":true' in answer


async def _load(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> dict[str, Any]:
    seen, loop = _Seen(), asyncio.get_running_loop()
    began, busy = time.perf_counter(), time.process_time()
    asking = [
        (
            await loop.create_connection(
                lambda start=start: _Asking(requests, start * 37, began + seconds, seen), "127.0.0.1", port
            )
        )[1]
        for start in range(connections)
    ]
    await asyncio.gather(*(each.ended for each in asking))
    took = np.sort(np.array(seen.times))
    return {
        "answers": int(took.size),
        "answers_per_second": took.size / (time.perf_counter() - began),
        "p50_ms": float(np.quantile(took, 0.5)) * 1e3,
        "p99_ms": float(np.quantile(took, 0.99)) * 1e3,
        "errors": seen.errors,
        "mixed": sum(len(records) > 1 for records in seen.versions.values()),
        "versions": len(seen.versions),
        "prepared": seen.prepared,
        "load_ms": 1e3 * (time.process_time() - busy) / max(1, took.size),
    }


class Served:
    """`recsys serve` in processes of its own.

    Args:
        home: in which it runs.
        within_ms: how soon what it shows is durable; 0: before the answer goes out.
        workers: how many processes answer.
        most_waiting: lists that may wait to be computed; with 0 every list is a prepared one.
    """

    def __init__(self, home: Path, within_ms: int = 0, workers: int = 1, most_waiting: int = 32) -> None:
        variables = {
            "RECSYS_HOME": str(home), "RECSYS_SERVICE_PORT": "0", "RECSYS_DURABLE_WITHIN_MS": str(within_ms),
            "RECSYS_MOST_WAITING": str(most_waiting), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        began = time.perf_counter()
        recsys = str(Path(sys.executable).with_name("recsys"))
        self.process = subprocess.Popen(
            [recsys, "serve", "--workers", str(workers)],
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            text=True,
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
        for _ in range(
            workers if workers > 1 else 0
        ):  # of several, each says what it serves once it is ready
            while "serves" not in self.process.stdout.readline():
                pass
        first = self.asked([_request("GET", f"/recommendations/x?k={K}", None)], 1, 0)
        assert first["errors"] == 0
        self.start = time.perf_counter() - began

    @property
    def processes(self) -> list[psutil.Process]:
        """Those that answer."""
        above = psutil.Process(self.process.pid)
        workers = [each for each in above.children() if "resource_tracker" not in " ".join(each.cmdline())]
        return workers or [above]

    def asked(self, requests: Sequence[bytes], connections: int, seconds: float) -> dict[str, Any]:
        """What a load found, with the CPU time of the service for each answer, and the largest part that one of its
        processes had in it."""
        before = [_busy(each) for each in self.processes]
        found = asyncio.run(_load(self.port, requests, connections, seconds))
        busy = [_busy(each) - at for each, at in zip(self.processes, before, strict=True)]
        most = max(busy) / sum(busy) if sum(busy) else 1.0
        return {**found, "cpu_ms": 1e3 * sum(busy) / max(1, found["answers"]), "busiest": most}

    @property
    def memory_mb(self) -> list[float]:
        """Proportional set size of each process that answers: its own memory, and its part of what several share."""
        return [each.memory_full_info().pss / 2**20 for each in self.processes]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def _busy(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        "serving.py http", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=Path(".recsys"), help="in which `recsys demo` ran")
    parser.add_argument("--family", help="serve its candidate instead of the champion")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[1], help="numbers of processes that answer"
    )
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
        starts: dict[int, float] = {}
        memory: dict[int, list[float]] = {}
        asked: tuple[tuple[str, list[bytes]], ...] = (
            ("session", sessions), ("customer", customers), ("search", searches(lake)),
        )  # fmt: skip
        for workers in chosen.workers:
            for within, most_waiting in ((0, 32), (50, 32), (50, 0)):
                service = Served(home, within, workers, most_waiting)
                service.asked(sessions, 4 * workers, 1)
                for kind, requests in asked if most_waiting else (("prepared", customers),):
                    for connections in chosen.connections if requests else ():
                        found = service.asked(requests, connections, chosen.seconds)
                        told = {"asked": kind, "workers": workers, "durable": within}
                        rows.append({**told, "connections": connections, **found})
                if within == 0:
                    timer = threading.Thread(target=_swap, args=(lake, 3, chosen.seconds))
                    timer.start()
                    found = service.asked(sessions, 8, chosen.seconds + 6)
                    timer.join()
                    told = {"asked": "session, 3 swaps", "workers": workers, "durable": 0, "connections": 8}
                    rows.append({**told, **found})
                if most_waiting:
                    memory[workers], starts[workers] = service.memory_mb, service.start
                service.stop()
    told = {"family": family, "memory_mb": memory, "start_seconds": starts, "load": os.getloadavg()[0]}
    if chosen.json:
        print(json.dumps({"machine": machine(), **told, "rows": rows}))
        return
    print(f"{family}; {machine()}; load generator on the same machine; load {told['load']:.1f}")
    for workers in chosen.workers:
        each = ", ".join(f"{mb:,.0f}" for mb in memory[workers])
        print(f"{workers} worker(s): start to first answer {starts[workers]:.1f} s, memory (PSS) {each} MB")
    heads = ("answers/s", "p50 ms", "p99 ms", "CPU ms", "busiest", "load ms", "prepared", "errors", "mixed")
    print(
        f"{'asked':>18}{'workers':>9}{'durable':>10}{'connections':>13}"
        + "".join(f"{head:>11}" for head in heads)
    )
    for row in rows:
        durable = f"{row['durable']} ms" if row["durable"] else "before"
        print(
            f"{row['asked']:>18}{row['workers']:>9}{durable:>10}{row['connections']:>13}"
            f"{row['answers_per_second']:>11,.0f}{row['p50_ms']:>11.1f}{row['p99_ms']:>11.1f}{row['cpu_ms']:>11.2f}"
            f"{row['busiest']:>11.0%}{row['load_ms']:>11.2f}{row['prepared'] / row['answers']:>11.0%}"
            f"{row['errors']:>11}{row['mixed']:>11}"
        )


def _swap(lake: Lake, times: int, seconds: float) -> None:
    for night in range(times):
        time.sleep(seconds / times)
        again(lake, "champion", 100 + night)
