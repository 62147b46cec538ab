"""OpenLineage: records as events for external catalogs."""
