"""The parts of an event of any type: its datasets and facets, each with its position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FacetKind = Literal["RunFacet", "JobFacet", "DatasetFacet", "InputDatasetFacet", "OutputDatasetFacet"]
Side = Literal["inputs", "outputs"]


@dataclass(frozen=True, slots=True)
class FacetPart:
    """One facet of an event.

    Attributes:
        kind: the type that its schema extends, derived from its position.
        name: its key.
        value: the facet, as received.
        place: its position, as `$.outputs[0].facets.schema`.
    """

    kind: FacetKind
    name: str
    value: Any
    place: str


def dataset_key(dataset: Any) -> tuple[str, str] | None:
    """Namespace and name of a dataset; None where it has none."""
    if not isinstance(dataset, Mapping):
        return None
    namespace, name = dataset.get("namespace"), dataset.get("name")
    return (namespace, name) if isinstance(namespace, str) and isinstance(name, str) else None


def datasets_of(event: Mapping[str, Any], side: Side) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The inputs or outputs of an event that are objects, each with its position."""
    datasets = event.get(side)
    for number, dataset in enumerate(datasets if isinstance(datasets, list) else ()):
        if isinstance(dataset, Mapping):
            yield f"$.{side}[{number}]", dataset


def facet_of(holder: Any, name: str, group: str = "facets") -> Mapping[str, Any]:
    """A facet of a run, job or dataset; empty where it has none."""
    facets = holder.get(group) if isinstance(holder, Mapping) else None
    facet = facets.get(name) if isinstance(facets, Mapping) else None
    return facet if isinstance(facet, Mapping) else {}


def facets_of(event: Mapping[str, Any]) -> Iterator[FacetPart]:
    """All facets of an event."""
    yield from _facets(event.get("run"), "RunFacet", "$.run.facets")
    yield from _facets(event.get("job"), "JobFacet", "$.job.facets")
    yield from _facets(event.get("dataset"), "DatasetFacet", "$.dataset.facets")
    for place, dataset in datasets_of(event, "inputs"):
        yield from _facets(dataset, "DatasetFacet", f"{place}.facets")
        yield from _facets(dataset, "InputDatasetFacet", f"{place}.inputFacets", "inputFacets")
    for place, dataset in datasets_of(event, "outputs"):
        yield from _facets(dataset, "DatasetFacet", f"{place}.facets")
        yield from _facets(dataset, "OutputDatasetFacet", f"{place}.outputFacets", "outputFacets")


def without_facets(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with every group of facets emptied."""
    bare = dict(event)
    for part in ("run", "job", "dataset"):
        if part in bare:
            bare[part] = _bare(bare[part])
    for side in ("inputs", "outputs"):
        if isinstance(bare.get(side), list):
            bare[side] = [_bare(dataset) for dataset in bare[side]]
    return bare


def _bare(holder: Any) -> Any:
    if not isinstance(holder, Mapping):
        return holder
    groups = {
        group for group in ("facets", "inputFacets", "outputFacets") if isinstance(holder.get(group), Mapping)
    }
    return {key: {} if key in groups else value for key, value in holder.items()}


def _facets(holder: Any, kind: FacetKind, place: str, group: str = "facets") -> Iterator[FacetPart]:
    facets = holder.get(group) if isinstance(holder, Mapping) else None
    if isinstance(facets, Mapping):
        for name, value in facets.items():
            yield FacetPart(kind, name, value, f"{place}.{name}")
