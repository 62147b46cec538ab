"""Comparison of a catalog's content with the records."""
