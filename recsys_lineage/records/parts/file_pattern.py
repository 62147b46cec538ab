"""File patterns by which records name scans, and tests whether a file belongs to a scan."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from functools import lru_cache

LANDING = "landing"
"""The folder inside the data folder for new files; a pattern need not name it."""
_CALL = re.compile(r"\s*\w+\(\s*(\[(?:[^\]'\"]|'(?:[^']|'')*'|\"[^\"]*\")*\]|'(?:[^']|'')*'|\"[^\"]*\")")
_CHOICE = re.compile(r"\[[^/]*?\]|\{[^/]*?\}")
_TEXT = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"")


@lru_cache(maxsize=1024)
def patterns_of(scan: str) -> tuple[str, ...]:
    """The paths or patterns of a scan in a record's description: `read_csv('sales-*.csv', delim = ';')`."""
    match = _CALL.match(scan)
    if match is None:
        return ()
    return tuple(
        single.replace("''", "'") if single or not double else double
        for single, double in _TEXT.findall(match[1])
    )


def fits_pattern(path: str, pattern: str) -> bool:
    """Whether a file, existing or not, would be listed by a scan of this pattern; see `files.list_files`."""
    parts, wanted = path.casefold().split("/"), pattern.casefold().split("/")
    if parts[0] == LANDING and wanted[0] != LANDING:
        parts = parts[1:]
    if "**" in wanted:
        return fnmatchcase("/".join(parts), "/".join(wanted).replace("**/", "*"))
    return len(parts) == len(wanted) and all(
        fnmatchcase(part, each) or fnmatchcase(part, f"{each}.gz")
        for part, each in zip(parts, wanted, strict=True)
    )


@lru_cache(maxsize=4096)
def is_of_scan(path: str, called: str) -> bool:
    """Whether a file may be one that a name in column lineage means: a scan, a pattern, several, or a path.

    Args:
        path: the file's path, as in its read.
        called: the table of a column's edge, such as `read_csv('sales-*.csv')`, `sales-*.csv, returns.csv` or a path.
    """
    patterns = patterns_of(called) or (called, *called.split(", "))
    # engines differ in what brackets and braces mean
    loose = (_CHOICE.sub("*", posixpath.normpath(pattern)) for pattern in patterns)
    return any(path == pattern or fits_pattern(path, pattern) for pattern in (*patterns, *loose))
