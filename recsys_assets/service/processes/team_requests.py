"""TeamRequests: recent requests of all workers of one service, published by each in a file of the team's folder."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from recsys_assets.service.feedback.observations import Observations

_NAMES = "requests-*.json"


class TeamRequests:
    """Request counts of one worker, published to the others, and theirs.

    Args:
        seen: statistics of this worker.
        folder: of the team; None for a service of one process.
    """

    def __init__(self, seen: Observations, folder: Path | None) -> None:
        self._seen = seen
        self._folder = folder
        self._own = None if folder is None else folder / f"requests-{uuid.uuid4().hex}.json"

    def publish(self) -> None:
        """Publish the counts for the others; a failure to write is ignored."""
        if self._own is None:
            return
        requests = {
            "minutes": list(self._seen.minutes()),
            "statuses": {str(status): n for status, n in self._seen.statuses.items()},
            "latency_ms": self._seen.latency(),
        }
        with suppress(OSError):
            unfinished = self._own.with_suffix(".new")
            unfinished.write_bytes(orjson.dumps(requests))
            unfinished.rename(self._own)

    def _of_others(self) -> Iterator[Mapping[str, Any]]:
        for path in [] if self._folder is None else sorted(self._folder.glob(_NAMES)):
            if path != self._own:
                with suppress(OSError, ValueError):
                    yield orjson.loads(path.read_bytes())

    def summed(self) -> dict[str, Any]:
        """Minutes and statuses summed over all workers, dead ones included; latency quantiles of the slowest one.

        Counts of the others are as of their last publication, some seconds ago.
        """
        minutes, statuses = list(self._seen.minutes()), Counter(self._seen.statuses)
        latency = self._seen.latency()
        place = {minute["minute"]: minute for minute in minutes}
        for each in self._of_others():
            for minute in each["minutes"]:
                if (own := place.get(datetime.fromisoformat(minute["minute"]))) is not None:
                    for kind in ("answers", "refused", "faults"):
                        own[kind] += minute[kind]
            for status, n in each["statuses"].items():
                statuses[int(status)] += n
            for name, value in each["latency_ms"].items():
                if name == "answers":
                    latency[name] += value
                elif value is not None:
                    latency[name] = max(value, latency[name] or 0.0)
        return {
            "minutes": minutes,
            "statuses": {str(status): n for status, n in sorted(statuses.items())},
            "latency_ms": latency,
        }
