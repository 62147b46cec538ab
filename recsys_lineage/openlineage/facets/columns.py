"""The column lineage facet: of what each column is made, and which columns only decide its rows or values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from openlineage.client.generated.column_lineage_dataset import ColumnLineageDatasetFacet

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.openlineage.facets.facet import Json, facet
from recsys_lineage.openlineage.read_datasets import ReadDataset


def column_lineage_facet(
    lineage: Mapping[str, tuple[ColumnEdge, ...]], columns: Collection[str], inputs: Collection[ReadDataset]
) -> Json | None:
    """The edges of each column, those from one column together; None where the lineage is not known.

    Args:
        lineage: of a record.
        columns: of what was written.
        inputs: what was read; an edge from anything else is none.
    """
    if not lineage:
        return None
    sources = {called: (dataset.name, dataset.spelled) for dataset in inputs for called in dataset.called}
    fields: Json = {}
    shared: dict[tuple[ColumnEdge, ...], list[Json]] = {}
    for column, edges in lineage.items():
        if column in columns:
            made_of = shared.get(edges)
            if made_of is None:
                made_of = shared[edges] = _input_fields(edges, sources)
            fields[column] = {"inputFields": made_of}
    return facet(ColumnLineageDatasetFacet, fields=fields)


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
