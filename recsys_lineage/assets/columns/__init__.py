"""Column lineage and tags of assets."""
