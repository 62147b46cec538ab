"""`recsys serve` killed with -9 again and again under load: what was answered, and what is written down.

    python benchmarks/serving.py kills [--home .recsys] [--family item_neighbours] [--answers 100000] [--kills 10]
        [--connections 8] [--json]

The service of `serving.py http` is killed at even parts of the answers, at a moment that nobody chooses, and started
again. An answer is heard when its last byte has come. `missing` are answers heard of which no exposure is in the log,
`twice` those that are there more than once; both are to be 0. `unheard` are exposures whose answer died on its way:
there can be one for each connection and kill. `torn` are last lines that a kill cut.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quality import machine
from serving_http import Served, copied, questions

from recsys_assets.service.feedback.log_reader import LogReader


async def _ask_until_it_dies(
    port: int, requests: Sequence[bytes], start: int, heard: list[str], enough: int
) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        at = start
        while len(heard) < enough:
            writer.write(requests[at % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", head)
            body = await reader.readexactly(int(found[1]) if found else 0)
            if head[9:12] != b"200":
                raise SystemExit(f"an answer was no answer: {head[:200]!r} {body[:200]!r}")
            heard.append(json.loads(body)["query_id"])
            at += 1
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        return


async def _life(
    service: Served, requests: Sequence[bytes], connections: int, heard: list[str], until: int
) -> None:
    """Ask until so many answers were heard, then kill while further ones are on their way."""

    async def kill() -> None:
        while len(heard) < until:
            await asyncio.sleep(0.001)
        service.process.kill()

    asking = (
        _ask_until_it_dies(service.port, requests, start * 37, heard, 2 * until + 1_000_000)
        for start in range(connections)
    )
    await asyncio.gather(kill(), *asking)


def killed(
    home: Path, requests: Sequence[bytes], answers: int, kills: int, connections: int
) -> dict[str, Any]:
    """What was heard and what is written down."""
    heard: list[str] = []
    began, starts = time.perf_counter(), list[float]()
    for life in range(1, kills + 1):
        service = Served(home)
        starts.append(service.start)
        asyncio.run(_life(service, requests, connections, heard, answers * life // kills))
        service.process.wait()
    took = time.perf_counter() - began
    reader = LogReader(home / "feedback", "exposures")
    written = Counter(line["query_id"] for line in reader.new())
    # each life begins with one question of `Served`, whose answer it hears itself
    return {
        "answers": len(heard),
        "kills": kills,
        "missing": sum(query not in written for query in heard),
        "twice": sum(count > 1 for count in written.values()),
        "unheard": len(written) - len(set(heard)) - kills,
        "torn": reader.found.torn,
        "damaged": len(reader.found.damaged),
        "seconds": took,
        "start_seconds": max(starts),
    }


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        "serving.py kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=Path(".recsys"), help="in which `recsys demo` ran")
    parser.add_argument("--family", help="serve its candidate instead of the champion")
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    chosen = parser.parse_args(arguments)
    if not (chosen.home / "lake" / "champion").exists():
        raise SystemExit(f"There is no champion in {chosen.home}; run `recsys demo`, or name another --home.")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        sessions, customers = questions(copied(chosen.home, home, chosen.family))
        found = killed(home, [*sessions, *customers], chosen.answers, chosen.kills, chosen.connections)
    if chosen.json:
        print(json.dumps({"machine": machine(), "load": os.getloadavg()[0], **found}))
        return
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    names = [*found]
    print("".join(f"{name:>14}" for name in names))
    print("".join(f"{found[name]:>14,.0f}" for name in names))
