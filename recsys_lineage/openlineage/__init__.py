"""OpenLineage: what the records tell, as events that external catalogs understand."""
