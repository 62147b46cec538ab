"""The trained model facet: the training of a model, as this project's own facet with a published JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import attr
from openlineage.client.generated.base import DatasetFacet

from recsys_lineage.openlineage.facets.facet import REPOSITORY, Json, facet, without_nothing
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.shown_values import shown_value
from recsys_lineage.records.materialization import Materialization

NAME = "recsys_trainedModel"
SCHEMA = "schemas/1-0-0/TrainedModelDatasetFacet.json"
"""Path of the facet's JSON schema, below this package."""
_PUBLISHED = f"https://raw.githubusercontent.com/{REPOSITORY}/main/recsys_lineage/openlineage/{SCHEMA}"
_CHAMPION = "champion"
_PARAMETERS = ("params", "parameters")
_NO_METRIC = {"seed"}


@attr.define
class TrainedModelDatasetFacet(DatasetFacet):
    """Training of the model in a version of a dataset."""

    role: str
    trainedOn: list[dict[str, Any]]
    family: str | None = None
    seed: int | None = None
    parameters: dict[str, Any] | None = None
    metrics: dict[str, float] | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"{_PUBLISHED}#/$defs/TrainedModelDatasetFacet"


def model_facet(record: Materialization, options: EventOptions) -> Json | None:
    """Training of a model; None for a record of anything else, which has no training data.

    The family, the seed and the parameters come from the record's statistics of these names, else from its parameters;
    every other number in the statistics is a metric.
    """
    if not record.trained_on:
        return None
    known: Mapping[str, Any] = {**record.parameters, **record.statistics}
    family, seed = known.get("family"), known.get("seed")
    parameters = dict(record.parameters)
    for name in _PARAMETERS:
        if isinstance(given := record.statistics.get(name), Mapping):
            parameters |= given
    inner = {name: value for name, value in record.statistics.items() if name not in _PARAMETERS}
    lake = options.lake_of(record)
    return facet(
        TrainedModelDatasetFacet,
        role=_CHAMPION if _CHAMPION in record.asset.split("_") else "candidate",
        family=family if isinstance(family, str) else None,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        parameters={name: shown_value(name, value) for name, value in parameters.items()} or None,
        metrics=dict(_numbers(inner)) or None,
        trainedOn=[
            without_nothing(
                **options.table(lake, data.table)._asdict(),
                version=str(data.version),
                rows=data.rows,
                predicate=data.predicate or None,
            )
            for data in record.trained_on
        ],
    )


def _numbers(statistics: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for name, value in statistics.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{before}{name}.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            continue
        elif before or name not in _NO_METRIC:
            yield f"{before}{name}", value
