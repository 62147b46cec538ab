"""Facets of datasets: location, version, and kind."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from openlineage.client.generated.catalog_dataset import CatalogDatasetFacet
from openlineage.client.generated.dataset_type_dataset import DatasetTypeDatasetFacet
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.datasource_dataset import DatasourceDatasetFacet
from openlineage.client.generated.lifecycle_state_change_dataset import LifecycleStateChangeDatasetFacet
from openlineage.client.generated.storage_dataset import StorageDatasetFacet
from openlineage.client.generated.symlinks_dataset import SymlinksDatasetFacet

from recsys_lineage.openlineage.facets.facet import Json, facet
from recsys_lineage.openlineage.translation.naming import uri_of


def version_facet(version: str) -> Json:
    """The version that was read or written."""
    return facet(DatasetVersionDatasetFacet, datasetVersion=version)


@lru_cache(maxsize=1024)
def datasource_facet(place: str) -> Json:
    """The lake or folder of a dataset."""
    uri = uri_of(place)
    return facet(DatasourceDatasetFacet, name=uri, uri=uri)


@lru_cache(maxsize=1024)
def symlinks_facet(namespace: str, table: str) -> Json:
    """The table's logical name, by which other systems may know it."""
    return facet(SymlinksDatasetFacet, identifiers=[{"namespace": namespace, "name": table, "type": "TABLE"}])


@lru_cache(maxsize=64)
def catalog_facet(namespace: str, lake: str) -> Json:
    """The lake as a catalog of Delta tables."""
    return facet(
        CatalogDatasetFacet,
        framework="delta",
        type="filesystem",
        name=namespace,
        warehouseUri=uri_of(lake),
        source="dagster",
    )


@lru_cache(maxsize=1)
def storage_facet() -> Json:
    """Delta tables of Parquet files."""
    return facet(StorageDatasetFacet, storageLayer="delta", fileFormat="parquet")


@lru_cache(maxsize=8)
def type_facet(kind: Literal["TABLE", "FILE", "MODEL"]) -> Json:
    """Type of a dataset."""
    return facet(DatasetTypeDatasetFacet, datasetType=kind)


@lru_cache(maxsize=8)
def lifecycle_facet(change: Literal["CREATE", "OVERWRITE"]) -> Json:
    """Lifecycle change of a table: its first version, or one that replaces the previous."""
    return facet(LifecycleStateChangeDatasetFacet, lifecycleStateChange=change)
