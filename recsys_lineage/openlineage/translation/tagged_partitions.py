"""TaggedPartitions: partition keys that are tagged data, such as a customer's id, which no event may contain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion

_REMEMBERED = 4096


class TaggedPartitions:
    """Cache of whether the partition column of each table that was read is tagged.

    A read has the partitions but not their column; the version that was read has it.

    Args:
        lake: the lake of the tables.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._are_tagged = lru_cache(_REMEMBERED)(self._look)
        self._is_there = lru_cache(_REMEMBERED)(self._has)

    def leave_out(self, record: Mapping[str, Any]) -> None:
        """Remove the partitions of reads from a record, a JSON object, where these are tagged.

        They are also removed if that can no longer be determined, because the table is gone or in another lake.
        """
        for read in record.get("reads") or ():
            if read["kind"] == "table" and read.get("partitions") is not None and self._hides(read):
                del read["partitions"]

    def _hides(self, read: Mapping[str, Any]) -> bool:
        table, version = read["name"], read.get("version")
        return version is None or not self._is_there(table) or self._are_tagged(table, version)

    def _has(self, table: str) -> bool:
        try:
            return self._lake.has(table)
        except LineageError:
            return False

    def _look(self, table: str, version: int) -> bool:
        try:
            carried = self._lake.commit(table, version)
            column = TableVersion.from_json(carried["table_version"]).partition_column
        except LineageError:
            return True
        return column in ((carried["record"] or {}).get("column_tags") or {})
