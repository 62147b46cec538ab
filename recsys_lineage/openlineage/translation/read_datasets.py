"""ReadDataset: one input dataset of a run, with all reads of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.naming import DatasetName, below, dataset_at
from recsys_lineage.openlineage.translation.scanned_files import scans_of
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import Read

_FILE_COLUMNS = {"_file": "VARCHAR", "_line": "BIGINT", "_fault": "VARCHAR", "_row": "VARCHAR"}
"""Columns that a scan adds to those of the files."""


@dataclass
class ReadDataset:
    """One input dataset of a run: a table, or the files of one scan.

    Attributes:
        name: the dataset's name.
        reads: the read of a table, or one for each file.
        table: the table's name; None for files.
        place: the lake's URL, or the folder of the files.
        called: its names in column lineage; a scan may have several, by its options.
        columns: the columns of all reads, then those that only column lineage names.
    """

    name: DatasetName
    table: str | None
    place: str
    reads: list[Read] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    columns: tuple[Column, ...] = ()

    @property
    def version(self) -> str | None:
        """A table's version; for files a hash of their names and contents."""
        if self.table is not None:
            version = self.reads[0].version if self.reads else None
            return None if version is None else str(version)
        if len(self.reads) == 1:
            return self.reads[0].fingerprint
        lines = sorted(f"{read.name}\0{read.fingerprint}" for read in self.reads)
        return (
            hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest() if lines else None
        )

    @property
    def locations(self) -> list[str]:
        """The path or URL of each file."""
        return [_location(read) for read in self.reads]


def datasets_read(record: Materialization, options: EventOptions) -> list[ReadDataset]:
    """The inputs of a record's run: everything really read for its output, or for its check.

    The files of one scan are one dataset. Files of no scan are one dataset per folder that was listed, and otherwise
    one each. Everything named in column lineage is among the inputs, for whatever purpose it was read.
    """
    purpose = "check" if record.kind == "check" else "input"
    sources: dict[str, dict[str, None]] = {}
    for edges in record.column_lineage.values():
        for edge in edges:
            sources.setdefault(edge.table, {})[edge.column] = None
    lake = options.lake_of(record)
    found: dict[DatasetName, ReadDataset] = {}
    files: list[Read] = []
    for read in sorted(record.reads, key=lambda read: read.purpose != purpose):
        wanted = read.purpose == purpose
        if read.kind == "file":
            if wanted:
                files.append(read)
        elif wanted or read.name in sources:
            name = options.table(lake, read.name)
            if name not in found:
                found[name] = ReadDataset(name, read.name, lake, [read], {read.name})
    _add_files(record, files, sources, found)
    for dataset in found.values():
        used: dict[str, None] = {}
        for called in sorted(dataset.called & sources.keys()):
            used |= sources[called]
        dataset.columns = _columns(dataset.reads, used)
    return list(found.values())


def _columns(reads: Sequence[Read], used: Iterable[str]) -> tuple[Column, ...]:
    """The columns of all reads, each once, then those that only column lineage names."""
    columns = reads[0].schema if reads else ()
    if len(reads) > 1:
        found: dict[str, Column] = {}
        for schema in dict.fromkeys(read.schema for read in reads):
            for column in schema:
                found.setdefault(column.name.casefold(), column)
        columns = tuple(found.values())
    exact = {column.name for column in columns}
    if exact.issuperset(used):
        return columns
    names = {name.casefold() for name in exact}
    more = [name for name in used if name.casefold() not in names]
    return (*columns, *(Column(name, _FILE_COLUMNS.get(name, "")) for name in more)) if more else columns


def _add_files(
    record: Materialization,
    files: Iterable[Read],
    sources: Mapping[str, object],
    found: dict[DatasetName, ReadDataset],
) -> None:
    scans = scans_of(record) if files or sources else []
    by_scan: dict[DatasetName, ReadDataset] = {}
    for scan in scans:
        name = scan.dataset
        dataset = by_scan.setdefault(name, ReadDataset(name, None, scan.root or ""))
        dataset.called.add(scan.called)
    left: list[Read] = []
    for read in files:
        its = {scan.dataset for scan in scans if scan.has(read)}
        for name in its:
            by_scan[name].reads.append(read)
        if not its:
            left.append(read)
    for name, dataset in by_scan.items():
        if dataset.reads or dataset.called & sources.keys():
            found.setdefault(name, dataset)
    for read in left:
        name = dataset_at(read.root) if read.root is not None else dataset_at(_location(read))
        found.setdefault(name, ReadDataset(name, None, read.root or "")).reads.append(read)


def _location(read: Read) -> str:
    """The path of a file, or its URL without user, password and query."""
    name = dataset_at(below(read.root, read.name))
    return name.name if name.namespace == "file" else f"{name.namespace}/{name.name.lstrip('/')}"
