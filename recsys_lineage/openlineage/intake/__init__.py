"""Other systems' events: stored unchanged, and joined to the lineage of the lake."""
