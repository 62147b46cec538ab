"""Position: the progress of one destination, stored so that a killed sender loses nothing and hardly repeats."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.message import Message
from recsys_lineage.records.table.record_table import TABLE

_FORMAT = 1
_LINES_BEFORE_REWRITE = 10_000


class DestinationBusy(LineageError):
    """Another process is sending to the destination."""


class Position:
    """The messages completed for a destination, accepted or set aside; only one process at a time holds it.

    It consists of a cursor of the table of records, and the ids of messages completed after it. Each completed message
    is one line of a file, written at once, so that after a kill at most the current message is sent again. The kernel
    holds the lock, which ends with its process.

    Attributes:
        cursor: everything up to it is completed; None at the beginning.
        done_since: ids of completed messages of records after the cursor.
        count: the number of completed messages.
        last: id of the last completed message.
    """

    def __init__(self, folder: Path, lake: Lake) -> None:
        self._folder, self._lake = folder, lake
        self._path = folder / "position.jsonl"
        self._file: Any = None
        self._lines = 0
        self.cursor: int | None = None
        self.done_since: set[str] = set()
        self.count = 0
        self.last: str | None = None
        self._load()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the position inside the block, at its current state.

        Raises:
            DestinationBusy: another process, or another thread of this one, holds it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DestinationBusy(
                    "Another process sends there right now.",
                    expected="one sender at a time, so that events stay in order",
                    where=str(self._folder),
                    advice="it continues by itself; check with `status`",
                ) from None
            self._load()
            self._rewrite()
            try:
                yield
            finally:
                self._file.close()
                self._file = None

    def is_done(self, message: Message) -> bool:
        """Whether a message after the cursor is completed already."""
        return message.id in self.done_since

    def done(self, message: Message) -> None:
        """Note that a message is completed; messages are noted in the order of the stream."""
        os.write(self._file.fileno(), (json.dumps([message.cursor, message.id]) + "\n").encode())
        self._note(message.cursor, message.id)
        if self._lines >= max(_LINES_BEFORE_REWRITE, 4 * len(self.done_since)):
            self._rewrite()

    def _note(self, cursor: int, id_: str) -> None:
        if self.cursor is None or cursor > self.cursor:
            self.cursor, self.done_since = cursor, set()
        self.done_since.add(id_)
        self.last = id_
        self.count += 1
        self._lines += 1

    def _load(self) -> None:
        self.cursor, self.done_since, self.count, self.last, self._lines = None, set(), 0, None, 0
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        # What stands behind the last line's end was being written when its process was killed.
        head, *rest = lines[:-1] or [b"{}"]
        stored = json.loads(head)
        if not stored or not self._is_of_this_table(stored.get("table")):
            return
        self.cursor, self.done_since = stored["cursor"], set(stored["done"])
        self.count, self.last = stored["count"], stored["last"]
        for line in rest:
            self._note(*json.loads(line))

    def _rewrite(self) -> None:
        """Rewrite the file from the known state, atomically."""
        head = {
            "format": _FORMAT,
            "table": self._table(),
            "cursor": self.cursor,
            "done": sorted(self.done_since),
            "count": self.count,
            "last": self.last,
        }
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self._path)
        if self._file is not None:
            self._file.close()
        self._file = self._path.open("ab")
        self._lines = 0

    def _table(self) -> list[Any] | None:
        """Identity of the table of records: a commit that a recreated table would not have."""
        latest = self._lake.latest(TABLE)
        return None if latest is None else [latest.version, latest.write_id]

    def _is_of_this_table(self, commit: list[Any] | None) -> bool:
        return commit is None or self._lake.log(TABLE).has_write(*commit)


def folder_of(folder: Path, name: str, target: str) -> Path:
    """Folder of a destination's state, by its name and its target, because another target has received nothing yet."""
    short = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40]
    return folder / "destinations" / f"{short}-{hashlib.sha256(f'{name} {target}'.encode()).hexdigest()[:8]}"
