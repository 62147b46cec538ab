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
    """An input column that takes part in an output column, with the kind of its edge.

    Attributes:
        column: the output column.
        dataset, field: the input and its column.
        type, subtype: as in OpenLineage: DIRECT or INDIRECT; IDENTITY, FILTER, …
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
        fields: names and types; a type is None where it is unknown. Catalogs list them in any order.
        version: the current one, as numbered by the lake.
        origins: the column lineage of that version; None where it is unknown.
        current: the catalog's own id of its current version; None for records.
        before: for records, fields of previous versions, which a catalog may still show: it adds the fields reported by
            readers of an older version to the current one.
        shown: column → the input columns that the catalog itself draws to it; None for records.
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
        job: its job.
        state: COMPLETED, FAILED, ABORTED, or RUNNING.
        started, ended: UTC.
        inputs, outputs: the datasets that it read and wrote.
        assertions: results of checks: name, column or empty, and success.
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
        """Sort key by its end; a running one comes last."""
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
        datasets: the existing tables.
        edges: the current edges between jobs and datasets.
        runs: by the id of the run.
        others: datasets that are read but are no tables of the lake, such as files.
        places: for records, the locations of the lakes; a dataset below one of them is a table, or should not exist.
        bearable: for records, edges that may be missing: those of jobs whose newest run failed.
        silent: for records, ids of runs that may be missing: those that kept their version or never started.
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
        """Whether a dataset is in one of the lakes."""
        return any(
            dataset.namespace == place.namespace and dataset.name.startswith(f"{place.name.rstrip('/')}/")
            for place in self.places
        )
