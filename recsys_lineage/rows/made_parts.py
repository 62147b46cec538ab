"""Made: the runs that made a table's version, each with its partitions."""

from __future__ import annotations

from dataclasses import dataclass

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records


@dataclass(frozen=True)
class Made:
    """Part of a table's latest version that one run made.

    Attributes:
        record: the run's record.
        partitions: the partitions that it wrote last; None for the whole table.
    """

    record: Materialization
    partitions: tuple[str, ...] | None


def made_parts(records: Records, version: TableVersion) -> tuple[list[Made], tuple[str, ...]]:
    """Runs behind a table's latest version: its own run, or those that last wrote its partitions.

    Returns:
        The runs, and the partitions whose writer left no record.
    """
    latest = records.get(version.table)
    if version.partition_column is None or not version.partitions:
        return [Made(latest, None)], ()
    parts: dict[int, list[str]] = {}
    for name, part in version.partitions.items():
        parts.setdefault(part.version if part.written is None else part.written, []).append(name)
    made: list[Made] = []
    without: list[str] = []
    for number, names in parts.items():
        try:
            record = latest if number == latest.version else records.get(version.table, number)
        except TableNotFound:
            without += names
        else:
            made.append(Made(record, None if len(parts) == 1 else tuple(names)))
    return made, tuple(without)
