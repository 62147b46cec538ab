"""The commands of `openlineage`: what is sent to external catalogs, and what they took."""
