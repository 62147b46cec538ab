"""Compare: queries a catalog and compares its content with the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.catalog.comparison import differences
from recsys_lineage.openlineage.catalog.expected import expected
from recsys_lineage.openlineage.catalog.marquez import Marquez
from recsys_lineage.openlineage.catalog.marquez_picture import marquez_picture
from recsys_lineage.openlineage.catalog.picture import DatasetPicture, Key, Picture
from recsys_lineage.openlineage.catalog.repair import Comparison, compared
from recsys_lineage.openlineage.translation.event_options import EventOptions


def compare(catalog: Marquez, lakes: Sequence[Lake], options: EventOptions | None = None) -> Comparison:
    """Compare a catalog's content with the records of some lakes, difference by difference.

    Args:
        catalog: a running Marquez.
        lakes: the lakes with the records.
        options: the names of jobs and datasets in events.

    Raises:
        CatalogError: the catalog cannot be queried.
    """
    options = options or EventOptions()
    ours = joined(expected(lake, options) for lake in lakes)
    jobs = {options.jobs} | {job.namespace for job in ours.jobs}
    datasets = {key.namespace for key in (*ours.datasets, *ours.places)}
    theirs = marquez_picture(catalog, jobs, datasets)
    theirs = replace(theirs, datasets=dict(_by_writer(catalog, ours, theirs)))
    return compared(catalog.url, ours, list(differences(ours, theirs)))


def _by_writer(catalog: Marquez, ours: Picture, theirs: Picture) -> Iterator[tuple[Key, DatasetPicture]]:
    """The catalog's datasets, each at the version written by the run that made it.

    A catalog shows the facets from the last event that named a dataset. If that was a run that read an older version,
    it shows the older version; the run that made the current version gives the right one.
    """
    newest = {
        dataset: run_id
        for run_id, run in sorted(ours.runs.items(), key=lambda item: item[1].order)
        for dataset in run.outputs
    }
    for key, dataset in theirs.datasets.items():
        known = ours.datasets.get(key)
        version = dataset.version if known is None else known.version
        if version != dataset.version and dataset.current:
            writer = catalog.writer(*key, dataset.current)
            dataset = replace(dataset, version=version) if newest.get(key) == writer else dataset
        yield key, dataset


def joined(pictures: Iterable[Picture]) -> Picture:
    """The expected pictures of several lakes combined."""
    some = list(pictures)
    return Picture(
        {key: each for one in some for key, each in one.datasets.items()},
        frozenset().union(*(one.edges for one in some)),
        {run_id: run for one in some for run_id, run in one.runs.items()},
        frozenset().union(*(one.others for one in some)) - {key for one in some for key in one.datasets},
        tuple(place for one in some for place in one.places),
        frozenset().union(*(one.bearable for one in some)),
        frozenset().union(*(one.silent for one in some)),
    )
