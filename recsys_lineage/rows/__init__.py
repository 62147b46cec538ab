"""Row lineage: which rows an output row is made of, by rewriting the query, and where rows flow to."""
