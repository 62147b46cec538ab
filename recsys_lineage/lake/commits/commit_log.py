"""CommitLog: the JSON commits of one table, read directly.

A Delta reader replays a log to find its files. The metadata of a commit, and the latest number, need only the commit's
own file and no replay. Archived commits (`commit_archive.py`) are found too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.commits.commit_archive import CommitArchive
from recsys_lineage.lake.stores.storage import Storage

COMMIT_KEY = "lineage"
_AT_ONCE = 100
_COMMIT = re.compile(r"\d{20}\.json")
_known: dict[str, int] = {}
"""Folder on an object store → a commit number seen there by this process, from which to look for later ones."""


class CommitLog:
    """The commits of the table at `table_path`, numbered from 0 without gaps."""

    def __init__(self, storage: Storage, table: str, table_path: str) -> None:
        self._storage, self._table, self._folder = storage, table, f"{table_path}/_delta_log"
        self.archive = CommitArchive(storage, table_path)

    def path(self, number: int) -> str:
        """The path of a commit."""
        return f"{self._folder}/{number:020d}.json"

    def has(self, number: int) -> bool:
        """Whether that commit exists, in the log or archived."""
        if number < 0:
            return False
        return self._is_in_log(number) or number <= (-1 if (latest := self.latest()) is None else latest)

    def latest(self) -> int | None:
        """The latest commit's number, None when there is no commit.

        It checks a few dozen paths at most, for a log of any length: doubling steps from the last checkpoint on, then
        bisection. On an object store, one request lists everything after the newest commit known to this process.
        """
        known = _known.get(self._folder)
        if known is not None and (number := self._listed_from(known)) is not None:
            return number
        low = self._checkpointed()
        if (number := self._listed_from(low)) is not None:
            return number
        if not self._storage.is_local:
            return self._latest_listed()
        if not self._is_in_log(low):
            low = 0
            if not self._is_in_log(0):
                return self._latest_listed()
        step = 1
        while self._is_in_log(low + step):
            low, step = low + step, step * 2
        while step > 1:
            step //= 2
            if self._is_in_log(low + step):
                low += step
        return low

    def carried(self, first: int, last: int) -> list[dict[str, Any]]:
        """Metadata of the commits `first` to `last`, in order.

        Raises:
            FileNotFoundError: one does not exist.
            LineageError: one is damaged or was not made by a lake.
        """
        contents = self.contents(range(first, last + 1))
        return [self._parse(number, content) for number, content in contents.items()]

    def contents(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """The commits of these numbers in their original form, in the order of the numbers.

        Raises:
            FileNotFoundError: one does not exist.
        """
        wanted = list(numbers)
        try:
            found = self._storage.read_many([self.path(number) for number in wanted])
            return dict(zip(wanted, found, strict=True))
        except FileNotFoundError:
            return self._contents_with_archived(wanted)

    def actions(self, first: int, last: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """The Delta actions of the commits `first` to `last`, in order.

        Raises:
            FileNotFoundError: one does not exist.
            LineageError: one is damaged.
        """
        for start in range(first, last + 1, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, last + 1))
            for number, content in self.contents(numbers).items():
                try:
                    yield number, [json.loads(line) for line in content.splitlines()]
                except ValueError as error:
                    raise self._damaged(number, content, error) from error

    def has_write(self, number: int, write_id: str) -> bool:
        """Whether that commit exists and belongs to the given write."""
        return self.has(number) and write_id.encode() in self.contents([number])[number]

    def find(self, write_id: str) -> int | None:
        """The number under which a write was committed; the newest commits are searched first."""
        latest = self.latest()
        for end in range(-1 if latest is None else latest, -1, -_AT_ONCE):
            found = self.contents(range(end, max(end - _AT_ONCE, -1), -1))
            if (
                number := next((n for n, content in found.items() if write_id.encode() in content), None)
            ) is not None:
                return number
        return None

    def _parse(self, number: int, content: bytes) -> dict[str, Any]:
        try:
            if not content.strip():
                raise ValueError("the file is empty")
            for line in content.splitlines():
                if COMMIT_KEY in (info := json.loads(line).get("commitInfo", {})):
                    return json.loads(info[COMMIT_KEY])
        except (ValueError, AttributeError, TypeError) as error:
            raise self._damaged(number, content, error) from error
        raise LineageError(
            f"Version {number} of table {self._table!r} was not written by this lake.",
            where=self.path(number),
            advice="write lake tables through assets only; remove what another program committed",
        )

    def _is_in_log(self, number: int) -> bool:
        return self._storage.exists(self.path(number))

    def _listed_from(self, first: int) -> int | None:
        """The latest commit's number if an object store lists the commit `first`, else None."""
        names = self._storage.names_from(self._folder, f"{first:020d}.json")
        number = max((int(name[:20]) for name in names or () if _COMMIT.fullmatch(name)), default=None)
        if number is not None:
            _known[self._folder] = number
        return number

    def _latest_listed(self) -> int | None:
        """The latest commit's number if neither the first one nor the last checkpoint gives a start."""
        names = [path.rsplit("/", 1)[-1] for path in self._storage.files(self._folder)]
        return max((int(name[:20]) for name in names if _COMMIT.fullmatch(name)), default=None)

    def _contents_with_archived(self, numbers: list[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for number in numbers:
            try:
                found[number] = self._storage.read_bytes(self.path(number))
            except FileNotFoundError:
                continue
        found |= self.archive.contents(number for number in numbers if number not in found)
        for number in numbers:
            if number not in found:
                raise FileNotFoundError(self.path(number))
        return {number: found[number] for number in numbers}

    def _damaged(self, number: int, content: bytes, error: Exception) -> LineageError:
        return LineageError(
            f"The log of table {self._table!r} is damaged.",
            expected="one JSON object a line",
            found=f"{len(content):,} bytes that do not parse: {error}",
            where=self.path(number),
            advice="restore this file from a backup, or delete the table's folder and materialize it again",
        )

    def _checkpointed(self) -> int:
        try:
            return int(json.loads(self._storage.read_bytes(f"{self._folder}/_last_checkpoint"))["version"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return 0
