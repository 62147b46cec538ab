"""LogFile: the file to which a stream of feedback is currently written."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import date, datetime, timezone
from pathlib import Path

PADDING = b" "
"""Filler after the last line of a file that is being written or whose writer was killed; no line begins with it."""
ROOM = 256 * 1024
"""Bytes of padding that are written at once."""
LEAST_ROOM = 32 * 1024
"""Bytes of padding below which more of it is written while no request waits."""


class LogFile:
    """A file to which one process appends lines, each on the disk when `write` returns.

    Lines replace padding that is on the disk already. So a line changes neither the file's size nor its blocks, the
    file system has nothing to commit to its journal, and a line waits for one write of data only. A closed file ends
    with its last line. Padding is only written if the disk has room for it.

    The file is locked (flock) until it is closed or its process is killed, so that others know whether its writer
    lives.

    Args:
        path: of the new file, which is private to this user.

    Attributes:
        path: of the file.
        day: day on which it was begun (UTC).
        size: bytes of its lines.

    Raises:
        OSError: it cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.day, self.size = path, datetime.now(timezone.utc).date(), 0
        self._padded = 0
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_DSYNC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            above = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(above)  # or the file's name could be lost with the machine's power
            finally:
                os.close(above)
        except OSError:
            self.abandon()
            raise
        self.make_room()

    def write(self, content: bytes) -> None:
        """Write complete lines to the disk.

        Raises:
            OSError: they could not be written; part of them may be in the file, so nothing may be appended to it.
        """
        if self.size + len(content) > self._padded:
            self.make_room(len(content))
        self._put(content, self.size)
        self.size += len(content)

    def make_room(self, least: int = LEAST_ROOM) -> None:
        """Write padding if less than `least` bytes of it are left and the disk has room."""
        if self._padded - self.size >= least:
            return
        try:
            self._put(PADDING * max(ROOM, least), max(self.size, self._padded))
        except OSError:
            with suppress(OSError):  # or it would take what the lines need
                os.ftruncate(self._descriptor, max(self.size, self._padded))
        else:
            self._padded = max(self.size, self._padded) + max(ROOM, least)

    def close(self) -> None:
        """Close the file for good, cut after its last line."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Leave the file as it is after a failed write, or delete it if it has no lines.

        The bytes after the last line stay: another worker may have read them.
        """
        with suppress(OSError):
            if not self.size and os.pread(self._descriptor, 1, 0) in (b"", PADDING):
                self.path.unlink()
        os.close(self._descriptor)

    def is_deleted(self) -> bool:
        """Whether it was removed from its folder, so that new lines would never be read."""
        return os.fstat(self._descriptor).st_nlink == 0

    def is_of(self, day: date) -> bool:
        """Whether it was begun on a day."""
        return self.day == day

    def _put(self, content: bytes, at: int) -> None:
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._descriptor, rest, at)
            rest, at = rest[written:], at + written
