"""The lake: versioned Delta tables, written by DuckDB, with the record of each write in its own commit."""

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion

__all__ = ["Lake", "TableVersion"]
