"""Marquez picture: a Marquez's picture of the events that it received."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from recsys_lineage.openlineage.catalog.marquez import CatalogError, Marquez
from recsys_lineage.openlineage.catalog.picture import (
    ColumnOrigin,
    DatasetPicture,
    Edge,
    Key,
    Picture,
    RunPicture,
)
from recsys_lineage.openlineage.translation.event_parts import dataset_key, facet_of
from recsys_lineage.openlineage.translation.moments import moment

_Json = Mapping[str, Any]


def marquez_picture(catalog: Marquez, jobs: Collection[str], datasets: Collection[str]) -> Picture:
    """The datasets, edges and runs that a catalog knows.

    Args:
        catalog: a running Marquez.
        jobs: the namespaces of the wanted jobs.
        datasets: the namespaces of the wanted datasets.

    Raises:
        CatalogError: the catalog cannot be queried.
    """
    known = set(catalog.namespaces())
    tables = {
        _key(each): _dataset(each)
        for namespace in sorted(known & set(datasets))
        for each in catalog.datasets(namespace)
        if not each.get("deleted")
    }
    listed: dict[Key, frozenset[Edge]] = {}
    runs: dict[str, RunPicture] = {}
    for namespace in sorted(known & set(jobs)):
        for job in catalog.jobs(namespace):
            key = _key(job)
            listed[key] = _edges(job)
            for run in catalog.runs(*key):
                runs[run["id"]] = _run(run, key)
    edges = frozenset().union(*_drawn(catalog, listed).values())
    return Picture(tables, edges, runs)


def _drawn(catalog: Marquez, listed: Mapping[Key, frozenset[Edge]]) -> dict[Key, frozenset[Edge]]:
    """The edges that a catalog draws for each job; those of its latest run if it cannot draw the job.

    Args:
        catalog: a running Marquez.
        listed: jobs, with the edges of their latest runs.
    """
    drawn: dict[Key, frozenset[Edge]] = {}
    for key, latest in listed.items():
        if key in drawn or not latest:
            continue
        try:
            around = list(catalog.drawn(*key))
        except CatalogError:  # it fails at this picture alone, or answers the next question neither
            around = []
        drawn |= {each: _edges(job) for job in around if (each := _key(job)) in listed}
        drawn.setdefault(key, latest)
    return drawn


def _edges(job: _Json) -> frozenset[Edge]:
    key = _key(job)
    return frozenset(
        Edge(key, _key(each), is_output)
        for side, is_output in (("inputs", False), ("outputs", True))
        for each in job.get(side) or ()
    )


def _key(named: _Json) -> Key:
    return Key(named["namespace"], named["name"])


def _dataset(found: _Json) -> DatasetPicture:
    version = facet_of(found, "version").get("datasetVersion")
    lineage = facet_of(found, "columnLineage")
    fields = frozenset((each["name"], each.get("type")) for each in found.get("fields") or ())
    origins = frozenset(origins_of(lineage, [name for name, _ in fields])) if lineage else None
    shown = {
        (column["name"], Key(each["namespace"], each["dataset"]), each["field"])
        for column in found.get("columnLineage") or ()
        for each in column["inputFields"]
    }
    return DatasetPicture(
        fields,
        None if version is None else str(version),
        origins,
        frozenset(shown),
        found.get("currentVersion"),
    )


def origins_of(lineage: _Json, columns: Collection[str]) -> Iterator[ColumnOrigin]:
    """The origins in a column lineage facet; those of the whole dataset for each of its columns."""
    for column, origin in (lineage.get("fields") or {}).items():
        for each in origin.get("inputFields") or ():
            yield from _origins(column, each)
    for each in lineage.get("dataset") or ():
        for column in columns:
            yield from _origins(column, each)


def _origins(column: str, origin: _Json) -> Iterator[ColumnOrigin]:
    key = dataset_key(origin)
    if key is None:
        return
    for how in origin.get("transformations") or ({},):
        type_, subtype = how.get("type", ""), how.get("subtype", "")
        yield ColumnOrigin(column, Key(*key), origin["field"], type_, subtype, bool(how.get("masking")))


def _run(found: _Json, job: Key) -> RunPicture:
    inputs, outputs = found.get("inputDatasetVersions") or (), found.get("outputDatasetVersions") or ()
    assertions = {
        (each["assertion"], each.get("column") or "", each["success"])
        for dataset in (*inputs, *outputs)
        for each in facet_of(dataset, "dataQualityAssertions").get("assertions", ())
    }
    return RunPicture(
        job,
        found.get("state"),
        moment(found.get("startedAt")),
        moment(found.get("endedAt")),
        frozenset(_key(each["datasetVersionId"]) for each in inputs),
        frozenset(_key(each["datasetVersionId"]) for each in outputs),
        frozenset(assertions),
    )
