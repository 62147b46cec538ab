"""Retention policy: the versions of a table to keep, by their age."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recsys_lineage.errors import LineageError

_POLICY = re.compile(r"(\d{1,5})/(\d{1,5})/(\d{1,5})")
_GROUP = re.compile(r"[A-Za-z0-9_]+")
_WEEK = timedelta(days=7)
_MONTH = timedelta(days=30.4375)


@dataclass(frozen=True)
class Policy:
    """All versions for `nights` days, then each week's last for `weeks`, then each month's last for `months`.

    Weeks (ISO 8601) and months are those of the calendar.
    """

    nights: int
    weeks: int = 0
    months: int = 0

    def __str__(self) -> str:
        return f"{self.nights}/{self.weeks}/{self.months}"

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Parse `14/8/12`: nights, weeks, months.

        Raises:
            LineageError: the text has another form.
        """
        found = _POLICY.fullmatch(text.strip())
        if found is None:
            raise LineageError(
                f"{text!r} is no retention policy.",
                expected="NIGHTS/WEEKS/MONTHS, such as 14/8/12",
                found=repr(text),
            )
        return cls(*map(int, found.groups()))


NEWEST_ONLY = Policy(0)
"""Retention of a table whose newest version contains everything in the older ones."""


@dataclass(frozen=True)
class Policies:
    """The policy of every table: by its group, or the default."""

    others: Policy
    groups: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, group: str | None) -> Policy:
        """The policy of a group's tables."""
        return self.others if group is None else self.groups.get(group, self.others)

    @classmethod
    def parse(cls, text: str) -> Policies:
        """Parse `14/8/12, model=14/4/6`.

        Raises:
            LineageError: the text has no default policy, one policy twice, or cannot be parsed.
        """
        others: Policy | None = None
        groups: dict[str, Policy] = {}
        for part in text.split(","):
            group, equals, policy = (piece.strip() for piece in part.rpartition("="))
            if equals and (not _GROUP.fullmatch(group) or group in groups):
                raise _unreadable(text, f"the group {group!r}" + (" twice" if group in groups else ""))
            if not equals and others is not None:
                raise _unreadable(text, "two policies without a group")
            if equals:
                groups[group] = Policy.parse(policy)
            else:
                others = Policy.parse(policy)
        if others is None:
            raise _unreadable(text, "no policy without a group")
        return cls(others, groups)


def retained_versions(
    versions: Mapping[int, datetime], policy: Policy, now: datetime, held: Collection[int] = ()
) -> set[int]:
    """The versions that a policy keeps: the newest, those held, and those kept by age.

    The three windows all end now and are nested, so with time a version can only fall out: the next prune may drop a
    kept version, never the reverse. Dropping versions does not change which others are kept.

    Args:
        versions: version → the time of its commit, UTC.
        policy: the retention policy.
        now: the present time, UTC.
        held: versions to keep whatever their age.
    """
    if not versions:
        return set()
    every = _before(now, timedelta(days=policy.nights))
    weekly = _before(every, policy.weeks * _WEEK)
    monthly = _before(weekly, policy.months * _MONTH)
    kept = {max(versions)} | (versions.keys() & set(held))
    kept |= {version for version, time in versions.items() if time > every}
    kept |= {version for version in _last_of(versions, _week) if versions[version] > weekly}
    kept |= {version for version in _last_of(versions, _month) if versions[version] > monthly}
    return kept


def _before(moment: datetime, time: timedelta) -> datetime:
    """A moment earlier by some time; the calendar's first one if there is no such moment."""
    try:
        return moment - time
    except OverflowError:
        return datetime.min.replace(tzinfo=moment.tzinfo)


def _last_of(versions: Mapping[int, datetime], period: Callable[[datetime], tuple[int, int]]) -> set[int]:
    last: dict[tuple[int, int], int] = {}
    for version in sorted(versions):
        last[period(versions[version])] = version
    return set(last.values())


def _week(time: datetime) -> tuple[int, int]:
    year, week, _ = time.isocalendar()
    return year, week


def _month(time: datetime) -> tuple[int, int]:
    return time.year, time.month


def _unreadable(text: str, found: str) -> LineageError:
    return LineageError(
        f"{text!r} is no list of retention policies.",
        expected="one policy for all tables, then those of groups, such as 14/8/12, model=14/4/6",
        found=found,
    )
