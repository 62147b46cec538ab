"""Other systems' events: kept as they came, and joined to the lineage of the lake."""
