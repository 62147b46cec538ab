"""Samples of a shop's files: their first rows, and what the values of a column say of it."""
