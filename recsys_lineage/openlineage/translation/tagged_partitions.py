"""TaggedPartitions: keys of partitions that are tagged data, such as a customer's id, which no event may name."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from recsys_lineage.errors import LineageError
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.read import Read
from recsys_lineage.records.records import Records

_REMEMBERED = 4096


class TaggedPartitions:
    """Knows of the tables that were read whether the column of their partitions is tagged.

    A read says which partitions, but not of what column; the version that was read does.

    Args:
        records: of the lake that the tables lie in.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._are_tagged = lru_cache(_REMEMBERED)(self._look)

    def left_out(self, record: Materialization) -> Materialization:
        """The record without the partitions of reads where these are tagged, or where that cannot be known any more."""
        if not any(map(self._hides, record.reads)):
            return record
        reads = tuple(replace(read, partitions=None) if self._hides(read) else read for read in record.reads)
        return replace(record, reads=reads)

    def _hides(self, read: Read) -> bool:
        if read.kind != "table" or read.partitions is None:
            return False
        return read.version is None or self._are_tagged(read.name, read.version)

    def _look(self, table: str, version: int) -> bool:
        try:
            column = self._records.lake.version(table, version).partition_column
            return column in self._records.column_tags(table, version)
        except LineageError:  # the table is gone, or lies elsewhere
            return True
