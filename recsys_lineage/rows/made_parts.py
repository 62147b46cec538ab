"""Made: which runs made a table's version, and which of its partitions each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.table_version import TableVersion
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records


@dataclass(frozen=True)
class Made:
    """What one run made of a table's latest version.

    Attributes:
        record: of the run.
        partitions: that it was the last to write; None for the whole table.
    """

    record: Materialization
    partitions: tuple[str, ...] | None


def made_parts(records: Records, version: TableVersion) -> Iterator[Made]:
    """The runs that made a table's latest version: its own, or those that were the last to write its partitions."""
    latest = records.get(version.table)
    if version.partition_column is None or not version.partitions:
        yield Made(latest, None)
        return
    parts: dict[int, list[str]] = {}
    for name, part in version.partitions.items():
        parts.setdefault(part.version if part.written is None else part.written, []).append(name)
    for number, names in parts.items():
        try:
            record = latest if number == latest.version else records.get(version.table, number)
        except TableNotFound:  # its rows were written before there were records
            continue
        yield Made(record, None if len(parts) == 1 else tuple(names))
