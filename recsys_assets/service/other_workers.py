"""OtherWorkers: what the other processes of one service wrote down, counted here too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recsys_assets.service.activity import Activity
from recsys_assets.service.log_reader import LogReader
from recsys_assets.service.observations import Observations

SHOWN = ("query_id", "time", "arm", "object_ids", "cold", "degraded")
"""Keys of an exposure that are read here."""


class OtherWorkers:
    """What one worker knows of the others, by the files that they write.

    These are on the disk before anybody hears of them, so what one worker answered is counted by each before it
    answers the next time. An event that two workers were told at once stands in both their files, and counts once.

    Args:
        events, exposures: what is read; not the files of this worker itself.
        activity, seen: where they are counted.
    """

    def __init__(
        self, events: LogReader, exposures: LogReader, activity: Activity, seen: Observations
    ) -> None:
        self._events, self._exposures, self._activity, self._seen = events, exposures, activity, seen
        self._count_shown(exposures.new())
        self._count_done(events.new())

    def catch_up(self) -> None:
        """Count what they wrote since the last time."""
        done = list(self._events.new())  # read before what was shown, so that no click comes before its list
        self._count_shown(self._exposures.new())
        self._count_done(done)

    def _count_shown(self, exposures: Iterable[Mapping[str, Any]]) -> None:
        for each in exposures:
            self._seen.answered(
                each["query_id"],
                each["arm"],
                each["object_ids"],
                cold=each["cold"],
                degraded=each["degraded"],
                at=each["time"] / 1e6,
            )

    def _count_done(self, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            if self._activity.count(event):
                self._seen.acted(event.get("query_id"), event["action_name"], event["object_id"])
