"""Pruning: versions that no policy keeps are marked, and their files are deleted after a grace period.

A version is marked once it has been superseded for the grace period; from then on nobody opens it. The first prune
after a second such period, when earlier readers are done, deletes the files that only marked versions use. Each step
may be repeated and two prunes may run at once: marks only grow, and a missing file is no error. A killed prune leaves
every kept version intact; the next one finishes its work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from recsys_lineage.lake.commits.commit_archive import FOLDER as _ARCHIVE
from recsys_lineage.lake.commits.write_marker import FOLDER as MARKERS
from recsys_lineage.lake.commits.write_marker import writes
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.lake_tables import is_table_name
from recsys_lineage.lake.stores.storage import StoredFile, UnfinishedUpload
from recsys_lineage.lake.stores.storage_fault import explained
from recsys_lineage.lake.versions.pruned_spans import Pruned
from recsys_lineage.retention.holds import Holds
from recsys_lineage.retention.needs import needed_versions
from recsys_lineage.retention.policy import Policy, retained_versions
from recsys_lineage.retention.table_history import TableHistory
from recsys_lineage.retention.unfinished_uploads import UnfinishedUploads

GRACE = timedelta(hours=24)
_LOG = "_delta_log"
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint[.\w-]*\.parquet")
_NEWEST_CHECKPOINTS = 2
_COMMIT = re.compile(r"(\d{20})\.json")
_UNFINISHED = (".tmp", ".crc")
_STALLED = 3600.0
"""Seconds after which no writer retries a commit number that is taken; archiving a commit frees its file's name."""
PolicyOf = Callable[[str], Policy]
"""Function from a table's name to its policy."""


@dataclass(frozen=True)
class TablePrune:
    """Effect of a prune on one table.

    Args:
        table: its name.
        policy: its policy.
        dropped: the versions to mark as pruned.
        kept: the number of versions that stay.
        files: paths (relative to the table's folder) and bytes of files used only by pruned versions.
        orphans: those of files that no version ever used, left by killed writers.
        leftovers: those of unfinished small files, and of unneeded checkpoints of the log.
        uploads: files of which killed writers left parts in an object store.
        markers: ids of dead writes whose markers are deleted.
        archived: commits that move from the log to the archive, where their records stay.
    """

    table: str
    policy: Policy
    dropped: Sequence[int]
    kept: int
    files: Mapping[str, int] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)
    leftovers: Mapping[str, int] = field(default_factory=dict)
    uploads: Sequence[UnfinishedUpload] = ()
    markers: Sequence[str] = ()
    archived: Sequence[int] = ()

    @property
    def gone(self) -> dict[str, int]:
        """Path and bytes of every deleted file."""
        return {**self.files, **self.orphans, **self.leftovers}

    def to_json(self) -> dict[str, Any]:
        """The deletions as a JSON object, without content of any table."""
        return {
            "table": self.table,
            "policy": str(self.policy),
            "versions": list(self.dropped),
            "kept": self.kept,
            "files": len(self.files),
            "bytes": sum(self.files.values()),
            "orphans": len(self.orphans),
            "orphan_bytes": sum(self.orphans.values()),
            "leftovers": len(self.leftovers),
            "leftover_bytes": sum(self.leftovers.values()),
            "uploads": len(self.uploads),
            "archived": len(self.archived),
        }


