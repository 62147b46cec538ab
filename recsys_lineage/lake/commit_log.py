"""CommitLog: the JSON commits of one table, read directly.

A Delta reader replays a log to know its files. What a commit carries, and which one is the latest, takes the
commit's own file and no replay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.storage import Storage

COMMIT_KEY = "lineage"
_AT_ONCE = 100


class CommitLog:
    """The commits of the table at `table_path`, numbered from 0 without gaps."""

    def __init__(self, storage: Storage, table: str, table_path: str) -> None:
        self._storage, self._table, self._folder = storage, table, f"{table_path}/_delta_log"

    def path(self, number: int) -> str:
        """Where a commit lies."""
        return f"{self._folder}/{number:020d}.json"

    def has(self, number: int) -> bool:
        """Whether that commit exists."""
        return number >= 0 and self._storage.exists(self.path(number))

    def latest(self) -> int | None:
        """The latest commit's number, None when there is no commit.

        Looks at a few dozen paths at most, however long the log is: from the last checkpoint on by
        doubling steps, then by halving.
        """
        low = self._checkpointed()
        if not self.has(low):
            low = 0
            if not self.has(0):
                return None
        step = 1
        while self.has(low + step):
            low, step = low + step, step * 2
        while step > 1:
            step //= 2
            if self.has(low + step):
                low += step
        return low

    def carried(self, first: int, last: int) -> list[dict[str, Any]]:
        """What the commits `first` to `last` carry, in order.

        Raises:
            FileNotFoundError: when one does not exist.
            LineageError: when one is damaged or was not made by a lake.
        """
        contents = self._storage.read_many([self.path(number) for number in range(first, last + 1)])
        return [self._parse(number, content) for number, content in enumerate(contents, first)]

    def actions(self, first: int, last: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """The Delta actions of the commits `first` to `last`, in order.

        Raises:
            FileNotFoundError: when one does not exist.
            LineageError: when one is damaged.
        """
        for start in range(first, last + 1, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, last + 1))
            for number, content in zip(
                numbers, self._storage.read_many([self.path(n) for n in numbers]), strict=True
            ):
                try:
                    yield number, [json.loads(line) for line in content.splitlines()]
                except ValueError as error:
                    raise self._damaged(number, content, error) from error

    def has_write(self, number: int, write_id: str) -> bool:
        """Whether that commit exists and is the given write's."""
        return self.has(number) and write_id.encode() in self._storage.read_bytes(self.path(number))

    def find(self, write_id: str) -> int | None:
        """The number under which a write was committed; the newest commits are looked at first."""
        latest = self.latest()
        numbers = range(-1 if latest is None else latest, -1, -1)
        return next((number for number in numbers if self.has_write(number, write_id)), None)

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
