"""PrunedVersions: the pruned versions of a table, with the time and policy of each.

The log keeps every commit with its record; the Parquet files of a pruned version are gone. The marks are next to the
log, in small files of a folder that other Delta readers ignore. A prune merges the existing files into a new one before
it deletes them, so two prunes at once lose nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache

from recsys_lineage.errors import LineageError, VersionPruned
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.lake.versions.pruned_spans import Pruned, PrunedSpans, Span, in_words

FOLDER = "_pruned"
_TRIES = 10


class PrunedVersions:
    """The pruned versions of the table at `table_path`."""

    def __init__(self, storage: Storage, table: str, table_path: str) -> None:
        self._storage, self._table, self._folder = storage, table, f"{table_path}/{FOLDER}"

    def all(self) -> PrunedSpans:
        """Every pruned version.

        Raises:
            LineageError: a file with marks is damaged.
        """
        return self._merged()[0]

    def add(self, versions: Iterable[int], pruned: Pruned, settled: datetime) -> None:
        """Mark versions as pruned; existing marks stay unchanged.

        Args:
            versions: their numbers.
            pruned: the time and the policy.
            settled: for neighbours marked up to this moment (UTC), the exact times are no longer kept.
        """
        known, paths = self._merged()
        fresh = PrunedSpans(Span(version, version, pruned) for version in versions if version not in known)
        if not fresh and len(paths) <= 1:
            return
        self._storage.make_folder(self._folder)
        content = known.with_more(fresh).joined(settled).text()
        self._storage.write_bytes(f"{self._folder}/{uuid.uuid4().hex}.json", content.encode())
        for path in paths:
            self._storage.delete(path)

    def require(self, version: int, latest: Callable[[], int | None]) -> None:
        """Require that a version was not pruned; `latest` is the table's newest version.

        Raises:
            VersionPruned: it was.
        """
        marks = self.all()
        if (pruned := marks.get(version)) is None:
            return
        raise VersionPruned(
            f"Version {version} of table {self._table!r} was pruned {pruned.days} under the policy "
            f"{pruned.policy}; its record is kept.",
            expected=f"a version whose files exist: {in_words(marks.others(latest() or 0))}",
            found=f"version {version}",
            where=self._folder,
            advice="read one of those; hold a version that must stay before it is pruned",
        )

    def _merged(self) -> tuple[PrunedSpans, list[str]]:
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

    def _read(self, paths: list[str]) -> PrunedSpans:
        found = PrunedSpans()
        for path, content in zip(paths, self._storage.read_many(paths), strict=True):
            try:
                found = found.with_more(_parsed(content))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise LineageError(
                    f"The marks of pruned versions of table {self._table!r} cannot be read.",
                    expected="one JSON object with spans of versions",
                    found=str(error),
                    where=path,
                    advice="restore this file from a backup; without it, pruned versions would seem to exist",
                ) from error
        return found


@lru_cache(maxsize=16)
def _parsed(content: bytes) -> PrunedSpans:
    """Content of one file, cached because every read of an old version needs it."""
    return PrunedSpans.parse(content)
