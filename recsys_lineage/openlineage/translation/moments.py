"""Moments: the times of events as datetimes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?"
)


def moment(text: object) -> datetime | None:
    """The UTC datetime of an RFC 3339 time; None if it is not one.

    A time without a zone, as other systems write it, counts as UTC; nanoseconds are cut to microseconds.
    """
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    *day, second, part, _, sign, hours, minutes = found.groups()
    microsecond = int((part or "0")[:6].ljust(6, "0"))
    try:
        local = datetime(*map(int, day), int(second or 0), microsecond, timezone.utc)  # pyright: ignore[reportArgumentType, reportCallIssue]
        ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return local + ahead if sign == "-" else local - ahead
    except (ValueError, OverflowError):
        return None
