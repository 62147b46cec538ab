"""Row lineage: the rows behind an output row, found by rewriting the query, and the rows that rows flow to."""
