"""Records of runs: Materializations, their table, and everything derived from them."""

from recsys_lineage.records.materialization import Materialization, Read
from recsys_lineage.records.records import Records

__all__ = ["Materialization", "Read", "Records"]
