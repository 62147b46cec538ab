"""RecordReserve: room set aside on the lake's disk, in which records wait that could not be added to their table."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from recsys_lineage.lake.lake import Lake

SIZE = 1 << 19
"""Bytes set aside; the record of a failure has some ten thousand."""
_TABLE = "lineage_records"
_FILE = ("_sync", "reserve")


class RecordReserve:
    """A file of fixed size with records as lines of JSON, written over bytes that the disk has already given.

    A failure has no commit that carries its record. While the disk is full, or the table cannot be written, it is
    kept here, and becomes a row with the next `Records.sync`. An object store has no reserve.
    """

    def __init__(self, lake: Lake) -> None:
        self._storage = lake.storage
        self._path = lake.storage.path(_TABLE, *_FILE)

    def prepare(self) -> None:
        """Set the room aside, unless it is there; without room or permission there is none."""
        if not self._storage.is_local or self._size() >= SIZE:
            return
        with suppress(OSError), self._locked(os.O_RDWR | os.O_CREAT) as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)

    def keep(self, records: Sequence[Mapping[str, Any]]) -> bool:
        """Write records behind those that wait already; whether there was room for all of them."""
        lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        if self._size() < SIZE:
            return False
        with suppress(OSError), self._locked(os.O_RDWR) as file:
            end = file.read().rfind(b"\n") + 1
            if end + len(lines) <= SIZE:
                file.seek(end)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
                return True
        return False

    def ids(self) -> set[str]:
        """The ids of the records that wait."""
        if not self._storage.is_local or not self._waits():
            return set()
        with self._locked(os.O_RDWR) as file:
            return {record["id"] for record in _records(file.read()) if "id" in record}

    @contextmanager
    def taken(self) -> Iterator[list[Mapping[str, Any]]]:
        """The records that wait; they are gone after the block, unless it fails."""
        if not self._storage.is_local or not self._waits():
            yield []
            return
        with self._locked(os.O_RDWR) as file:
            content = file.read()
            yield _records(content)
            file.seek(0)
            file.write(bytes(len(content)))

    def _size(self) -> int:
        try:
            return os.stat(self._path).st_size if self._storage.is_local else 0
        except OSError:
            return 0

    def _waits(self) -> bool:
        try:
            with open(self._path, "rb") as file:
                return file.read(1) not in (b"", b"\0")
        except OSError:
            return False

    @contextmanager
    def _locked(self, flags: int) -> Iterator[BinaryIO]:
        if flags & os.O_CREAT:
            self._storage.make_folder(self._path.rsplit("/", 1)[0])
        with os.fdopen(os.open(self._path, flags, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def _records(content: bytes) -> list[Mapping[str, Any]]:
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    return [record for line in lines if (record := _record(line)) is not None]


def _record(line: bytes) -> Mapping[str, Any] | None:
    """The record of a line; None for one that a killed process left half written."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
