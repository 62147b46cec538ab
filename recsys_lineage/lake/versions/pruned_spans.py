"""PrunedSpans: marks of pruned versions, as spans of neighbouring versions.

A mark says when a version was pruned and under which policy. The marks of a table that is written and pruned every
night for years are few spans, because neighbours are joined once nobody needs to know the moment of each: a joined span
says between which moments its versions were pruned.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

_OR = " or "


@dataclass(frozen=True)
class Pruned:
    """When a version was pruned (UTC), and the policy that did not keep it.

    Of a version in a joined span it is known that it was pruned from `since` on, at the latest at `at`, under one of
    the policies.
    """

    at: datetime
    policy: str
    since: datetime | None = None

    @property
    def days(self) -> str:
        """The day, or the days between which it happened, in words."""
        last = f"{self.at:%Y-%m-%d}"
        first = f"{self.since or self.at:%Y-%m-%d}"
        return f"on {last}" if first == last else f"between {first} and {last}"

    def joined(self, other: Pruned) -> Pruned:
        """What is true of versions of both marks."""
        since = min(self.since or self.at, other.since or other.at)
        at = max(self.at, other.at)
        policies = dict.fromkeys([*self.policy.split(_OR), *other.policy.split(_OR)])
        return Pruned(at, _OR.join(policies), since if since != at else None)


@dataclass(frozen=True)
class Span:
    """The versions from `first` to `last`, both included, and their mark."""

    first: int
    last: int
    pruned: Pruned


class PrunedSpans(Mapping[int, Pruned]):
    """The mark of each pruned version; no two spans overlap."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = tuple(sorted(spans, key=lambda span: span.first))
        self._firsts = [span.first for span in self.spans]

    def __getitem__(self, version: int) -> Pruned:
        place = bisect_right(self._firsts, version) - 1
        if place < 0 or version > self.spans[place].last:
            raise KeyError(version)
        return self.spans[place].pruned

    def __iter__(self) -> Iterator[int]:
        for span in self.spans:
            yield from range(span.first, span.last + 1)

    def __len__(self) -> int:
        return sum(span.last - span.first + 1 for span in self.spans)

    def others(self, latest: int) -> list[range]:
        """The versions up to `latest` that have no mark, as ranges; costs what the spans do, not the versions."""
        found: list[range] = []
        start = 0
        for span in self.spans:
            found.append(range(start, min(span.first, latest + 1)))
            start = span.last + 1
        return [each for each in (*found, range(start, latest + 1)) if each]

    def with_more(self, more: PrunedSpans) -> PrunedSpans:
        """Both marks; a version that has one here keeps it."""
        found = list(self.spans)
        for span in more.spans:
            for free in self.others(span.last):
                if free.stop > span.first:
                    found.append(replace(span, first=max(span.first, free.start), last=free.stop - 1))
        return PrunedSpans(found)

    def joined(self, settled: datetime) -> PrunedSpans:
        """The same versions in fewer spans: equal marks are joined, and all those up to `settled` are."""
        found: list[Span] = []
        for span in self.spans:
            if found and found[-1].last == span.first - 1:
                before, mark = found[-1].pruned, span.pruned
                if before == mark or max(before.at, mark.at) <= settled:
                    found[-1] = Span(found[-1].first, span.last, before.joined(mark))
                    continue
            found.append(span)
        return PrunedSpans(found)

    @classmethod
    def parse(cls, content: bytes) -> PrunedSpans:
        """The spans that a file says; one of a time before spans were joined has no `since`.

        Raises:
            ValueError, KeyError, TypeError: it is no such file.
        """
        found = json.loads(content)
        since = {int(first): datetime.fromisoformat(time) for first, time in found.get("since", {}).items()}
        return cls(
            Span(first, last, Pruned(datetime.fromisoformat(at), policy, since.get(first)))
            for first, last, at, policy in found["pruned"]
        )

    def text(self) -> str:
        """The JSON that `parse` reads."""
        content: dict[str, Any] = {
            "pruned": [
                (span.first, span.last, span.pruned.at.isoformat(), span.pruned.policy) for span in self.spans
            ],
            "since": {
                span.first: span.pruned.since.isoformat()
                for span in self.spans
                if span.pruned.since is not None
            },
        }
        return json.dumps(content, separators=(",", ":"))


def in_words(versions: Iterable[range]) -> str:
    """Ranges of versions, such as `1, 4-9, 12`."""
    return ", ".join(
        str(each.start) if len(each) == 1 else f"{each.start}-{each.stop - 1}" for each in versions
    )
