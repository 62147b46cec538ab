"""The day in a file's path, for files without times."""

from __future__ import annotations

import re
from datetime import date

_DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_FOLDERS = re.compile(
    r"(?<![^/])(?:year=|y=)?(20\d\d)/(?:month=|m=)?(0?[1-9]|1[0-2])/(?:day=|d=)?(0?[1-9]|[12]\d|3[01])/"
)


def named_day(path: str) -> date | None:
    """The day in a file's name, or else in its folders, such as `day=2024-01-31` and `2024/01/31`."""
    folder, _, name = path.rpartition("/")
    match = _DAY.search(name) or _DAY.search(folder) or _FOLDERS.search(f"{folder}/")
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:  # the 31st of a month that has 30 days
        return None
