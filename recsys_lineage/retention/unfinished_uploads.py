"""Unfinished uploads: parts of files that killed writers left in an object store, where no list of files shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.storage import UnfinishedUpload
from recsys_lineage.lake.versions.table_version import TABLE_FILE

LIFECYCLE_RULE = "AbortIncompleteMultipartUpload"
_TABLE_FILE = re.compile(TABLE_FILE)


@dataclass(frozen=True)
class UnfinishedUploads:
    """The unfinished uploads of a lake that began before a moment, by the table whose folder they are in.

    `unlisted` says why they are unknown; None if they are known.
    """

    by_table: Mapping[str, Sequence[UnfinishedUpload]] = field(default_factory=dict)
    unlisted: str | None = None

    @classmethod
    def of(cls, lake: Lake, before: datetime) -> UnfinishedUploads:
        """The uploads that began before a moment (UTC); none for a lake on a disk.

        A store that does not list them stops nothing: they cost money, but no reader ever sees them.
        """
        found: dict[str, list[UnfinishedUpload]] = {}
        try:
            for upload in lake.storage.uploads(lake.uri):
                table, _, path = upload.path.partition("/")
                if path and upload.began <= before.timestamp():
                    found.setdefault(table, []).append(UnfinishedUpload(path, upload.id, upload.began))
        except OSError as error:
            reason = lake.storage.scrub(" ".join(str(error).split()))
            return cls(
                unlisted=f"Unfinished uploads below {lake.uri} are not known ({reason}): allow "
                f"s3:ListBucketMultipartUploads and s3:AbortMultipartUpload, or give the bucket a lifecycle rule with "
                f"{LIFECYCLE_RULE}."
            )
        return cls(found)

    def of_table(self, table: str, at_work: Iterable[str]) -> list[UnfinishedUpload]:
        """Those of a table, except those of writes (ids) whose writer is alive."""
        alive = list(at_work)
        return [
            upload
            for upload in self.by_table.get(table, ())
            if not any(write_id in upload.path for write_id in alive)
        ]

    def of_folder(self, folder: str, at_work: Iterable[str]) -> list[UnfinishedUpload]:
        """Like `of_table`, for a folder without a commit: it may be somebody else's, so only those named like a file of
        a table."""
        return [
            upload
            for upload in self.of_table(folder, at_work)
            if _TABLE_FILE.fullmatch(upload.path.rpartition("/")[2])
        ]
