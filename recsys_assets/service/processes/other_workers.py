"""OtherWorkers: the logs of the service's other processes, including earlier ones, counted in this process."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from recsys_assets.service.feedback.activity import Activity
from recsys_assets.service.feedback.feedback_log import FeedbackError, stamp_of
from recsys_assets.service.feedback.log_reader import LogReader
from recsys_assets.service.feedback.observations import HOURS, Observations

SHOWN = ("query_id", "time", "arm", "object_ids", "cold", "degraded")
"""Keys of an exposure that are read."""
MOST_RECALLED = 32 * 1024 * 1024
"""Largest number of bytes of latest exposures that a start reads: some 60,000 lists of twenty, about a second."""


def recalled_since(folder: Path, now: datetime) -> tuple[str, int]:
    """The time from which a starting process reads exposures, so that the last day's answers are counted.

    Returns:
        The stamp of the first file, and the number of its bytes that are skipped.
    """
    # a file ends with its day, so one that was begun before yesterday has nothing of the last 24 hours
    yesterday = (now - timedelta(hours=HOURS)).replace(hour=0, minute=0, second=0, microsecond=0)
    since, left = stamp_of(now), MOST_RECALLED
    for path in sorted(folder.glob("exposures-*.jsonl"), reverse=True):
        stamp = path.name.split("-")[1]
        if stamp < stamp_of(yesterday):
            break
        since, size = min(since, stamp), path.stat().st_size
        if size > left:
            with path.open("rb") as file:
                file.seek(size - left)
                file.readline()
                return since, file.tell()
        left -= size
    return since, 0


class OtherWorkers:
    """One worker's view of the others, from their files.

    Lines are on the disk before the client gets its response, so each worker counts them before its next answer. An
    event received by two workers at the same time is in both files, and counts once.

    Args:
        events, exposures: readers, without the files of this worker.
        activity, seen: counters for them.
    """

    def __init__(
        self, events: LogReader, exposures: LogReader, activity: Activity, seen: Observations
    ) -> None:
        self._events, self._exposures, self._activity, self._seen = events, exposures, activity, seen
        self._done = list[Mapping[str, Any]]()
        self._recall()

    def _recall(self) -> None:
        """Count existing lines at the start, each click with its list, however old the list is."""
        clicks: dict[str, list[tuple[str, str]]] = defaultdict(list)
        recent = (time.time() - HOURS * 3600) * 1e6
        for event in self._events.new():
            fresh = self._activity.count(event) and event.get("received", event["time"]) >= recent
            if fresh and (query_id := event.get("query_id")) is not None:
                clicks[query_id].append((event["action_name"], event["object_id"]))
        for each in self._exposures.new():
            self._count_shown([each])
            for action, item in clicks.pop(each["query_id"], ()):
                self._seen.acted(each["query_id"], action, item)

    def catch_up(self) -> None:
        """Count the lines written since the last call.

        Raises:
            FeedbackError: their files cannot be read; lines read before are counted, and none is skipped later.
        """
        try:
            self._done.extend(
                self._events.new()
            )  # read before what was shown: no click comes before its list
            self._count_shown(self._exposures.new())
        except OSError as error:
            raise FeedbackError(
                "What the other workers wrote cannot be read.",
                expected="a folder that this user may read, and files that may still be opened",
                found=error.strerror or str(error),
                where=error.filename,
                advice="raise the limit of open files (ulimit -n), or fix the permissions of the folder",
            ) from error
        finally:
            done, self._done = self._done, []
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
