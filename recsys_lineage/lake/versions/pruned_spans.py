"""PrunedSpans: marks of pruned versions, as spans of neighbouring versions.

A mark has the time and the policy of the pruning. The marks of a table that is written and pruned every night for years
are few spans, because neighbours are joined once the exact moments no longer matter: a joined span has the range of
moments in which its versions were pruned.
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
    """The time at which a version was pruned (UTC), and the policy that did not keep it.

    A version in a joined span was pruned between `since` and `at`, under one of the policies.
    """

    at: datetime
    policy: str
    since: datetime | None = None

    @property
    def days(self) -> str:
        """The day or the range of days of the pruning, as text."""
        last = f"{self.at:%Y-%m-%d}"
        first = f"{self.since or self.at:%Y-%m-%d}"
        return f"on {last}" if first == last else f"between {first} and {last}"

    def joined(self, other: Pruned) -> Pruned:
        """The mark that is true for versions of both marks."""
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
        """The versions up to `latest` that have no mark, as ranges; the cost depends on the spans, not on the
        versions."""
        found: list[range] = []
        start = 0
        for span in self.spans:
            found.append(range(start, min(span.first, latest + 1)))
            start = span.last + 1
        return [each for each in (*found, range(start, latest + 1)) if each]

    def with_more(self, more: PrunedSpans) -> PrunedSpans:
        """The union of both; a version with a mark here keeps it."""
        found = list(self.spans)
        for span in more.spans:
            for free in self.others(span.last):
                if free.stop > span.first:
                    found.append(replace(span, first=max(span.first, free.start), last=free.stop - 1))
        return PrunedSpans(found)

    def joined(self, settled: datetime) -> PrunedSpans:
        """The same versions in fewer spans: neighbours with equal marks, and all up to `settled`, are joined."""
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
        """The spans in a file; one written before spans were joined has no `since`.

        Raises:
            ValueError, KeyError, TypeError: the content is not that of such a file.
        """
        found = json.loads(content)
        since = {int(first): datetime.fromisoformat(time) for first, time in found.get("since", {}).items()}
        return cls(
            Span(first, last, Pruned(datetime.fromisoformat(at), policy, since.get(first)))
            for first, last, at, policy in found["pruned"]
        )

    def text(self) -> str:
        """The JSON text that `parse` reads."""
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
    """Ranges of versions as text, such as `1, 4-9, 12`."""
    return ", ".join(
        str(each.start) if len(each) == 1 else f"{each.start}-{each.stop - 1}" for each in versions
    )
