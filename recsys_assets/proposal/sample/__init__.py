"""Samples of a shop's files: their first rows, and the properties of columns found from their values."""
