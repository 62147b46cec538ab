"""Observations: the service's statistics of its answers, by arm and hour, without names of customers."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np

from recsys_assets.experiments.units import CLICKS

HOURS = 24
"""Number of hours that are kept."""
MINUTES = 60
LATENCIES = 10_000
"""Number of latest answers from which quantiles are computed."""
LISTS = 256
"""Number of lists that are collected before their items are counted."""
AWAITING = 50_000
"""Number of latest answers whose clicks are still awaited."""


@dataclass
class Hour:
    """Answers of one arm within an hour.

    Attributes:
        answers: number of lists.
        clicked: lists with at least one item that was viewed, put into the cart or bought at any time.
        cold: lists for a customer without a history.
        degraded: lists prepared by the nightly run.
        shown: 1 for each item that was shown, by its number.
        lists: the items of lists that are not counted in `shown` yet.
    """

    answers: int = 0
    clicked: int = 0
    cold: int = 0
    degraded: int = 0
    shown: bytearray = field(default_factory=bytearray)
    lists: list[Sequence[str]] = field(default_factory=list[Sequence[str]])

    def __add__(self, other: Hour) -> Hour:
        size = max(len(self.shown), len(other.shown))
        both = np.zeros(size, np.uint8)
        for each in (self.shown, other.shown):
            both[: len(each)] |= np.frombuffer(each, np.uint8)
        return Hour(
            self.answers + other.answers, self.clicked + other.clicked, self.cold + other.cold,
            self.degraded + other.degraded, bytearray(both.tobytes()),
        )  # fmt: skip

    def summary(self, n_items: int) -> dict[str, Any]:
        """The hour in shares, which are None without answers.

        Args:
            n_items: that could have been shown.
        """
        some = self.answers or None
        return {
            "answers": self.answers,
            "click_rate": some and self.clicked / some,
            "coverage": min(1.0, self.shown.count(1) / n_items) if n_items else None,
            "cold_share": some and self.cold / some,
            "degraded_share": some and self.degraded / some,
        }


class Observations:
    """Statistics of the last day of one service. Latency and statuses are lost when it stops; answers of arms are in
    its log.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.started = clock()
        self._hours: OrderedDict[tuple[int, str], Hour] = OrderedDict()
        self._minutes: OrderedDict[int, Counter[str]] = OrderedDict()
        self._seconds: deque[float] = deque(maxlen=LATENCIES)
        self._numbers: dict[str, int] = {}
        self._awaiting: OrderedDict[str, tuple[Hour, str, Sequence[str]]] = OrderedDict()
        self.statuses: Counter[int] = Counter()

    def answered(
        self,
        query_id: str,
        arm: str,
        items: Sequence[str],
        *,
        cold: bool,
        degraded: bool,
        at: float | None = None,
    ) -> None:
        """Count a shown list, now or at a time (seconds since 1970)."""
        key = int((self._clock() if at is None else at) // 3600), arm
        hour = self._hours.get(key)
        if hour is None:
            hour = self._hours[key] = Hour()
            for old in [each for each in self._hours if each[0] <= key[0] - HOURS]:
                del self._hours[old]
        hour.answers += 1
        hour.cold += cold
        hour.degraded += degraded
        hour.lists.append(items)
        if len(hour.lists) >= LISTS:
            self._count_items(hour)
        self._awaiting[query_id] = hour, arm, items
        if len(self._awaiting) > AWAITING:
            self._awaiting.popitem(last=False)

    def _count_items(self, hour: Hour) -> None:
        """Count the items of the collected lists of an hour, many at once, because most repeat."""
        numbers, shown = self._numbers, hour.shown
        for item in set[str]().union(*hour.lists):
            number = numbers.setdefault(item, len(numbers))
            if number >= len(shown):
                shown.extend(bytes(number + 1024 - len(shown)))
            shown[number] = 1
        hour.lists.clear()

    def acted(self, query_id: str | None, action: str, item: str) -> str | None:
        """Count an action on an item; returns the arm of the list that was clicked, for the first click of a list."""
        found = self._awaiting.get(query_id) if query_id is not None else None
        if query_id is None or found is None or action not in CLICKS or item not in found[2]:
            return None
        hour, arm, _ = self._awaiting.pop(query_id)
        hour.clicked += 1
        return arm

    def replied(self, status: int, seconds: float, *, a_list: bool) -> None:
        """Count a response to a request of any kind."""
        minute = int(self._clock() // 60)
        counts = self._minutes.get(minute)
        if counts is None:
            counts = self._minutes[minute] = Counter()
            for old in [each for each in self._minutes if each <= minute - MINUTES]:
                del self._minutes[old]
        self.statuses[status] += 1
        if status >= 400:
            counts["faults" if status >= 500 else "refused"] += 1
        elif a_list:
            counts["answers"] += 1
            self._seconds.append(seconds)

    def minutes(self) -> Iterator[dict[str, Any]]:
        """The last hour, minute by minute, the current one last."""
        now = int(self._clock() // 60)
        for minute in range(now - MINUTES + 1, now + 1):
            counts = self._minutes.get(minute, Counter[str]())
            moment = datetime.fromtimestamp(minute * 60, timezone.utc)
            yield {"minute": moment, **{kind: counts[kind] for kind in ("answers", "refused", "faults")}}

    def latency(self) -> dict[str, Any]:
        """Quantiles of the time from a request for a list to its answer, in ms, over the latest answers."""
        seconds = np.array(self._seconds)
        quantiles = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        percentiles = {
            name: float(np.quantile(seconds, q)) * 1000 if seconds.size else None
            for name, q in quantiles.items()
        }
        return {"answers": seconds.size, **percentiles}

    def arms(self, n_items: int) -> list[dict[str, Any]]:
        """Statistics of each arm over the last day, and hour by hour, oldest first.

        Args:
            n_items: that could have been shown.
        """
        first = int(self._clock() // 3600) - HOURS
        for hour in self._hours.values():
            self._count_items(hour)
        found: list[dict[str, Any]] = []
        for arm in sorted({arm for hour, arm in self._hours if hour > first}):
            own = {at: hour for (at, name), hour in sorted(self._hours.items()) if name == arm and at > first}
            hours = [
                {"hour": datetime.fromtimestamp(at * 3600, timezone.utc), **hour.summary(n_items)}
                for at, hour in own.items()
            ]
            found.append({"arm": arm, **sum(own.values(), Hour()).summary(n_items), "hours": hours})
        return found
