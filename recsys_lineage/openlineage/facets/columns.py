"""The column lineage facet: the columns that each column comes from, and those that only decide its rows or values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from openlineage.client.generated.column_lineage_dataset import ColumnLineageDatasetFacet

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.openlineage.facets.facet import Json, SharedJson, facet
from recsys_lineage.openlineage.translation.naming import DatasetName
from recsys_lineage.openlineage.translation.read_datasets import ReadDataset
from recsys_lineage.openlineage.translation.shared_values import Same


def column_lineage_facet(
    lineage: Mapping[str, tuple[ColumnEdge, ...]], schema: tuple[Column, ...], inputs: Sequence[ReadDataset]
) -> Json | None:
    """The edges of each column, grouped by input column; None where the lineage is unknown.

    Args:
        lineage: the lineage in a record.
        schema: the schema of the output.
        inputs: the inputs; edges from anything else are left out.
    """
    if not lineage:
        return None
    sources = tuple(
        (called, dataset.name, Same(dataset.columns))
        for dataset in inputs
        for called in sorted(dataset.called)
    )
    return _facet(Same(lineage), Same(schema), sources)


@lru_cache(maxsize=1024)
def _facet(lineage: Same, schema: Same, sources: tuple[tuple[str, DatasetName, Same], ...]) -> Json:
    """The facet; records that share their objects share it."""
    columns = {column.name for column in schema.value}
    known = {
        called: (name, {column.name.casefold(): column.name for column in of_input.value})
        for called, name, of_input in sources
    }
    fields: Json = {
        column: {"inputFields": _input_fields(edges, known)}
        for column, edges in lineage.value.items()
        if column in columns
    }
    return SharedJson(facet(ColumnLineageDatasetFacet, fields=fields))


def _input_fields(edges: tuple[ColumnEdge, ...], sources: Mapping[str, Any]) -> list[Json]:
    found: dict[tuple[str, str], list[Json]] = {}
    for edge in edges:
        if edge.table in sources:
            found.setdefault((edge.table, edge.column), []).append(
                _transformation(edge.kind, edge.subtype, edge.masking)
            )
    fields: list[Json] = []
    for (table, column), transformations in found.items():
        (namespace, name), spelled = sources[table]
        fields.append(
            {
                "namespace": namespace,
                "name": name,
                "field": spelled.get(column.casefold(), column),
                "transformations": transformations,
            }
        )
    return fields


@cache
def _transformation(kind: str, subtype: str, masking: bool) -> Json:
    return {"type": kind, "subtype": subtype, "masking": masking}