@dataclass(frozen=True)
class Prune:
    """One prune of a lake, table by table, as of a moment (UTC).

    `unlisted` says why the unfinished uploads of an object store are unknown; None if they are known.
    """

    at: datetime
    tables: Sequence[TablePrune]
    unlisted: str | None = None

    @property
    def files(self) -> int:
        """Number of deleted files."""
        return sum(len(table.gone) for table in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes of deleted files."""
        return sum(sum(table.gone.values()) for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """The deletions as a JSON object."""
        return {
            "at": self.at.isoformat(),
            "files": self.files,
            "bytes": self.bytes,
            "tables": [table.to_json() for table in self.tables],
            **({"unlisted": self.unlisted} if self.unlisted else {}),
        }


def plan_prune(
    lake: Lake,
    policy_of: PolicyOf,
    *,
    roots: Iterable[tuple[str, int]] = (),
    now: datetime | None = None,
    grace: timedelta = GRACE,
) -> Prune:
    """Plan of a prune; nothing is deleted.

    Args:
        lake: the lake.
        policy_of: the policy of each table.
        roots: versions to keep whatever their age, with everything needed to reproduce them; holds are kept too.
        now: the reference time for ages; that of the lake's clock when None.
        grace: the time for readers and writers to finish.

    Raises:
        LineageError: a log, a hold or a mark is damaged; nothing is pruned then.
    """
    return _plan(lake, policy_of, roots, now, grace)[0]


def prune(
    lake: Lake,
    policy_of: PolicyOf,
    *,
    roots: Iterable[tuple[str, int]] = (),
    now: datetime | None = None,
    grace: timedelta = GRACE,
) -> Prune:
    """Mark versions that the policies do not keep as pruned, and delete files whose grace period is over.

    It takes the arguments of `plan_prune`, carries out that plan, and returns it.

    Raises:
        LineageError: a log, a hold or a mark is damaged (nothing is pruned then), or a file cannot be deleted.
    """
    plan, histories = _plan(lake, policy_of, roots, now, grace)
    for table in plan.tables:
        with explained(lake.storage, table.table):
            _apply(lake, table, histories.get(table.table), plan.at, grace)
    for table in plan.tables:
        with explained(lake.storage, table.table):
            for upload in table.uploads:
                lake.storage.abort(lake.table_uri(table.table), upload)
    return plan


def _plan(
    lake: Lake, policy_of: PolicyOf, roots: Iterable[tuple[str, int]], now: datetime | None, grace: timedelta
) -> tuple[Prune, dict[str, TableHistory]]:
    at = now or lake.clock()
    uploads = UnfinishedUploads.of(
        lake, at - grace
    )  # before the writers: one that has ended meanwhile has none
    names = lake.tables()
    # Before anything else is looked at: what is held now must be held in every table alike.
    held = [(hold.table, hold.version) for hold in Holds(lake).all()]
    needed = needed_versions(lake, [*roots, *held])
    tables: list[TablePrune] = []
    histories: dict[str, TableHistory] = {}
    for name in names:
        with explained(lake.storage, name):
            table, histories[name] = _plan_table(
                lake, name, policy_of(name), needed.get(name, set()), uploads, at, grace
            )
        tables.append(table)
    folders = {*lake.folders(), *filter(is_table_name, uploads.by_table)}
    for name in sorted(folders - {*names}):
        with explained(lake.storage, name):
            if (left := _never_committed(lake, name, policy_of(name), uploads, at, grace)) is not None:
                tables.append(left)
    return Prune(at, tables, uploads.unlisted), histories


def _never_committed(
    lake: Lake, name: str, policy: Policy, unfinished: UnfinishedUploads, at: datetime, grace: timedelta
) -> TablePrune | None:
    """Prune of a table of which no write was ever committed: files that killed writers left; None where there are none.

    Only files that carry the id of a dead write are taken: the folder may be somebody else's.
    """
    root = lake.table_uri(name)
    writers = writes(lake.storage, root)
    dead = [write_id for write_id, is_alive in writers.items() if not is_alive]
    uploads = unfinished.of_folder(name, writers.keys() - dead)
    if not (dead or uploads) or lake.has(name):
        return None
    left = [file for file in lake.storage.listed(root, _is_prunable) if file.path.endswith(".parquet")]
    old = at.timestamp() - grace.total_seconds()
    orphans = {
        file.path: file.bytes
        for file in left
        if file.changed <= old and any(write_id in file.path for write_id in dead)
    }
    kept = {file.path for file in left} - orphans.keys()
    over = [write_id for write_id in dead if not any(write_id in path for path in kept)]
    return TablePrune(name, policy, dropped=(), kept=0, orphans=orphans, uploads=uploads, markers=over)


def _plan_table(
    lake: Lake,
    name: str,
    policy: Policy,
    needed: set[int],
    unfinished: UnfinishedUploads,
    at: datetime,
    grace: timedelta,
) -> tuple[TablePrune, TableHistory]:
    root = lake.table_uri(name)
    # In this order: a file that is listed and has no marker any more is in the log by then, or was never to be.
    listed = list(lake.storage.listed(root, _is_prunable))
    writers = writes(lake.storage, root)
    history = TableHistory.of(lake, name)
    marks = lake.pruned(name).all()
    alive = {version: time for version, time in history.committed.items() if version not in marks}
    kept = retained_versions(alive, policy, at, needed)
    superseded = {version: history.committed.get(version + 1) for version in alive}
    dropped = [
        version
        for version in sorted(alive.keys() - kept)
        if (next_ := superseded[version]) is None or next_ <= at - grace
    ]
    gone = set(dropped) if not grace else set()
    holding = {version for version in alive if version not in gone}
    recent = (span for span in marks.spans if span.pruned.at > at - grace)
    holding |= {version for span in recent for version in range(span.first, span.last + 1)}
    holding |= needed  # a version that came to be held while it was being marked
    on_disk = {file.path: file for file in listed}
    unheld = history.not_held_by(holding).keys() & on_disk.keys()
    dead = [write_id for write_id, is_alive in writers.items() if not is_alive]
    alive_writes = [write_id for write_id, is_alive in writers.items() if is_alive]
    old = [file for file in listed if file.changed <= at.timestamp() - grace.total_seconds()]
    return TablePrune(
        table=name,
        policy=policy,
        dropped=dropped,
        kept=len(alive) - len(dropped),
        files={path: on_disk[path].bytes for path in sorted(unheld)},
        orphans=_orphans(old, history, alive_writes),
        leftovers=_leftovers(old, on_disk, holding),
        uploads=unfinished.of_table(name, alive_writes),
        markers=dead,
        archived=_archived(old, on_disk, holding, at.timestamp() - _STALLED),
    ), history


def _is_prunable(path: str) -> bool:
    """Whether a prune may ever delete a file."""
    return not path.startswith(f"{_ARCHIVE}/")


def _orphans(old: Iterable[StoredFile], history: TableHistory, at_work: Sequence[str]) -> dict[str, int]:
    """Parquet files that no commit has and no living writer is about to commit."""
    return {
        file.path: file.bytes
        for file in old
        if file.path.endswith(".parquet")
        and not file.path.startswith("_")
        and file.path not in history.files
        and not any(write_id in file.path for write_id in at_work)
    }


def _leftovers(old: Iterable[StoredFile], on_disk: Collection[str], kept: Collection[int]) -> dict[str, int]:
    """Unfinished small files, other writers' checksums, and checkpoints that no kept version needs."""
    points = _checkpoints(on_disk)
    useful = set(sorted(points)[-_NEWEST_CHECKPOINTS:])
    for version in kept:
        useful |= {max((point for point in points if point <= version), default=-1)}
    leftovers: dict[str, int] = {}
    for file in old:
        folder, _, name = file.path.partition("/")
        if not folder.startswith("_"):
            continue
        point = _CHECKPOINT.fullmatch(name) if folder == _LOG else None
        is_unused = point is not None and int(point[1]) not in useful
        if is_unused or name.endswith(_UNFINISHED):
            leftovers[file.path] = file.bytes
    return leftovers


def _archived(
    old: Iterable[StoredFile], on_disk: Collection[str], kept: Collection[int], before: float
) -> list[int]:
    """Commits that no kept version needs: a version needs those from its checkpoint to itself."""
    points = _checkpoints(on_disk)
    needed: set[int] = set()
    for version in kept:
        needed |= set(range(max((point for point in points if point <= version), default=0), version + 1))
    found: list[int] = []
    for file in old:
        name = file.path.removeprefix(f"{_LOG}/")
        if name != file.path and (commit := _COMMIT.fullmatch(name)) and file.changed <= before:
            number = int(commit[1])
            if number not in needed and number < max(points, default=0):
                found.append(number)
    return sorted(found)


def _checkpoints(on_disk: Collection[str]) -> set[int]:
    names = [path[len(_LOG) + 1 :] for path in on_disk if path.startswith(f"{_LOG}/")]
    return {int(found[1]) for name in names if (found := _CHECKPOINT.fullmatch(name))}


def _apply(
    lake: Lake, table: TablePrune, history: TableHistory | None, at: datetime, grace: timedelta
) -> None:
    """Carry out a table's prune: marks first, so that nobody opens a version about to be deleted; history last, so that
    a killed prune is repeated."""
    root = lake.table_uri(table.table)
    marks = lake.pruned(table.table)
    if history is not None:
        marks.add(table.dropped, Pruned(at, str(table.policy)), settled=at - grace)
    if table.archived:
        log = lake.log(table.table)
        log.archive.add(log.contents(table.archived))
    gone = [*table.gone, *(f"{_LOG}/{number:020d}.json" for number in table.archived)]
    for path in gone:
        lake.storage.delete(f"{root}/{path}")
    for write_id in table.markers:
        lake.storage.delete(f"{root}/{MARKERS}/{write_id}.json")
    if history is None:
        return
    for path in table.files:
        del history.files[path]
    pruned = marks.all()
    for version in [version for version in history.committed if version in pruned]:
        del history.committed[version]
    history.save(lake)
