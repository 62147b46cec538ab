"""Column lineage: from which columns of its inputs each column of a query's or a frame's result comes, and how."""
