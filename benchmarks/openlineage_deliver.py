"""Delivery of OpenLineage events: its speed, its memory, what a slow catalog and what faults cost.

    python benchmarks/openlineage_deliver.py deliver    100,000 pending records to a sink that takes all at once
    python benchmarks/openlineage_deliver.py slow       a sink of 28 events a second, at 1, 4 and 16 times the queue
    python benchmarks/openlineage_deliver.py faults     10,000 materializations, 20 outages, 5 kills
    python benchmarks/openlineage_deliver.py demo       the demo with events sent and not

The sink is a process of its own on this machine; the sender's seconds and memory are its own process's. Records are
those of `benchmarks/openlineage.py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # A file beside this one is named like the client's package.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.openlineage import nights
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.client_settings import ClientSettings, TransportSettings
from recsys_lineage.openlineage.delivery.delivery import Delivery
from recsys_lineage.openlineage.delivery.sender import SystemClock
from recsys_lineage.openlineage.destinations.opening import opened
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.records.records import Records

_PROCESSES = multiprocessing.get_context("spawn")
_SLOW = 28
_ANSWER = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n"


class InstantClock(SystemClock):
    """A clock whose waits are over at once."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds of the epoch, and of all waits."""
        return time.time() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Let that time pass."""
        self._ahead += seconds


def sink(
    port: Any, seconds: float, faults: Mapping[int, str], kills: set[int], told: Any, victim: Any
) -> None:
    """Take events one after the other, each after some seconds; at requests of these numbers misbehave, or kill."""
    one_at_a_time, count = threading.Lock(), itertools.count()

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while body := _request(lines):
                with one_at_a_time:
                    number = next(count)
                    fault = faults.get(number, "")
                    if number in kills and victim is not None:
                        os.kill(victim.get(), signal.SIGKILL)
                    if seconds:
                        time.sleep(seconds)
                    if told is not None and fault in ("", "stored500", "storedreset"):
                        told.put(body)
                if fault.endswith("reset"):
                    break
                status = {"500": 500, "stored500": 500, "503": 503, "429": 429}.get(fault, 201)
                try:
                    connection.sendall(_ANSWER % status)
                except OSError:
                    break

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        port.put(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def _request(lines: Any) -> bytes | None:
    """The body of a connection's next request."""
    try:
        length = 0
        while (line := lines.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return lines.read(length) if length else None
    except OSError:
        return None


class Running:
    """A sink that runs."""

    def __init__(
        self, *, seconds: float = 0.0, faults: Mapping[int, str] | None = None, kills: set[int] | None = None,
        stores: bool = False,
    ) -> None:  # fmt: skip
        port: Any = _PROCESSES.Queue()
        self.told: Any = _PROCESSES.Queue() if stores else None
        self.victim: Any = _PROCESSES.Queue() if kills else None
        arguments = (port, seconds, faults or {}, kills or set(), self.told, self.victim)
        self._process = _PROCESSES.Process(target=sink, args=arguments, daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{port.get()}"

    def stop(self) -> None:
        """End it."""
        self._process.kill()


def delivery_of(folder: str, url: str, *, instant: bool = False, workers: int = 1) -> Delivery:
    """The delivery of a lake below a folder to one catalog, with so many events under way at once."""
    lake = Lake(f"{folder}/lake", Engine("256MB", 1))
    settings = ClientSettings((TransportSettings("sink", "http", {"url": url, "timeout": 20}, "benchmark"),))
    state = Path(folder, "openlineage")
    clock = InstantClock() if instant else SystemClock()
    return Delivery(lake, Stream(lake), state, lambda _again: opened(settings, state, workers=workers), clock)


def fill(folder: str, records: int) -> int:
    """Make a lake of so many records; returns how many there are."""
    lake, count, block = Records(Lake(f"{folder}/lake", Engine(threads=1))), 0, []
    for night in nights(records):
        block += night
        if len(block) >= 2_000:
            lake.append(block)
            count, block = count + len(block), []
    lake.append(block)
    return count + len(block)


def measured(folder: str, url: str, seconds: float | None, workers: int, queue: Any) -> None:
    """Send, and tell what it took; the work of a process of its own."""
    before, began, cpu = _peak(), time.perf_counter(), time.process_time()
    (done,) = delivery_of(folder, url, workers=workers).send(
        until=None if seconds is None else time.time() + seconds
    )
    queue.put(
        {
            "events": done.taken,
            "state": done.state,
            "wall seconds": round(time.perf_counter() - began, 1),
            "CPU seconds": round(time.process_time() - cpu, 1),
            "peak MB": _peak(),
            "of which before the first event": before,
        }
    )


def in_a_process(work: Callable[..., None], *arguments: Any) -> dict[str, Any]:
    """What a piece of work tells that has a process to itself."""
    queue: Any = _PROCESSES.Queue()
    process = _PROCESSES.Process(target=work, args=(*arguments, queue))
    process.start()
    found = queue.get()
    process.join()
    return found


def deliver(records: int) -> dict[str, Any]:
    """All pending records to a sink that takes all at once."""
    with tempfile.TemporaryDirectory() as folder:
        count, running = fill(folder, records), Running()
        found = in_a_process(measured, folder, running.url, None, 1)
        running.stop()
    rate = round(found["events"] / found["wall seconds"])
    each = round(found["CPU seconds"] / found["events"] * 1e6)
    return {"records": count, **found, "events a second": rate, "CPU µs an event": each}


def slow(records: int, seconds: float) -> list[dict[str, Any]]:
    """A sink of 28 events a second: how busy it is kept, and what an event costs, whatever is pending."""
    rows = []
    for times, workers in itertools.product((1, 4, 16), (1, 2)):
        with tempfile.TemporaryDirectory() as folder:
            count, running = fill(folder, records * times), Running(seconds=1 / _SLOW)
            ticks = [in_a_process(measured, folder, running.url, seconds, workers) for _ in range(3)]
            running.stop()
        events, cpu = sum(tick["events"] for tick in ticks), sum(tick["CPU seconds"] for tick in ticks)
        a_second = events / sum(tick["wall seconds"] for tick in ticks)
        rows.append(
            {
                "records pending": count,
                "under way": workers,
                "events sent": events,
                "events a second": round(a_second, 1),
                "catalog busy %": round(100 * a_second / _SLOW),
                "CPU ms an event": round(cpu / events * 1e3, 2),
                "peak MB": max(tick["peak MB"] for tick in ticks),
            }
        )
    return rows


def killable(folder: str, url: str, victim: Any) -> None:
    """Send as a process that its sink may kill."""
    victim.put(os.getpid())
    delivery_of(folder, url, instant=True).send(again_now=True)


def faults(records: int, outages: int, kills: int) -> dict[str, Any]:
    """Outages of all kinds and kills, and what the sink has afterwards."""
    kinds = ("500", "503", "429", "reset", "stored500", "storedreset")
    with tempfile.TemporaryDirectory() as folder:
        count = fill(folder, records)
        expected = [m.id for m in Stream(Lake(f"{folder}/lake", Engine(threads=1))).after(None)]
        step = len(expected) // (outages + 1)
        script = {
            number: kinds[outage % len(kinds)]
            for outage in range(1, outages + 1)
            for number in range(outage * step, outage * step + 3 + outage % 8)
        }
        at = {step // 2 + kill * len(expected) // (kills + 1) for kill in range(1, kills + 1)}
        running = Running(faults=script, kills=at, stores=True)
        stored: list[str] = []
        reader = threading.Thread(target=_collect, args=(running.told, stored), daemon=True)
        reader.start()
        began, killed = time.perf_counter(), 0
        while True:
            process = _PROCESSES.Process(target=killable, args=(folder, running.url, running.victim))
            process.start()
            process.join()
            if process.exitcode == 0:
                break
            assert process.exitcode == -signal.SIGKILL, process.exitcode
            killed += 1
        seconds = time.perf_counter() - began
        running.told.put(b"")
        reader.join()
        aside = delivery_of(folder, running.url).dead_letters()
        running.stop()
    first = list(dict.fromkeys(stored))
    return {
        "records": count,
        "events": len(expected),
        "outages": outages,
        "kills": killed,
        "missing": len(set(expected) - set(stored)),
        "set aside": len(aside),
        "in order": first == expected,
        "sent again": len(stored) - len(first),
        "wall seconds": round(seconds, 1),
    }


def _collect(told: Any, stored: list[str]) -> None:
    while body := told.get():
        event = json.loads(body)
        stored.append(f"{event['run']['runId']}/{event['eventType']}")


def demo(source: str, data: str) -> list[dict[str, Any]]:
    """The demo on a source with events sent and not: the run, and the whole command with its last step."""
    import subprocess

    rows = []
    for disabled in ("true", "false"):
        with tempfile.TemporaryDirectory() as home:
            told = {
                "RECSYS_HOME": home,
                "RECSYS_SOURCE": source,
                "RECSYS_DATA": data,
                "OPENLINEAGE_DISABLED": disabled,
            }
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            command = [str(Path(sys.executable).with_name("recsys")), "demo", "--json"]
            answer = subprocess.run(
                command, capture_output=True, text=True, check=True, env=os.environ | told
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            facts = json.loads(answer.stdout)
        rows.append(
            {
                "events": sum(each["taken"] for each in facts.get("openlineage", ())),
                "run, wall seconds": facts["seconds"],
                "command, wall seconds": round(time.perf_counter() - began, 1),
                "command, CPU seconds": round(
                    after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1
                ),
            }
        )
    return rows


def _peak() -> int:
    """The most memory that this process had, MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("deliver", "slow", "faults", "demo"))
    parser.add_argument("--records", type=int, help="pending records; for `slow` those of the shortest queue")
    parser.add_argument("--seconds", type=float, default=10, help="of each of the three senders of `slow`")
    parser.add_argument("--source", default="complete-journey", help="of `demo`")
    parser.add_argument("--data", default="", help="of `demo`")
    given = parser.parse_args()
    found: Any
    if given.what == "deliver":
        found = deliver(given.records or 100_000)
    elif given.what == "slow":
        found = slow(given.records or 1_000, given.seconds)
    elif given.what == "faults":
        found = faults(given.records or 10_000, outages=20, kills=5)
    else:
        found = demo(given.source, given.data)
    for row in found if isinstance(found, list) else [found]:
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
