"""Column lineage: from which columns of its inputs each column of a query's or a frame's result comes, and how.

`edges` and `relation` say what is derived, `binding` what names mean, `expressions` and `queries` what is made of them.
"""
