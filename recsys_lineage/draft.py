"""Draft: a table version whose files are written and readable, but not committed yet."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import create_table_with_add_actions

from recsys_lineage.errors import WriteConflict
from recsys_lineage.lake_write import next_version
from recsys_lineage.table_files import WrittenFiles, active_files, read_files, removals
from recsys_lineage.table_version import Column, TableVersion

if TYPE_CHECKING:
    from recsys_lineage.lake import Lake

COMMIT_KEY = "lineage"
_COMMIT_ATTEMPTS = 30
_KEEP_LOG = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


class Draft:
    """Files of the next version of a table: written, fingerprinted, readable, not committed yet."""

    def __init__(
        self,
        lake: Lake,
        table: str,
        write_id: str,
        written: WrittenFiles,
        partition_by: str | None,
        partitions: Sequence[str] | None,
        append: bool,
    ) -> None:
        self._lake, self._table, self._write_id, self._written = lake, table, write_id, written
        self._partition_by, self._partitions, self._append = partition_by, partitions, append
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

    def commit(
        self, record: Mapping[str, Any] | Callable[[TableVersion], Mapping[str, Any]] | None = None
    ) -> TableVersion:
        """Make the draft the table's next version, with `record` in the same commit.

        A record that names the version it belongs to is given as a function of the version.

        Raises:
            SchemaMismatch: when only some partitions are replaced and the columns differ from the table's.
            WriteConflict: when other writers kept winning.
        """
        lake, table, written = self._lake, self._table, self._written
        options = dict(lake.storage.options) or None
        keys = [self._partition_by] if self._partition_by else None
        for attempt in range(_COMMIT_ATTEMPTS):
            delta = lake.open_delta(table)
            before = lake.version(table, delta.version()) if delta else None
            kept = self._kept_files(delta)
            after = next_version(
                table, self._write_id, written, partition_by=self._partition_by,
                partitions=self._partitions, append=self._append, before=before, kept_bytes=kept,
            )  # fmt: skip
            carried = json.dumps(
                {"table_version": after.to_json(), "record": record(after) if callable(record) else record}
            )
            properties = CommitProperties(custom_metadata={COMMIT_KEY: carried}, max_commit_retries=0)
            try:
                if delta is None or before is None or before.partition_column != self._partition_by:
                    create_table_with_add_actions(
                        lake.table_uri(table), written.delta_schema, written.adds,
                        mode="error" if delta is None else "overwrite", partition_by=keys,
                        configuration=_KEEP_LOG, storage_options=options, commit_properties=properties,
                    )  # fmt: skip
                elif before.schema != written.schema:
                    # Only an overwrite of everything gets here: the log then replaces the schema too.
                    delta.create_write_transaction(
                        written.adds, "overwrite", written.delta_schema, keys,
                        commit_properties=properties, post_commithook_properties=_HOOKS,
                    )  # fmt: skip
                else:
                    gone = [] if self._append else removals(delta, self._partition_by, self._partitions)
                    delta.create_write_transaction(
                        [*gone, *written.adds], "append", written.delta_schema, keys,
                        commit_properties=properties, post_commithook_properties=_HOOKS,
                    )  # fmt: skip
            except (CommitFailedError, DeltaError) as error:
                if not _is_conflict(error):
                    raise
                time.sleep(random.uniform(0.005, min(0.02 * 2**attempt, 0.5)))
                continue
            self.committed = after
            return after
        raise WriteConflict(
            f"Table {table!r} could not be committed.",
            expected=f"to win one of {_COMMIT_ATTEMPTS} attempts",
            found="another writer committing each time",
            where=lake.table_uri(table),
            advice="write this table from fewer processes at once, then materialize again",
        )

    def _kept_files(self, delta: DeltaTable | None) -> list[int]:
        if delta is None or (self._partitions is None and not self._append):
            return []
        replaced = set(self._partitions or ())
        files = active_files(delta, self._partition_by)
        return [size for _, size, key in files if self._append or key not in replaced]


def _is_conflict(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, CommitFailedError) or "already exists" in text
