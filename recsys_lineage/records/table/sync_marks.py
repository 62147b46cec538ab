"""SyncMarks: the version of each table up to which all records are known to be in the table of records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.table.record_table import TABLE

_FILE = ("_sync", "marks.json")


class SyncMarks:
    """Table → a version and the write that made it; the records of all versions up to it are rows.

    They only avoid repeated work. If the file is missing, damaged or outdated, more commits are read, and existing rows
    are not added again.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._path = lake.storage.path(TABLE, *_FILE)
        self._marks = self._stored()
        self._before = dict(self._marks)

    def new_commits(self, table: str) -> Iterator[dict[str, Any]]:
        """Metadata of a table's commits after its mark; the mark moves with them."""
        log = self._lake.log(table)
        mark, write_id = self._marks.get(table, (-1, ""))
        is_there = log.has(mark)
        if is_there and not log.has(mark + 1):
            return
        carried = self._lake.commits(table, mark if is_there else 0)
        if is_there and carried[0]["table_version"]["write_id"] == write_id:
            carried = carried[1:]
        elif is_there:  # the table was deleted and created again
            carried = self._lake.commits(table)
        for commit in carried:
            version = commit["table_version"]
            self._marks[table] = (version["version"], version["write_id"])
            yield commit

    def save(self) -> None:
        """Store the marks, once everything before them is in the table of records; where nobody may write, the next
        process looks again."""
        if self._marks == self._before:
            return
        with suppress(OSError):
            self._lake.storage.make_folder(self._path.rsplit("/", 1)[0])
            self._lake.storage.write_bytes(self._path, json.dumps(self._marks).encode())
            self._before = dict(self._marks)

    def _stored(self) -> dict[str, tuple[int, str]]:
        try:
            found = json.loads(self._lake.storage.read_bytes(self._path))
            return {table: (int(version), str(write_id)) for table, (version, write_id) in found.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}
