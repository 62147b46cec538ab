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
    """Knows of the tables that were read whether the column of their partitions is tagged.

    A read says which partitions, but not of what column; the version that was read does.

    Args:
        lake: that the tables lie in.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._are_tagged = lru_cache(_REMEMBERED)(self._look)
        self._is_there = lru_cache(_REMEMBERED)(self._has)

    def leave_out(self, record: Mapping[str, Any]) -> None:
        """Take out of a record, a JSON object, the partitions of reads where these are tagged.

        And where that cannot be known any more: the table is gone, or lies elsewhere.
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
