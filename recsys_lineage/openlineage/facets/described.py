"""Facets of descriptions: documentation, owners and tags of an asset's job and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
from openlineage.client.generated.documentation_job import DocumentationJobFacet
from openlineage.client.generated.ownership_dataset import OwnershipDatasetFacet
from openlineage.client.generated.ownership_job import OwnershipJobFacet
from openlineage.client.generated.tags_dataset import TagsDatasetFacet
from openlineage.client.generated.tags_job import TagsJobFacet

from recsys_lineage.columns.tags import Tag
from recsys_lineage.openlineage.facets.facet import Json, facet, without_nothing
from recsys_lineage.openlineage.translation.asset_description import AssetDescription

_SOURCE = "DAGSTER"


def table_facets(described: AssetDescription, column_tags: Mapping[str, Sequence[str]]) -> Json:
    """Documentation, owners and tags of a table, with its columns' tags from the record."""
    tags = [_tag(key, value) for key, value in sorted(described.tags.items())]
    for column, given in sorted(column_tags.items()):
        tags += [
            {**_tag(tag.name, "indirect" if tag.indirect else "true"), "field": column}
            for tag in map(Tag.of, given)
        ]
    return without_nothing(
        documentation=facet(DocumentationDatasetFacet, description=described.description)
        if described.description
        else None,
        ownership=facet(OwnershipDatasetFacet, owners=_owners(described)) if described.owners else None,
        tags=facet(TagsDatasetFacet, tags=tags) if tags else None,
    )


def job_facets(described: AssetDescription, more_tags: Mapping[str, str]) -> Json:
    """Documentation, owners and tags of the job that makes an asset."""
    tags = [_tag(key, value) for key, value in sorted({**described.tags, **more_tags}.items())]
    return without_nothing(
        documentation=facet(DocumentationJobFacet, description=described.description)
        if described.description
        else None,
        ownership=facet(OwnershipJobFacet, owners=_owners(described)) if described.owners else None,
        tags=facet(TagsJobFacet, tags=tags) if tags else None,
    )


def _owners(described: AssetDescription) -> list[Json]:
    return [{"name": owner} for owner in described.owners]


def _tag(key: str, value: str) -> Json:
    return {"key": key, "value": value or "true", "source": _SOURCE}
