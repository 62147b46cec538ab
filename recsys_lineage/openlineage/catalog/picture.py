"""Picture: datasets, jobs and runs, either from the records or from a catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import NamedTuple


class Key(NamedTuple):
    """Namespace and name of a dataset or of a job."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"


class ColumnOrigin(NamedTuple):
    """An input column that takes part in an output column, and how.

    Attributes:
        column: of the output.
        dataset, field: the input and its column.
        type, subtype: as OpenLineage has them: DIRECT or INDIRECT; IDENTITY, FILTER, …
        masking: whether it hides the value.
    """

    column: str
    dataset: Key
    field: str
    type: str
    subtype: str
    masking: bool

    def __str__(self) -> str:
        hidden = ", masking" if self.masking else ""
        return f"{self.column} ← {self.dataset}.{self.field} ({self.subtype}{hidden})"


@dataclass(frozen=True)
class DatasetPicture:
    """A table.

    Attributes:
        fields: names and types; a type is None where it is not told. Catalogs tell them in any order.
        version: the current one, as the lake counts them.
        origins: the column lineage of that version; None where it is not known.
        current: the catalog's own id of its current version; None for records.
        before: for records, fields of versions before, which a catalog may still tell: it adds to the current version
            what those are said to have that read an older one.
        shown: columns with the input columns that the catalog itself draws to them; None for records.
    """

    fields: frozenset[tuple[str, str | None]]
    version: str | None
    origins: frozenset[ColumnOrigin] | None = None
    shown: frozenset[tuple[str, Key, str]] | None = None
    current: str | None = None
    before: frozenset[tuple[str, str | None]] = frozenset()


@dataclass(frozen=True)
class RunPicture:
    """A run.

    Attributes:
        job: that it belongs to.
        state: COMPLETED, FAILED, ABORTED, or RUNNING.
        started, ended: UTC.
        inputs, outputs: what it read and wrote.
        assertions: what checks found: name, column or empty, and whether it is true.
    """

    job: Key
    state: str | None
    started: datetime | None
    ended: datetime | None
    inputs: frozenset[Key] = frozenset()
    outputs: frozenset[Key] = frozenset()
    assertions: frozenset[tuple[str, str, bool]] = frozenset()

    @property
    def order(self) -> datetime:
        """When it ended; one that runs on comes last."""
        return self.ended or datetime.max.replace(tzinfo=timezone.utc)


class Edge(NamedTuple):
    """A dataset that a job reads or writes."""

    job: Key
    dataset: Key
    is_output: bool

    def __str__(self) -> str:
        ends = (self.job.name, self.dataset.name) if self.is_output else (self.dataset.name, self.job.name)
        return " → ".join(ends)


@dataclass(frozen=True)
class Picture:
    """Datasets, jobs and runs as one side knows them.

    Attributes:
        datasets: the tables that are there now.
        edges: between jobs and datasets, as they are drawn now.
        runs: by the id of the run.
        others: datasets that are read and are no table of the lake, such as files.
        places: for records, where the lakes lie; a dataset below one of them is a table, or should not be there.
        bearable: for records, edges that may be drawn and need not: of jobs whose newest run failed.
        silent: for records, ids of runs that may be there and need not: of what was kept, or never started.
    """

    datasets: Mapping[Key, DatasetPicture] = field(default_factory=dict)
    edges: frozenset[Edge] = frozenset()
    runs: Mapping[str, RunPicture] = field(default_factory=dict)
    others: frozenset[Key] = frozenset()
    places: tuple[Key, ...] = ()
    bearable: frozenset[Edge] = frozenset()
    silent: frozenset[str] = frozenset()

    @property
    def jobs(self) -> set[Key]:
        """The jobs that run."""
        return {run.job for run in self.runs.values()} | {edge.job for edge in self.edges}

    def is_within(self, dataset: Key) -> bool:
        """Whether a dataset lies in one of the lakes."""
        return any(
            dataset.namespace == place.namespace and dataset.name.startswith(f"{place.name.rstrip('/')}/")
            for place in self.places
        )
