"""The commands of `openlineage`: sending events to external catalogs, and checking what these understood."""
