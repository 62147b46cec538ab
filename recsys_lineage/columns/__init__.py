"""Column lineage: the input columns of each column of a query's or a frame's result, and how they take part.

`edges` and `relation` define the result, `binding` resolves names, `expressions` and `queries` derive the edges.
"""
