"""PrunedVersions: which versions of a table were pruned, when, and under which policy.

The log keeps every commit with its record; the Parquet files of a pruned version are gone. That it was pruned is said
beside the log, in small files of a folder that other Delta readers do not look at. A prune merges those that it finds
into one of its own before it deletes them, so two prunes at once lose nothing of each other.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from recsys_lineage.errors import LineageError, VersionPruned
from recsys_lineage.lake.storage import Storage

FOLDER = "_pruned"
_TRIES = 10


@dataclass(frozen=True)
class Pruned:
    """When a version was pruned (UTC), and the policy that did not keep it."""

    at: datetime
    policy: str


class PrunedVersions:
    """The pruned versions of the table at `table_path`."""

    def __init__(self, storage: Storage, table: str, table_path: str) -> None:
        self._storage, self._table, self._folder = storage, table, f"{table_path}/{FOLDER}"

    def all(self) -> dict[int, Pruned]:
        """Every pruned version.

        Raises:
            LineageError: when a file that says so is damaged.
        """
        return self._merged()[0]

    def add(self, versions: Iterable[int], pruned: Pruned) -> None:
        """Note that some versions are pruned; those noted before stay as they were noted."""
        known, paths = self._merged()
        fresh = {version: pruned for version in versions if version not in known}
        if not fresh and len(paths) <= 1:
            return
        self._storage.make_folder(self._folder)
        content = json.dumps({"pruned": _entries({**fresh, **known})}, separators=(",", ":"))
        self._storage.write_bytes(f"{self._folder}/{uuid.uuid4().hex}.json", content.encode())
        for path in paths:
            self._storage.delete(path)

    def require(self, version: int, latest: Callable[[], int | None]) -> None:
        """Require that a version was not pruned; `latest` is the table's newest version.

        Raises:
            VersionPruned: when it was.
        """
        marks = self.all()
        if (pruned := marks.get(version)) is None:
            return
        there = spans(number for number in range((latest() or 0) + 1) if number not in marks)
        raise VersionPruned(
            f"Version {version} of table {self._table!r} was pruned on {pruned.at:%Y-%m-%d} under the policy "
            f"{pruned.policy}; its record is kept.",
            expected=f"a version whose files are there: {there}",
            found=f"version {version}",
            where=self._folder,
            advice="read one of those; hold a version that must stay before it is pruned",
        )

    def _merged(self) -> tuple[dict[int, Pruned], list[str]]:
        for attempt in range(_TRIES):
            paths = self._paths()
            try:
                return self._read(paths), paths
            except FileNotFoundError:  # another prune merged this file into its own, which is there by now
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _paths(self) -> list[str]:
        return sorted(path for path in self._storage.files(self._folder) if path.endswith(".json"))

    def _read(self, paths: list[str]) -> dict[int, Pruned]:
        found: dict[int, Pruned] = {}
        for path, content in zip(paths, self._storage.read_many(paths), strict=True):
            try:
                found = {**_parsed(content), **found}
            except (ValueError, KeyError, TypeError) as error:
                raise LineageError(
                    f"What was pruned of table {self._table!r} cannot be read.",
                    expected="one JSON object with spans of versions",
                    found=str(error),
                    where=path,
                    advice="restore this file from a backup; without it, pruned versions would seem to be there",
                ) from error
        return found


@lru_cache(maxsize=16)
def _parsed(content: bytes) -> Mapping[int, Pruned]:
    """Content of one file; every read of an old version needs the same."""
    found: dict[int, Pruned] = {}
    for first, last, at, policy in json.loads(content)["pruned"]:
        found |= dict.fromkeys(range(first, last + 1), Pruned(datetime.fromisoformat(at), policy))
    return found


def _entries(pruned: Mapping[int, Pruned]) -> list[tuple[int, int, str, str]]:
    entries: list[tuple[int, int, str, str]] = []
    for version, fact in sorted(pruned.items()):
        at = fact.at.isoformat()
        if entries and entries[-1][1] == version - 1 and entries[-1][2:] == (at, fact.policy):
            entries[-1] = (entries[-1][0], version, at, fact.policy)
        else:
            entries.append((version, version, at, fact.policy))
    return entries


def spans(versions: Iterable[int]) -> str:
    """Version numbers in words, such as `1, 4-9, 12`."""
    ends: list[list[int]] = []
    for version in sorted(versions):
        if ends and ends[-1][1] == version - 1:
            ends[-1][1] = version
        else:
            ends.append([version, version])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ends)
