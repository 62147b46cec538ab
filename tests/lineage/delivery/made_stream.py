"""Made-up streams of messages, a clock that is set by waiting, and a delivery of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.client_settings import ClientSettings, TransportSettings
from recsys_lineage.openlineage.delivery.delivery import Delivery
from recsys_lineage.openlineage.delivery.sender import Clock, SystemClock
from recsys_lineage.openlineage.destinations.opening import opened
from recsys_lineage.openlineage.message import Message

BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)


def made_messages(runs: int, assets: int = 2, *, commit: int = 3) -> list[Message]:
    """The messages of some Dagster runs, each of which made the same assets.

    Each message carries the last commit that stands whole in the messages up to it; `commit` records make one.
    """
    told: list[tuple[str, str, str, str]] = []
    for number in range(runs):
        parent = f"r{number}"
        told.append((parent, "START", "shop/recsys", parent))
        for asset in range(assets):
            run = f"r{number}a{asset}"
            told += [(run, kind, f"shop/recsys.a{asset}", run) for kind in ("START", "COMPLETE")]
        told.append((parent, "COMPLETE", "shop/recsys", parent))
    commits = [place // (2 * commit) for place in range(len(told))]
    messages = []
    for place, (run, kind, key, record) in enumerate(told):
        is_last = place + 1 == len(told) or commits[place + 1] > commits[place]
        body = {
            "id": f"{run}/{kind}",
            "eventType": kind,
            "eventTime": (BEGIN + timedelta(minutes=place)).isoformat(),
            "run": {"runId": run},
            "job": {"namespace": "shop", "name": key.partition("/")[2]},
        }
        cursor = commits[place] if is_last else commits[place] - 1
        messages.append(Message(f"{run}/{kind}", run, key, record, cursor, json.dumps(body).encode()))
    return messages


@dataclass
class MadeStream:
    """A stream of messages that are there already."""

    messages: Sequence[Message]

    def after(self, cursor: int | None) -> Iterator[Message]:
        """The messages behind a cursor, by its contract."""
        if cursor is None or cursor < 0:
            yield from self.messages
            return
        # The first that carries the cursor completes it; what those behind it tell belongs to later commits.
        completes = next(place for place, each in enumerate(self.messages) if each.cursor == cursor)
        yield from self.messages[completes + 1 :]


@dataclass
class SetClock:
    """A clock that goes on only by waiting.

    Attributes:
        waits: how long was waited, each time.
        on_sleep: is told the time after each wait.
    """

    time: float = 1_800_000_000.0
    waits: list[float] = field(default_factory=list)
    on_sleep: Callable[[float], None] = lambda _now: None

    def now(self) -> float:
        """Seconds of the epoch."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let that time pass at once."""
        self.waits.append(seconds)
        self.time += seconds
        self.on_sleep(self.time)


def delivery_to(
    folder: Path,
    messages: Sequence[Message],
    *urls: str,
    clock: Clock | None = None,
    workers: int = 1,
    timeout: float = 5.0,
    **options: object,
) -> Delivery:
    """A delivery of messages to catalogs behind URLs, named `catalog`, `catalog2` …; else to the default file."""
    settings = ClientSettings(
        tuple(
            TransportSettings(
                f"catalog{number if number > 1 else ''}",
                "http",
                {"url": url, "timeout": timeout, **options},
                "test",
            )
            for number, url in enumerate(urls, 1)
        )
    )
    return Delivery(
        Lake(str(folder / "lake"), Engine("256MB", 1)),
        MadeStream(messages),
        folder / "openlineage",
        lambda again: opened(settings, folder / "openlineage", workers=workers, again=again),
        clock or SystemClock(),
    )
