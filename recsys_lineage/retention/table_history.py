"""TableHistory: the versions of a table that contain each file, derived from the log commit by commit.

It is stored next to the table, so that a prune reads only new commits and not years of them. It is derived from the log
alone: if it is missing or damaged, it is computed again.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from recsys_lineage.lake.commits.commit_log import COMMIT_KEY
from recsys_lineage.lake.lake import Lake

FOLDER = "_retention"
_FILE = "history.json"
_FORMAT = 1


@dataclass(frozen=True)
class LoggedFile:
    """A file of a table, used by the versions from `first` up to but not including `gone` (None: all until now)."""

    first: int
    gone: int | None
    bytes: int

    def is_held_by(self, versions: list[int]) -> bool:
        """Whether one of some versions, in ascending order, uses it."""
        place = bisect_left(versions, self.first)
        return place < len(versions) and (self.gone is None or versions[place] < self.gone)


@dataclass
class TableHistory:
    """The files and versions of a table up to version `upto` (-1: none yet).

    `committed` has the time of each version's commit, UTC. Pruned versions and deleted files may be left out.
    """

    table: str
    upto: int = -1
    committed: dict[int, datetime] = field(default_factory=dict)
    files: dict[str, LoggedFile] = field(default_factory=dict)

    @classmethod
    def of(cls, lake: Lake, table: str) -> TableHistory:
        """The history until now: the stored part, and the commits since.

        Raises:
            TableNotFound: the table does not exist.
            LineageError: a commit is damaged.
        """
        history = cls._stored(lake, table)
        latest = lake.version(table).version
        if history.upto > latest:  # the table was deleted by hand and created again
            history = cls(table)
        for number, actions in lake.log(table).actions(history.upto + 1, latest):
            history._learn(number, actions)
        return history

    def save(self, lake: Lake) -> None:
        """Store the history for the next prune."""
        folder = f"{lake.table_uri(self.table)}/{FOLDER}"
        lake.storage.make_folder(folder)
        text = json.dumps(
            {
                "format": _FORMAT,
                "upto": self.upto,
                "committed": {version: time.isoformat() for version, time in self.committed.items()},
                "files": {path: [file.first, file.gone, file.bytes] for path, file in self.files.items()},
            },
            separators=(",", ":"),
        )
        lake.storage.write_bytes(f"{folder}/{_FILE}", text.encode())

    def held_alone_by(self, versions: Collection[int]) -> dict[str, LoggedFile]:
        """The files used only by the given versions, which are deleted with them."""
        others = [version for version in range(self.upto + 1) if version not in set(versions)]
        return self.not_held_by(others)

    def not_held_by(self, versions: Collection[int]) -> dict[str, LoggedFile]:
        """The files used by none of some versions."""
        ascending = sorted(versions)
        return {path: file for path, file in self.files.items() if not file.is_held_by(ascending)}

    @classmethod
    def _stored(cls, lake: Lake, table: str) -> TableHistory:
        path = f"{lake.table_uri(table)}/{FOLDER}/{_FILE}"
        try:
            found = json.loads(lake.storage.read_bytes(path))
            if found["format"] != _FORMAT:
                return cls(table)
            return cls(
                table,
                found["upto"],
                {int(version): datetime.fromisoformat(time) for version, time in found["committed"].items()},
                {name: LoggedFile(*file) for name, file in found["files"].items()},
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return cls(table)  # the log has it all

    def _learn(self, number: int, actions: list[dict[str, Any]]) -> None:
        for action in actions:
            # A log spells paths as URLs do.
            if "remove" in action:
                path = unquote(action["remove"]["path"])
                file = self.files.get(path)
                if file is not None:
                    self.files[path] = LoggedFile(file.first, number, file.bytes)
            elif "add" in action:
                path = unquote(action["add"]["path"])
                self.files[path] = LoggedFile(number, None, action["add"]["size"])
            elif COMMIT_KEY in action.get("commitInfo", {}):
                carried = json.loads(action["commitInfo"][COMMIT_KEY])
                self.committed[number] = datetime.fromisoformat(carried["table_version"]["committed"])
        self.upto = number


def files_held_alone(lake: Lake, table: str, versions: Collection[int]) -> dict[str, int]:
    """The files (full path or URL → bytes) used only by the given versions.

    Deleting them removes exactly these versions' rows and leaves every other version intact.

    Raises:
        TableNotFound: the table does not exist.
    """
    held = TableHistory.of(lake, table).held_alone_by(versions)
    return {f"{lake.table_uri(table)}/{path}": file.bytes for path, file in held.items()}
