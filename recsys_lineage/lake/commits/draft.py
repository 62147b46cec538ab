"""Draft: a table version whose files are written and readable, but not committed yet."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from recsys_lineage.errors import LineageError, VersionMoved, WriteConflict
from recsys_lineage.lake.commits.appending_commit import appending_commit
from recsys_lineage.lake.commits.commit_log import COMMIT_KEY
from recsys_lineage.lake.commits.next_version import next_version
from recsys_lineage.lake.commits.replacing_commit import replacing_commit
from recsys_lineage.lake.commits.write_marker import WriteMarker, delete_files_of
from recsys_lineage.lake.lake_tables import LakeTables
from recsys_lineage.lake.parquet.shared_files import SharedFiles, shared_files
from recsys_lineage.lake.parquet.table_files import WrittenFiles, active_files, read_files, removals
from recsys_lineage.lake.stores.storage_fault import explained
from recsys_lineage.lake.versions.table_version import Column, TableVersion

_COMMIT_ATTEMPTS = 30
NO_VERSION = -1
"""The version of a table before its first one."""
_CHECKPOINT_INTERVAL = 20
_CONFIGURATION: Mapping[str, str | None] = {
    # Every version stays readable: nothing of the log may expire.
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
    # A reader replays the commits since the last checkpoint; delta-rs makes one each 100 by default.
    "delta.checkpointInterval": str(_CHECKPOINT_INTERVAL),
}
HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


class Draft:
    """Files of the next version of a table: written, fingerprinted, readable, not committed yet."""

    def __init__(
        self,
        lake: LakeTables,
        table: str,
        write_id: str,
        written: WrittenFiles,
        partition_by: str | None,
        partitions: Sequence[str] | None,
        append: bool,
        marker: WriteMarker,
    ) -> None:
        self._lake, self._table, self._write_id, self._written = lake, table, write_id, written
        self._partition_by, self._partitions, self._append = partition_by, partitions, append
        self._marker, self._log = marker, lake.log(table)
        self._attempted: int | None = None
        self._closed = False
        self.committed: TableVersion | None = None

    @property
    def relation(self) -> str:
        """SQL that reads the rows of this draft, for a FROM clause."""
        root = self._lake.table_uri(self._table)
        files = [f"{root}/{add.path}" for add in self._written.adds]
        return read_files(files, self._written.schema, self._written.schema, self._partition_by)

    @property
    def schema(self) -> tuple[Column, ...]:
        """The columns as they are stored."""
        return self._written.schema

    @property
    def rows(self) -> int:
        """Rows written."""
        return sum(int(content.split(":")[0]) for content in self._written.contents.values())

    def commit(
        self,
        record: Mapping[str, Any] | Callable[[TableVersion], Mapping[str, Any]] | None = None,
        *,
        follows: int | None = None,
    ) -> TableVersion:
        """Make the draft the table's next version, with `record` in the same commit.

        Args:
            record: the record; one that contains its own version is given as a function of the version.
            follows: commit only if the table is still at this version (`NO_VERSION`: if there is none); after any
                version when None.

        Raises:
            VersionMoved: the table is at another version than `follows`; the draft can be committed again.
            SchemaMismatch: only some partitions are replaced and the columns differ from the table's.
            InsufficientSpace: the disk is full or not writable.
            WriteConflict: other writers kept winning.
            LineageError: the draft was committed before or its block has ended.
        """
        lake, table = self._lake, self._table
        if self._closed or self.committed is not None:
            raise LineageError(
                f"This draft of table {table!r} cannot be committed any more.",
                expected="one commit inside the draft's with block",
                found="a second commit" if self.committed is not None else "a commit after the block",
                where=lake.table_uri(table),
            )
        for attempt in range(_COMMIT_ATTEMPTS):
            delta, before = self._latest()
            if follows is not None:
                self._require_at(follows, before)
            shared = self._shared(delta, before)
            after = next_version(
                table, self._write_id, shared.added, partition_by=self._partition_by,
                partitions=self._partitions, append=self._append, before=before, committed=lake.clock(),
                retained_bytes=[*self._retained_files(delta, before), *shared.retained.values()], pieces=shared.pieces,
            )  # fmt: skip
            plain = record if record is None or isinstance(record, Mapping) else record(after)
            carried = json.dumps({"table_version": after.to_json(), "record": plain})
            if delta and before and delta.version() != before.version:  # what made the record looked again
                continue
            with explained(lake.storage, table, self._write_id):
                self._marker.require()
                self._attempted = after.version
                failure: Exception | None = None
                try:
                    self._try_commit(delta, before, carried, shared)
                except Exception as error:
                    failure = error
                # A commit can go through and still raise, for a lost answer or a checkpoint that failed:
                # the log alone knows.
                landed = failure is None or self._log.has_write(after.version, self._write_id)
                if failure is not None and not landed and not is_conflict(failure):
                    raise failure
            if landed:
                self.committed = after
                for path in shared.unneeded:
                    lake.storage.delete(f"{lake.table_uri(table)}/{path}")
                return after
            time.sleep(random.uniform(0.005, min(0.02 * 2**attempt, 0.5)))
        raise WriteConflict(
            f"Table {table!r} could not be committed.",
            expected=f"to win one of {_COMMIT_ATTEMPTS} attempts",
            found="another writer committing each time",
            where=lake.table_uri(table),
            advice="write this table from fewer processes at once, then materialize again",
        )

    def close(self) -> None:
        """End the draft: delete its files unless they are committed, then its marker."""
        self._closed = True
        if self.committed is None:
            # An interrupt may have come between the commit and our noting it.
            attempted = self._attempted
            if attempted is None or not self._log.has_write(attempted, self._write_id):
                delete_files_of(self._lake.storage, self._lake.table_uri(self._table), [self._write_id])
        self._marker.remove()

    def _require_at(self, follows: int, before: TableVersion | None) -> None:
        found = NO_VERSION if before is None else before.version
        if found != follows:
            raise VersionMoved(
                f"Table {self._table!r} has moved on.",
                expected=f"version {follows}" if follows >= 0 else "no version",
                found=f"version {found}" if found >= 0 else "no version",
                where=self._lake.table_uri(self._table),
                advice="read the current version, and write again",
            )

    def _latest(self) -> tuple[DeltaTable | None, TableVersion | None]:
        """The table as it is; not opened if the commit only adds files, unless a checkpoint is due."""
        lake, table = self._lake, self._table
        if self._append and self._partition_by is None and (before := lake.latest(table)) is not None:
            is_due = (before.version + 1) % _CHECKPOINT_INTERVAL in (0, _CHECKPOINT_INTERVAL - 1)
            if not is_due and (before.schema, before.partition_column) == (self._written.schema, None):
                return None, before
        delta = lake.open_delta(table)
        return delta, lake.version(table, delta.version()) if delta else None

    def _shared(self, delta: DeltaTable | None, before: TableVersion | None) -> SharedFiles:
        if self._append:
            return SharedFiles(self._written)
        with self._lake.cursor() as connection:
            root = self._lake.table_uri(self._table)
            return shared_files(connection, root, delta, before, self._written, self._partition_by)

    def _try_commit(
        self, delta: DeltaTable | None, before: TableVersion | None, carried: str, shared: SharedFiles
    ) -> None:
        written, by = shared.added, self._partition_by
        properties = CommitProperties(custom_metadata={COMMIT_KEY: carried}, max_commit_retries=0)
        if delta is None and before is not None:
            self._lake.storage.create(self._log.path(before.version + 1), appending_commit(written, carried))
            return
        if (
            delta is None
            or before is None
            or (before.schema, before.partition_column) != (written.schema, by)
        ):
            commit = replacing_commit(delta, written, by, _CONFIGURATION, properties)
            self._lake.storage.create(self._log.path(0 if before is None else before.version + 1), commit)
            return
        gone = [] if self._append else removals(delta, by, self._partitions, shared.retained)
        actions: list[AddAction | RemoveAction] = [*gone, *written.adds]
        delta.create_write_transaction(
            actions, "append", written.delta_schema, [by] if by else None,
            commit_properties=properties, post_commithook_properties=HOOKS,
        )  # fmt: skip

    def _retained_files(self, delta: DeltaTable | None, before: TableVersion | None) -> list[int]:
        if delta is None or before is None or self._partitions is None:
            return []
        replaced = set(self._partitions)
        return [size for _, size, key in active_files(delta, before.partition_column) if key not in replaced]


def is_conflict(error: Exception) -> bool:
    """Whether a commit failed because another writer was first."""
    return isinstance(error, CommitFailedError | FileExistsError)
