"""The commands of `openlineage`: sending events to external catalogs, and checking how these interpreted them."""
