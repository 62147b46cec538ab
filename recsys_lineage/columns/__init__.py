"""Column lineage: the input columns of each column of a query's or a frame's result, and how they take part.

`edges` and `relation` say what is derived, `binding` what names mean, `expressions` and `queries` what is made of them.
"""
