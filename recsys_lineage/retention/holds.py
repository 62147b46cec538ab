"""Holds: versions to keep whatever their age."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from recsys_lineage.errors import LineageError, VersionPruned
from recsys_lineage.lake.lake import Lake

FOLDER = "_holds"


class HoldError(LineageError):
    """A hold that cannot be placed or released."""


@dataclass(frozen=True)
class Hold:
    """One version of one table that is kept, with everything needed to reproduce it.

    `who` placed it, at `placed` (UTC), because of `reason`.
    """

    table: str
    version: int
    who: str
    placed: datetime
    reason: str


class Holds:
    """The holds of one lake; each is a small file next to its tables, so they survive every process and machine."""

    def __init__(self, lake: Lake) -> None:
        self._lake, self._storage = lake, lake.storage
        self._folder = lake.storage.path(FOLDER)

    def place(self, table: str, version: int, *, who: str, reason: str) -> Hold:
        """Hold a version.

        Raises:
            TableNotFound: there is no such version.
            VersionPruned: its files are gone already.
            HoldError: it is held already, or no reason is given.
        """
        self._lake.require_files(self._lake.version(table, version))
        if not reason.strip():
            raise HoldError(
                f"Version {version} of {table!r} cannot be held without a reason.",
                expected="the reason for keeping it, for later readers",
                advice="give the reason",
            )
        hold = Hold(table, version, who, self._lake.clock(), reason.strip())
        text = json.dumps({**asdict(hold), "placed": hold.placed.isoformat()})
        self._storage.make_folder(self._folder)
        try:
            self._storage.create(self._path(table, version), text.encode())
        except FileExistsError:
            held = next((h for h in self.all() if (h.table, h.version) == (table, version)), None)
            raise HoldError(
                f"Version {version} of {table!r} is held already.",
                found=f"a hold of {held.who}: {held.reason}" if held else None,
                advice="release it first to give another reason",
            ) from None
        try:
            self._lake.require_files(self._lake.version(table, version))
        except VersionPruned:  # by a prune that had looked at the holds just before
            self._storage.delete(self._path(table, version))
            raise
        return hold

    def release(self, table: str, version: int) -> Hold:
        """End a hold; the next prune may delete what it protected.

        Raises:
            HoldError: that version is not held.
        """
        for hold in self.all():
            if (hold.table, hold.version) == (table, version):
                self._storage.delete(self._path(table, version))
                return hold
        held = ", ".join(f"{hold.table}@{hold.version}" for hold in self.all())
        raise HoldError(
            f"Version {version} of {table!r} is not held.",
            expected=f"one of {held}" if held else "a version that is held; there is none",
            found=f"{table}@{version}",
        )

    def all(self) -> list[Hold]:
        """Every hold, by table and version.

        Raises:
            LineageError: the file of one is damaged; nothing is pruned then.
        """
        holds: list[Hold] = []
        for path in self._storage.files(self._folder):
            if not path.endswith(".json"):
                continue
            try:
                found = json.loads(self._storage.read_bytes(path))
                placed = datetime.fromisoformat(found.pop("placed"))
                holds.append(Hold(**found, placed=placed))
            except FileNotFoundError:  # released a moment ago
                continue
            except (ValueError, KeyError, TypeError) as error:
                raise LineageError(
                    "The file of a hold is damaged.",
                    expected="one JSON object with table, version, who, placed and reason",
                    found=str(error),
                    where=path,
                    advice="its name contains the held version: delete it and place the hold again",
                ) from error
        return sorted(holds, key=lambda hold: (hold.table, hold.version))

    def _path(self, table: str, version: int) -> str:
        return f"{self._folder}/{table}@{version}.json"
